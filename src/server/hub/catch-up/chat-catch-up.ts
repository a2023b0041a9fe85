import { historyJson } from '../../../api/encode.js';
import { HISTORY_MESSAGES_MAX } from '../../../api/frames.js';
import type { PageEntry } from '../../../chat/entries.js';
import { ChatError } from '../../../chat/errors.js';
import { mapLoaded } from '../../../store/loading.js';
import type {
  ChatPage,
  Loaded,
  MessagePage,
  OwnReactions,
  PageFor,
  Quotes,
} from '../../../store/read-store.js';
import type { Hub } from '../hub.js';
import {
  type EncodedEntry,
  type EncodedPage,
  encodeEntry,
  FrameCollector,
  frameFor,
  namesIn,
  PAGE_BOUNDS,
  reactedAmong,
} from '../pages.js';
import { type ChatSocket, tellRead } from '../sockets.js';
import { AGAIN, hasBeenSent, NO_GROUPS, type Progress, type Step } from './step.js';

/** What of a page is only for its reader. */
interface ForReader {
  readonly own: OwnReactions;
  readonly readId: number;
}

/**
 * A page that was cached when the store was asked, which is looked up again to be sent, and what was asked for it: whether
 * the user may see the chat, and which of the reactions are the user's own.
 */
interface AtHand extends ForReader {
  readonly newest: number;
  readonly reacted: PageFor['reacted'];
}

type Found<Page> = { readonly page: Page } | { readonly atHand: AtHand };

const NOTHING = { max: 0, maxBytes: 0 } as const;

/**
 * Reads the pages of a chat's socket: the newest messages that it begins with, or everything after an id. Pages are
 * encoded only when the worker is at their position: with the names of that position they may be kept for others.
 */
export class ChatCatchUp {
  readonly #hub: Hub;
  readonly #nameJson = (userId: number) => this.#hub.caches.nameJson(userId);

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  /** Errors: chat_not_found, history_changed. */
  next(socket: ChatSocket): Step {
    const { start } = socket;
    return socket.state === 'opening' && 'limit' in start
      ? this.#newest(socket, Math.min(start.limit, HISTORY_MESSAGES_MAX), start.offset)
      : this.#following(socket);
  }

  #newest(socket: ChatSocket, count: number, offset: number): Step<Found<MessagePage> | undefined> {
    const { store, caches } = this.#hub;
    const { chatId, userId, view } = socket;
    const pages = this.#hub.pages[view];
    return {
      load: (): Loaded<Found<MessagePage> | undefined> => {
        const known = offset === 0 ? pages.recent(chatId, count) : undefined;
        if (known !== undefined) return this.#loadAtHand(socket, known.entries, 0);
        const bounds = { ...PAGE_BOUNDS, max: count };
        const found = store.newestFor(chatId, userId, offset, bounds, caches, { view, reacted: [] });
        return mapLoaded(found, (page) => page && { page });
      },
      act: (found) => {
        this.#assertMember(socket, found);
        if ('atHand' in found) {
          const page = pages.recent(chatId, count);
          if (page === undefined || !isAnswered(page.entries, found.atHand)) return AGAIN;
          return this.#sendNewest(socket, page, found.atHand);
        }
        const { page } = found;
        caches.add(page, this.#hub.follower.position);
        const { authors, ...encoded } = this.#encodeNewest(socket, page);
        if (offset === 0) pages.keepRecent(chatId, encoded, authors, count);
        return this.#sendNewest(socket, encoded, page);
      },
    };
  }

  #following(socket: ChatSocket): Step<Found<ChatPage> | undefined> {
    const { store, caches } = this.#hub;
    const { chatId, userId, position, view } = socket;
    const pages = this.#hub.pages[view];
    return {
      load: (): Loaded<Found<ChatPage> | undefined> => {
        const known = pages.after(chatId, position);
        if (known !== undefined) return this.#loadAtHand(socket, known.entries, position);
        const found = store.entriesFor(chatId, userId, position, PAGE_BOUNDS, caches, { view, reacted: [] });
        return mapLoaded(found, (page) => page && { page });
      },
      act: (found) => {
        this.#assertMember(socket, found);
        if ('atHand' in found) {
          const page = pages.after(chatId, position);
          if (page === undefined || !isAnswered(page.entries, found.atHand)) return AGAIN;
          return this.#sendFollowing(socket, page, found.atHand);
        }
        const { page } = found;
        caches.add(page, this.#hub.follower.position);
        const { authors, ...encoded } = this.#encode(socket, page);
        if (encoded.entries.length > 0) pages.keep({ chatId, from: position, authors, ...encoded });
        return this.#sendFollowing(socket, encoded, page);
      },
    };
  }

  /** Asks what a page that is cached needs of the store. */
  #loadAtHand(
    { chatId, userId, view }: ChatSocket,
    entries: readonly EncodedEntry[],
    after: number,
  ): Loaded<{ readonly atHand: AtHand } | undefined> {
    const reacted = reactedAmong(entries);
    const { store, caches } = this.#hub;
    const found = store.entriesFor(chatId, userId, after, NOTHING, caches, { view, reacted });
    return mapLoaded(
      found,
      (page) => page && { atHand: { newest: page.newest, own: page.own, readId: page.readId, reacted } },
    );
  }

  #assertMember<T>(socket: ChatSocket, found: T | undefined): asserts found is T {
    if (found === undefined) throw new ChatError('chat_not_found');
    if (socket.position > this.#hub.follower.position) throw new ChatError('history_changed');
  }

  #encodeEntry(socket: ChatSocket, entry: PageEntry, quotes: Quotes): EncodedEntry {
    return encodeEntry(entry, socket.view, { nameJson: this.#nameJson, quotes });
  }

  /** The newest messages of a page that fit into one frame. */
  #encodeNewest(socket: ChatSocket, page: MessagePage): EncodedPage & { readonly authors: Set<number> } {
    const collector = new FrameCollector<EncodedEntry>();
    const authors = new Set<number>();
    let { more } = page;
    for (const message of page.messages.toReversed()) {
      if (!collector.add(this.#encodeEntry(socket, message, page.quotes))) {
        more = true;
        break;
      }
      for (const author of namesIn(message, page.quotes)) authors.add(author);
    }
    return { entries: collector.entries.reverse(), bytes: collector.bytes, more, authors };
  }

  #encode(socket: ChatSocket, { entries, quotes, isWhole, newest }: ChatPage) {
    const collector = new FrameCollector<EncodedEntry>();
    const authors = new Set<number>();
    let last = socket.position;
    let hasAll = true;
    for (const entry of entries) {
      if (!collector.add(this.#encodeEntry(socket, entry, quotes))) {
        hasAll = false;
        break;
      }
      for (const author of namesIn(entry, quotes)) authors.add(author);
      last = entry.id;
    }
    if (isWhole && hasAll) last = Math.max(last, newest);
    return { entries: collector.entries, bytes: collector.bytes, authors, last };
  }

  #sendNewest(socket: ChatSocket, page: EncodedPage, reader: ForReader): Progress {
    const frames = page.entries.map((entry) => frameFor(entry, reader.own));
    this.#sendHistory(socket, frames, page.more, reader);
    socket.continueAfter(this.#hub.follower.position);
    return { bytes: page.bytes, more: false, groups: NO_GROUPS };
  }

  #sendHistory(socket: ChatSocket, frames: readonly string[], more: boolean, { readId }: ForReader): void {
    if (socket.view === 'plain') return socket.send(historyJson(frames, more));
    socket.readId = readId;
    socket.send(historyJson(frames, more, readId));
  }

  /** `newest` is the newest id that the chat's sockets are to hear of. */
  #sendFollowing(
    socket: ChatSocket,
    page: { readonly entries: readonly EncodedEntry[]; readonly bytes: number; readonly last: number },
    { newest, ...reader }: ForReader & { readonly newest: number },
  ): Progress {
    const more = newest > page.last;
    socket.pagesAt ??= this.#hub.follower.position;
    const entries = page.entries.filter((entry) => !hasBeenSent(socket, entry));
    const frames = entries.map((entry) => frameFor(entry, reader.own));
    const isOpening = socket.state === 'opening';
    // A page of changes that were sent with their messages is left out, but for the last one, which ends the history.
    const isSent = frames.length > 0 || (isOpening && !more);
    if (isOpening && isSent) this.#sendHistory(socket, frames, more, reader);
    else if (isSent) socket.sendAll(frames);
    // What passed while the socket was behind was not sent to it.
    if (!isOpening) tellRead(socket, reader.readId);
    socket.position = page.last;
    return { bytes: isSent ? page.bytes : 0, more, groups: NO_GROUPS };
  }
}

/** Whether the question was about these very reactions. */
function isAnswered(entries: readonly EncodedEntry[], { reacted }: AtHand): boolean {
  const asked = new Set(reacted.map(({ reactions }) => reactions));
  return entries.every(({ reactions }) => reactions === undefined || asked.has(reactions));
}
