import { historyJson } from '../../../api/encode.js';
import { HISTORY_MESSAGES_MAX } from '../../../api/frames.js';
import type { ChatEntry } from '../../../chat/entries.js';
import { ChatError } from '../../../chat/errors.js';
import { mapLoaded } from '../../../store/loading.js';
import type { Loaded } from '../../../store/read-store.js';
import type { Hub } from '../hub.js';
import { type EncodedPage, FrameCollector, frameOf, PAGE_BOUNDS } from '../pages.js';
import type { ChatSocket } from '../sockets.js';
import { AGAIN, type Progress, type Step } from './step.js';

/** Where a socket's next page comes from, as of the position of the answer. Undefined: no such chat for the user. */
type Page = { readonly send: () => Progress } | undefined;

const NO_GROUPS: readonly number[] = [];

/** The pages of a chat's socket: the newest messages that it begins with, or everything after an id. */
export class ChatCatchUp {
  readonly #hub: Hub;
  /** By the time a page is encoded, its authors are among the cached users. */
  readonly #nameJson = (userId: number) => this.#hub.caches.nameJson(userId);

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  next(socket: ChatSocket): Step<Page> {
    const { start } = socket;
    const isFirst = socket.state === 'opening' && 'limit' in start;
    return {
      load: () => (isFirst ? this.#loadNewest(socket, start) : this.#loadAfter(socket)),
      act: (page) => {
        if (page === undefined) throw new ChatError('chat_not_found');
        if (socket.position > this.#hub.follower.position) throw new ChatError('after_unknown');
        return page.send();
      },
    };
  }

  #loadNewest(socket: ChatSocket, { limit, offset }: { limit: number; offset: number }): Loaded<Page> {
    const { store, caches, pages } = this.#hub;
    const { chatId, userId } = socket;
    const count = Math.min(limit, HISTORY_MESSAGES_MAX);
    if (offset === 0 && pages.recent(chatId, count) !== undefined) {
      return mapLoaded(store.chatFor(chatId, userId), (chat) => {
        if (chat === undefined) return undefined;
        // As it is when its turn comes: messages may pass until then.
        return { send: () => this.#sendHistory(socket, pages.recent(chatId, count)) };
      });
    }
    const found = store.newestFor(chatId, userId, offset, { ...PAGE_BOUNDS, max: count }, caches);
    return mapLoaded(found, (page) => {
      if (page === undefined) return undefined;
      caches.addUsers(page.users);
      const collector = new FrameCollector();
      const authors = new Set<number>();
      let more = page.more;
      for (const message of page.messages.toReversed()) {
        const frame = frameOf(message, this.#nameJson);
        if (frame === undefined) continue;
        more = !collector.add(frame);
        if (more) break;
        authors.add(message.authorId);
      }
      const encoded = { frames: collector.frames.reverse(), bytes: collector.bytes, more: more || page.more };
      return {
        send: () => {
          if (offset === 0) pages.keepRecent(chatId, encoded, authors, count);
          return this.#sendHistory(socket, encoded);
        },
      };
    });
  }

  #sendHistory(socket: ChatSocket, page: EncodedPage | undefined): Progress {
    if (page === undefined) return AGAIN;
    socket.send(historyJson(page.frames, page.more));
    return { bytes: page.bytes, more: false, groups: NO_GROUPS };
  }

  #loadAfter(socket: ChatSocket): Loaded<Page> {
    const { store, caches, pages } = this.#hub;
    const { chatId, userId, position } = socket;
    const kept = pages.after(chatId, position);
    const bounds = kept === undefined ? PAGE_BOUNDS : { ...PAGE_BOUNDS, max: 0 };
    return mapLoaded(store.entriesFor(chatId, userId, position, bounds, caches), (page) => {
      if (page === undefined) return undefined;
      if (kept !== undefined) return { send: () => this.#sendPage(socket, kept, page.newest) };
      caches.addUsers(page.users);
      const read = this.#encode(page.entries, position);
      return {
        send: () => {
          if (read.frames.length > 0) pages.keep({ chatId, from: position, ...read });
          return this.#sendPage(socket, read, page.newest);
        },
      };
    });
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
