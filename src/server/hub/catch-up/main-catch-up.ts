import { lastMessageJson } from '../../../api/encode.js';
import { ChatError } from '../../../chat/errors.js';
import type { Message } from '../../../chat/messages.js';
import { mapLoaded } from '../../../store/loading.js';
import type { Known, Loaded, Room } from '../../../store/read-store.js';
import type { Hub } from '../hub.js';
import { FrameCollector } from '../pages.js';
import type { MainSocket } from '../sockets.js';
import { AGAIN, type Progress, type Step } from './step.js';

/** What a step found: of a new socket its user's groups, of another the chats that it asked for. */
type Found =
  | { readonly groups: readonly number[] }
  | { readonly rooms: readonly Room[]; readonly isAll: boolean };

/** Chats whose newest messages are asked for again for one page: long ones fill it with half as many. */
const DUE_PER_PAGE = 128;

const NO_GROUPS: readonly number[] = [];

/**
 * The pages of a main socket: each chat's newest message, in ascending order of their ids. Rounds over all chats are
 * repeated until one finds nothing: a chat that gets a newer message meanwhile comes again, in a later round.
 */
export class MainCatchUp {
  readonly #hub: Hub;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  next(socket: MainSocket): Step<Found> {
    /** Chats whose newest message was at hand when the store was asked. */
    const atHand = new Set<number>();
    const begin = this.#hub.follower.position;
    return {
      load: () => this.#load(socket, atHand),
      act: (found) => {
        const { follower } = this.#hub;
        if (socket.position > follower.position) throw new ChatError('after_unknown');
        if ('groups' in found) {
          const more = !isNew(socket) && socket.position < follower.position;
          return { bytes: 0, more, groups: found.groups };
        }
        const newest = this.#newestOf(found.rooms, atHand, follower.position !== begin);
        return newest === undefined ? AGAIN : this.#send(socket, found, newest);
      },
    };
  }

  #load(socket: MainSocket, atHand: Set<number>): Loaded<Found> {
    const { store, caches } = this.#hub;
    if (isNew(socket) || socket.position >= this.#hub.follower.position)
      return mapLoaded(store.groupsOf(socket.userId), (groups) => ({ groups }));
    atHand.clear();
    const known: Known = {
      hasUser: (id) => caches.hasUser(id),
      chat: (id) => caches.chat(id),
      newestMessage(chatId) {
        const newest = caches.newestMessage(chatId);
        if (newest !== undefined) atHand.add(chatId);
        return newest;
      },
    };
    const isAll = socket.due.length === 0;
    const only = isAll ? undefined : socket.due.slice(-DUE_PER_PAGE);
    return mapLoaded(store.roomsOf(socket.userId, known, only), ({ rooms, users }) => {
      caches.addUsers(users);
      for (const { chat } of rooms) caches.addChat(chat);
      return { rooms, isAll };
    });
  }

  /**
   * Each chat's newest message as of the position. Where the log `moved` since the question, what was at hand then may
   * be old: it is what the worker knows by now. Undefined when that is forgotten.
   */
  #newestOf(
    rooms: readonly Room[],
    atHand: ReadonlySet<number>,
    moved: boolean,
  ): Map<number, Message> | undefined {
    const { caches } = this.#hub;
    const found = new Map<number, Message>();
    for (const { chat, newest } of rooms) {
      const isOld = moved && atHand.has(chat.id);
      const message = isOld ? caches.newestMessage(chat.id) : newest;
      if (isOld && message === undefined) return undefined;
      if (message === undefined) continue;
      found.set(chat.id, message);
      if (!atHand.has(chat.id)) caches.addNewest(message);
    }
    return found;
  }

  #send(
    socket: MainSocket,
    { rooms, isAll }: { readonly rooms: readonly Room[]; readonly isAll: boolean },
    newest: Map<number, Message>,
  ): Progress {
    const { caches, follower } = this.#hub;
    if (isAll) {
      const due = [...newest.values()].filter(({ id }) => id > socket.position);
      socket.due = due.sort((a, b) => b.id - a.id).map(({ chatId }) => chatId);
      socket.dueUpTo = follower.position;
    }
    const types = new Map(rooms.map(({ chat }) => [chat.id, chat.type]));
    const page = new FrameCollector();
    const asked = isAll ? socket.due.length : Math.min(socket.due.length, DUE_PER_PAGE);
    for (let left = asked; left > 0; left--) {
      const chatId = socket.due.at(-1) ?? 0;
      const message = newest.get(chatId);
      const type = types.get(chatId);
      // One that is newer comes in the next round, and a chat that was left does not come at all.
      const isDue = message !== undefined && type !== undefined && message.id <= socket.dueUpTo;
      if (isDue && !page.add(lastMessageJson(message, caches.nameJson(message.authorId), type))) break;
      if (isDue) socket.position = message.id;
      socket.due.pop();
    }
    if (socket.due.length === 0) socket.position = socket.dueUpTo;
    socket.sendAll(page.frames);
    const more = socket.position < follower.position || !isAll;
    const bytes = page.frames.length === 0 ? 0 : page.bytes;
    return { bytes, more, groups: more ? NO_GROUPS : groupsAmong(rooms) };
  }
}

/** What was before it does not concern it. */
function isNew(socket: MainSocket): boolean {
  return socket.state === 'opening' && socket.after === undefined;
}

function groupsAmong(rooms: readonly Room[]): number[] {
  return rooms.filter(({ chat }) => chat.type === 'group').map(({ chat }) => chat.id);
}
