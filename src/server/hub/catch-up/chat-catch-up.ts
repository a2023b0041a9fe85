import { historyJson } from '../../../api/encode.js';
import { HISTORY_MESSAGES_MAX } from '../../../api/frames.js';
import type { ChatEntry } from '../../../chat/entries.js';
import { ChatError } from '../../../chat/errors.js';
import { mapLoaded } from '../../../store/loading.js';
import type { ChatPage, Loaded, MessagePage } from '../../../store/read-store.js';
import type { Hub } from '../hub.js';
import { type EncodedPage, FrameCollector, frameOf, PAGE_BOUNDS } from '../pages.js';
import type { ChatSocket } from '../sockets.js';
import { AGAIN, NO_GROUPS, type Progress, type Step } from './step.js';

/** The newest messages of a chat. `page` is undefined when they were cached, and are looked up again to be sent. */
interface Newest {
  readonly page: MessagePage | undefined;
}

/** What follows in a chat. When `isAtHand`, the encoded page was cached, and is looked up again to be sent. */
interface Following {
  readonly page: ChatPage;
  readonly isAtHand: boolean;
}

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

  #newest(socket: ChatSocket, count: number, offset: number): Step<Newest | undefined> {
    const { store, caches, pages } = this.#hub;
    const { chatId, userId } = socket;
    return {
      load: (): Loaded<Newest | undefined> => {
        if (offset === 0 && pages.recent(chatId, count) !== undefined)
          return mapLoaded(store.chatFor(chatId, userId), (chat) => chat && { page: undefined });
        const found = store.newestFor(chatId, userId, offset, { ...PAGE_BOUNDS, max: count }, caches);
        return mapLoaded(found, (page) => page && { page });
      },
      act: (found) => {
        this.#assertMember(socket, found);
        if (found.page === undefined) return this.#sendHistory(socket, pages.recent(chatId, count));
        caches.add(found.page, this.#hub.follower.position);
        const { authors, ...page } = this.#encodeNewest(found.page);
        if (offset === 0) pages.keepRecent(chatId, page, authors, count);
        return this.#sendHistory(socket, page);
      },
    };
  }

  #following(socket: ChatSocket): Step<Following | undefined> {
    const { store, caches, pages } = this.#hub;
    const { chatId, userId, position } = socket;
    return {
      load: (): Loaded<Following | undefined> => {
        const isAtHand = pages.after(chatId, position) !== undefined;
        const bounds = isAtHand ? { ...PAGE_BOUNDS, max: 0 } : PAGE_BOUNDS;
        const found = store.entriesFor(chatId, userId, position, bounds, caches);
        return mapLoaded(found, (page) => page && { page, isAtHand });
      },
      act: (found) => {
        this.#assertMember(socket, found);
        const { page, isAtHand } = found;
        const cached = pages.after(chatId, position);
        if (cached !== undefined) return this.#sendPage(socket, cached, page.newest);
        if (isAtHand) return AGAIN;
        caches.add(page, this.#hub.follower.position);
        const encoded = this.#encode(page.entries, position);
        if (encoded.frames.length > 0) pages.keep({ chatId, from: position, ...encoded });
        return this.#sendPage(socket, encoded, page.newest);
      },
    };
  }

  #assertMember<T>(socket: ChatSocket, found: T | undefined): asserts found is T {
    if (found === undefined) throw new ChatError('chat_not_found');
    if (socket.position > this.#hub.follower.position) throw new ChatError('history_changed');
  }

  /** The newest messages of a page that fit into one frame. */
  #encodeNewest(page: MessagePage): EncodedPage & { readonly authors: Set<number> } {
    const collector = new FrameCollector();
    const authors = new Set<number>();
    let { more } = page;
    for (const message of page.messages.toReversed()) {
      const frame = frameOf(message, this.#nameJson);
      if (frame === undefined) continue;
      if (!collector.add(frame)) {
        more = true;
        break;
      }
      authors.add(message.authorId);
    }
    return { frames: collector.frames.reverse(), bytes: collector.bytes, more, authors };
  }

  #encode(entries: readonly ChatEntry[], from: number) {
    const collector = new FrameCollector();
    const ids: number[] = [];
    const authors = new Set<number>();
    let last = from;
    for (const entry of entries) {
      const frame = frameOf(entry, this.#nameJson);
      if (frame !== undefined) {
        if (!collector.add(frame)) break;
        ids.push(entry.id);
        authors.add(entry.authorId);
      }
      last = entry.id;
    }
    return { frames: collector.frames, bytes: collector.bytes, ids, authors, last };
  }

  #sendHistory(socket: ChatSocket, page: EncodedPage | undefined): Progress {
    if (page === undefined) return AGAIN;
    socket.send(historyJson(page.frames, page.more));
    return { bytes: page.bytes, more: false, groups: NO_GROUPS };
  }

  /** `newest` is the newest id that the chat's sockets are to hear of. */
  #sendPage(
    socket: ChatSocket,
    { frames, bytes, last }: { frames: readonly string[]; bytes: number; last: number },
    newest: number,
  ): Progress {
    const more = newest > last;
    if (socket.state === 'opening') socket.send(historyJson(frames, more));
    else socket.sendAll(frames);
    socket.position = last;
    return { bytes, more, groups: NO_GROUPS };
  }
}
