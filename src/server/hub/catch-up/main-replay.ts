import { messageJson } from '../../../api/encode.js';
import {
  addedJson,
  changesJson,
  chatChangedJson,
  limitedJson,
  profileChangedJson,
  removedJson,
  roomJson,
  unreadJson,
} from '../../../api/encode-main.js';
import { HISTORY_BYTES_MAX } from '../../../api/frames.js';
import { CHANGES_MAX, CHANGES_PER_CHAT_MAX, NEWEST_MESSAGES_MAX } from '../../../api/main-frames.js';
import { otherOf } from '../../../chat/chats.js';
import { ChatError } from '../../../chat/errors.js';
import { opaqueCursor } from '../../../chat/ids.js';
import { isDeleted } from '../../../chat/messages.js';
import type { Loaded, Replay, ReplayBounds, ReplayItem } from '../../../store/read-store.js';
import type { Hub } from '../hub.js';
import { type EncodedEntry, encodeEntry, frameFor } from '../pages.js';
import type { MainSocket } from '../sockets.js';
import { hasBeenSent, NO_GROUPS, type Progress, type Step } from './step.js';

const BOUNDS: ReplayBounds = {
  max: CHANGES_MAX,
  maxBytes: HISTORY_BYTES_MAX,
  perChatMax: CHANGES_PER_CHAT_MAX,
  newest: NEWEST_MESSAGES_MAX,
};

/**
 * Reads the pages of a main socket that asks for changes: everything that happened in the user's chats, in the order of the
 * log. With the last page come the counts of what is unread, which are not part of the log.
 */
export class MainReplay {
  readonly #hub: Hub;
  readonly #nameJson = (userId: number) => this.#hub.caches.nameJson(userId);

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  /** Errors: history_changed. */
  next(socket: MainSocket): Step<Replay> {
    const { store, caches, follower } = this.#hub;
    return {
      load: (): Loaded<Replay> => {
        // A socket that does not resume is told of nothing before its first page.
        const isNew = socket.state === 'opening' && socket.after === undefined;
        if (isNew && socket.pagesAt === undefined) socket.continueAfter(follower.position);
        return store.replayFor(socket.userId, socket.position, socket.sentWhole, BOUNDS, caches);
      },
      act: (page) => {
        if (socket.position > follower.position) throw new ChatError('history_changed');
        caches.add(page, follower.position);
        return this.#send(socket, page);
      },
    };
  }

  #send(socket: MainSocket, page: Replay): Progress {
    const { position } = this.#hub.follower;
    socket.pagesAt ??= position;
    const frames = page.items.flatMap((item) => this.#frames(socket, item, page));
    const cursor = opaqueCursor({ id: page.last, time: page.time });
    const sent = [changesJson(frames, cursor, !page.isWhole)];
    if (page.isWhole) sent.push(unreadJson(page.unread, true));
    socket.sendAll(sent);
    socket.position = page.last;
    const bytes = sent.reduce((sum, frame) => sum + Buffer.byteLength(frame), 0);
    return { bytes, more: !page.isWhole, groups: page.isWhole ? page.groups : NO_GROUPS };
  }

  #frames(socket: MainSocket, item: ReplayItem, page: Replay): string[] {
    switch (item.kind) {
      case 'entry': {
        const encoded = this.#encode(item.entry, page);
        // What was sent with the newest page of its chat is not among the pages before.
        const whole = socket.sentWhole.get(item.entry.chatId) ?? 0;
        const { position, pagesFrom, pagesAt } = socket;
        const pages = { position: Math.max(position, whole), pagesFrom: Math.max(pagesFrom, whole), pagesAt };
        return hasBeenSent(pages, encoded) ? [] : [frameFor(encoded, page.own)];
      }
      case 'added':
      case 'limited':
        socket.sentWhole.set(item.chat.id, this.#hub.follower.position);
        return [this.#newestPage(socket, item, page)];
      case 'removed':
        return [removedJson(item.id, item.chatId)];
      case 'chat':
        return [chatChangedJson(item.id, item.chat)];
      case 'profile':
        return [profileChangedJson(item.id, item.user, item.chatId)];
    }
  }

  #newestPage(
    socket: MainSocket,
    item: ReplayItem & { readonly kind: 'added' | 'limited' },
    page: Replay,
  ): string {
    const { id, chat, messages, unread, more } = item;
    const frames = messages.map((message) => frameFor(this.#encode(message, page), page.own));
    const last = messages.findLast((message) => !isDeleted(message));
    const lastJson = last === undefined ? 'null' : messageJson(last, this.#nameJson(last.authorId));
    const name =
      chat.pair === null ? JSON.stringify(chat.name) : this.#nameJson(otherOf(chat.pair, socket.userId));
    const room = roomJson(chat, name, lastJson, unread);
    if (item.kind === 'added') return addedJson(id, room, frames, more);
    return limitedJson(id, chat.id, messages[0]?.id ?? 0, room, frames);
  }

  #encode(entry: Parameters<typeof encodeEntry>[0], { quotes }: Replay): EncodedEntry {
    return encodeEntry(entry, 'full', { nameJson: this.#nameJson, quotes });
  }
}
