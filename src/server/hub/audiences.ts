import type { Bus } from '../../link/bus.js';
import { Audience } from './backpressure.js';
import type { ChatSocket, MainSocket, Socket } from './sockets.js';

/** How many chats the client of a main socket looks at. */
const WATCHED_MAX = 16;

/** The open sockets of a worker, in every state, by chat and by user. */
export class Audiences {
  /** Main sockets of the original API … */
  readonly mains = new Audience<MainSocket>();
  /** … and those that ask for changes. */
  readonly fullMains = new Audience<MainSocket>();
  readonly #rooms = new Map<number, Audience<ChatSocket>>();
  readonly #mainsOf = new Map<number, Set<MainSocket>>();
  /** Sockets by user that ask for changes. */
  readonly #fullOf = new Map<number, Set<Socket>>();
  /** Main sockets by the chats that their clients look at. */
  readonly #watchers = new Map<number, Set<MainSocket>>();
  readonly #bus: Bus;

  /** The bus brings typing of the chats that somebody looks at. */
  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** The sockets of a chat; undefined when there are none. */
  room(chatId: number): Audience<ChatSocket> | undefined {
    return this.#rooms.get(chatId);
  }

  /** Main sockets whose clients look at a chat. */
  watchers(chatId: number): ReadonlySet<MainSocket> {
    return this.#watchers.get(chatId) ?? NO_MAINS;
  }

  /** Whether anybody on this worker looks at a chat. */
  isWatched(chatId: number): boolean {
    return this.#rooms.has(chatId) || this.#watchers.has(chatId);
  }

  /** The client of a main socket looks at a chat of its user. Of those that it looked at, the latest few count. */
  watch(socket: MainSocket, chatId: number): void {
    if (socket.state === 'closed') return;
    socket.watched.delete(chatId);
    socket.watched.add(chatId);
    if (!this.isWatched(chatId)) this.#bus.subscribe(chatId);
    addTo(this.#watchers, chatId, socket);
    const [oldest = 0] = socket.watched;
    if (socket.watched.size > WATCHED_MAX) this.unwatch(socket, oldest);
  }

  unwatch(socket: MainSocket, chatId: number): void {
    if (!socket.watched.delete(chatId)) return;
    removeFrom(this.#watchers, chatId, socket);
    if (!this.isWatched(chatId)) this.#bus.unsubscribe(chatId);
  }

  /** A user's sockets that ask for changes. */
  fullOf(userId: number): ReadonlySet<Socket> {
    return this.#fullOf.get(userId) ?? NONE;
  }

  /** Whether this worker has a main socket of either kind. */
  get hasMains(): boolean {
    return this.mains.sockets.size + this.fullMains.sockets.size > 0;
  }

  /** Gives live sockets only, because the others get their groups when they go live. */
  *liveMainsOf(users: readonly number[]): Generator<MainSocket> {
    for (const userId of users) {
      for (const socket of this.#mainsOf.get(userId) ?? []) if (socket.state === 'live') yield socket;
    }
  }

  /** Every socket, as it is at this moment. */
  everyone(): Socket[] {
    const everyone: Socket[] = [...this.mains.sockets, ...this.fullMains.sockets];
    for (const { sockets } of this.#rooms.values()) for (const socket of sockets) everyone.push(socket);
    return everyone;
  }

  add(socket: Socket): void {
    if (socket.view === 'full') addTo(this.#fullOf, socket.userId, socket);
    if (socket.kind === 'main') {
      addTo(this.#mainsOf, socket.userId, socket);
      this.#mainsLike(socket).sockets.add(socket);
      return;
    }
    let room = this.#rooms.get(socket.chatId);
    if (room === undefined) {
      room = new Audience<ChatSocket>();
      if (!this.isWatched(socket.chatId)) this.#bus.subscribe(socket.chatId);
      this.#rooms.set(socket.chatId, room);
    }
    room.sockets.add(socket);
  }

  remove(socket: Socket): void {
    removeFrom(this.#fullOf, socket.userId, socket);
    if (socket.kind === 'main') {
      removeFrom(this.#mainsOf, socket.userId, socket);
      this.#mainsLike(socket).sockets.delete(socket);
      for (const chatId of [...socket.watched]) this.unwatch(socket, chatId);
      return;
    }
    const room = this.#rooms.get(socket.chatId);
    room?.sockets.delete(socket);
    if (room?.sockets.size !== 0) return;
    this.#rooms.delete(socket.chatId);
    if (!this.isWatched(socket.chatId)) this.#bus.unsubscribe(socket.chatId);
  }

  #mainsLike({ view }: MainSocket): Audience<MainSocket> {
    return view === 'full' ? this.fullMains : this.mains;
  }
}

const NONE: ReadonlySet<Socket> = new Set();
const NO_MAINS: ReadonlySet<MainSocket> = new Set();

function addTo<S>(sets: Map<number, Set<S>>, key: number, socket: S): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([socket]));
  else set.add(socket);
}

function removeFrom<S>(sets: Map<number, Set<S>>, key: number, socket: S): void {
  const set = sets.get(key);
  set?.delete(socket);
  if (set?.size === 0) sets.delete(key);
}
