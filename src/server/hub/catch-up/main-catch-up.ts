import { lastMessageJson } from '../../../api/encode.js';
import { ChatError } from '../../../chat/errors.js';
import type { Message } from '../../../chat/messages.js';
import type { Known, Loaded, Room, Rooms } from '../../../store/read-store.js';
import type { Hub } from '../hub.js';
import { FrameCollector } from '../pages.js';
import type { MainSocket } from '../sockets.js';
import { AGAIN, NO_GROUPS, type Progress, type Step } from './step.js';

/** Chats whose newest messages are asked for again for one page: half as many long messages fill it. */
const CHATS_PER_PAGE = 128;

interface Frame {
  readonly frame: string;
  readonly bytes: number;
}

/**
 * Reads the pages of a main socket: each chat's newest message, in ascending order of their ids. A round goes over all
 * chats that have a message after the socket's position, and rounds are repeated until one finds none: a chat that gets
 * a newer message meanwhile comes again in the next round.
 */
export class MainCatchUp {
  readonly #hub: Hub;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  /** Errors: history_changed. */
  next(socket: MainSocket): Step<readonly number[] | Rooms> {
    const { store, caches, follower } = this.#hub;
    const isRoundBegin = socket.chatsLeft.length === 0;
    const only = isRoundBegin ? undefined : socket.chatsLeft.slice(-CHATS_PER_PAGE);
    /** Chats whose newest message was at hand when the store was asked, and the position at which it was asked. */
    const atHand = new Set<number>();
    let askedAt = 0;
    const known: Known = {
      hasUser: (id) => caches.hasUser(id),
      chat: (id) => caches.chat(id),
      newestMessage(chatId) {
        const newest = caches.newestMessage(chatId);
        if (newest !== undefined) atHand.add(chatId);
        return newest;
      },
    };
    return {
      load: (): Loaded<readonly number[] | Rooms> => {
        atHand.clear(); // The question may be repeated.
        askedAt = follower.position;
        const isDone = isNew(socket) || socket.position >= askedAt;
        return isDone ? store.groupsOf(socket.userId) : store.roomsOf(socket.userId, known, only);
      },
      act: (found) => {
        if (socket.position > follower.position) throw new ChatError('history_changed');
        if (!('rooms' in found)) {
          const more = !isNew(socket) && socket.position < follower.position;
          return { bytes: 0, more, groups: found };
        }
        caches.add(found, follower.position);
        const newest = this.#newestOf(found.rooms, atHand, follower.position !== askedAt);
        if (newest === undefined) return AGAIN;
        if (isRoundBegin) this.#beginRound(socket, newest);
        return this.#send(socket, found.rooms, newest, isRoundBegin);
      },
    };
  }

  /**
   * Each chat's newest message as of the position. When the log has moved since the question, what was at hand then may
   * be old, so the caches are asked again. Returns undefined when they have forgotten one.
   */
  #newestOf(
    rooms: readonly Room[],
    atHand: ReadonlySet<number>,
    hasMoved: boolean,
  ): Map<number, Message> | undefined {
    const { caches } = this.#hub;
    const found = new Map<number, Message>();
    for (const { chat, newest } of rooms) {
      const isOld = hasMoved && atHand.has(chat.id);
      const message = isOld ? caches.newestMessage(chat.id) : newest;
      if (isOld && message === undefined) return undefined;
      if (message === undefined) continue;
      found.set(chat.id, message);
      if (!atHand.has(chat.id)) caches.addNewest(message);
    }
    return found;
  }

  #beginRound(socket: MainSocket, newest: ReadonlyMap<number, Message>): void {
    const messages = [...newest.values()].filter(({ id }) => id > socket.position);
    socket.chatsLeft = messages.sort((a, b) => b.id - a.id).map(({ chatId }) => chatId);
    socket.roundEnd = this.#hub.follower.position;
  }

  /** `isAll`: the rooms are all that the user has. */
  #send(
    socket: MainSocket,
    rooms: readonly Room[],
    newest: ReadonlyMap<number, Message>,
    isAll: boolean,
  ): Progress {
    const { caches, follower } = this.#hub;
    const types = new Map(rooms.map(({ chat }) => [chat.id, chat.type]));
    const page = new FrameCollector<Frame>();
    const asked = isAll ? socket.chatsLeft.length : Math.min(socket.chatsLeft.length, CHATS_PER_PAGE);
    for (let left = asked; left > 0; left--) {
      const chatId = socket.chatsLeft.at(-1) ?? 0;
      const message = newest.get(chatId);
      const type = types.get(chatId);
      // A newer message comes in the next round, and a chat that the user left does not come at all.
      const isInRound = message !== undefined && type !== undefined && message.id <= socket.roundEnd;
      if (isInRound) {
        const frame = lastMessageJson(message, caches.nameJson(message.authorId), type);
        if (!page.add({ frame, bytes: Buffer.byteLength(frame) + 1 })) break;
      }
      if (isInRound) socket.position = message.id;
      socket.chatsLeft.pop();
    }
    if (socket.chatsLeft.length === 0) socket.position = socket.roundEnd;
    socket.sendAll(page.entries.map(({ frame }) => frame));
    const more = socket.position < follower.position || !isAll;
    const bytes = page.entries.length === 0 ? 0 : page.bytes;
    return { bytes, more, groups: more ? NO_GROUPS : groupsAmong(rooms) };
  }
}

/** Whether the socket is sent nothing of what was before it. */
function isNew(socket: MainSocket): boolean {
  return socket.state === 'opening' && socket.after === undefined;
}

function groupsAmong(rooms: readonly Room[]): number[] {
  return rooms.filter(({ chat }) => chat.type === 'group').map(({ chat }) => chat.id);
}
