import type { Bus } from '../../link/bus.js';
import { Audience } from './backpressure.js';
import type { ChatSocket, MainSocket, Socket } from './sockets.js';

/** The open sockets of a worker, in every state, by chat and by user. */
export class Audiences {
  /** Every main socket. */
  readonly mains = new Audience<MainSocket>();
  readonly #rooms = new Map<number, Audience<ChatSocket>>();
  readonly #mainsOf = new Map<number, Set<MainSocket>>();
  /** Sockets by user that ask for changes. */
  readonly #fullOf = new Map<number, Set<Socket>>();
  readonly #bus: Bus;

  /** The bus brings typing of the chats that have a socket. */
  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** The sockets of a chat; undefined when there are none. */
  room(chatId: number): Audience<ChatSocket> | undefined {
    return this.#rooms.get(chatId);
  }

  /** A user's sockets that ask for changes. */
  fullOf(userId: number): ReadonlySet<Socket> {
    return this.#fullOf.get(userId) ?? NONE;
  }

  hasMains(userId: number): boolean {
    return this.#mainsOf.has(userId);
  }

  /** Gives live sockets only, because the others get their groups when they go live. */
  *liveMainsOf(users: readonly number[]): Generator<MainSocket> {
    for (const userId of users) {
      for (const socket of this.#mainsOf.get(userId) ?? []) if (socket.state === 'live') yield socket;
    }
  }

  /** Every socket, as it is at this moment. */
  everyone(): Socket[] {
    const everyone: Socket[] = [...this.mains.sockets];
    for (const { sockets } of this.#rooms.values()) for (const socket of sockets) everyone.push(socket);
    return everyone;
  }

  add(socket: Socket): void {
    if (socket.view === 'full') addTo(this.#fullOf, socket.userId, socket);
    if (socket.kind === 'main') {
      addTo(this.#mainsOf, socket.userId, socket);
      this.mains.sockets.add(socket);
      return;
    }
    let room = this.#rooms.get(socket.chatId);
    if (room === undefined) {
      room = new Audience<ChatSocket>();
      this.#rooms.set(socket.chatId, room);
      this.#bus.subscribe(socket.chatId);
    }
    room.sockets.add(socket);
  }

  remove(socket: Socket): void {
    removeFrom(this.#fullOf, socket.userId, socket);
    if (socket.kind === 'main') {
      removeFrom(this.#mainsOf, socket.userId, socket);
      this.mains.sockets.delete(socket);
      return;
    }
    const room = this.#rooms.get(socket.chatId);
    room?.sockets.delete(socket);
    if (room?.sockets.size !== 0) return;
    this.#rooms.delete(socket.chatId);
    this.#bus.unsubscribe(socket.chatId);
  }
}

const NONE: ReadonlySet<Socket> = new Set();

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
