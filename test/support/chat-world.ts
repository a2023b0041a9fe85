import { Close } from '../../src/api/status.js';
import type { Command, Outcome } from '../../src/chat/commands.js';
import { Audience } from '../../src/server/hub/backpressure.js';
import { CatchUp } from '../../src/server/hub/catch-up/catch-up.js';
import { Hub } from '../../src/server/hub/hub.js';
import { ChatSocket, type Start } from '../../src/server/hub/sockets.js';
import type { ReadStore } from '../../src/store/read-store.js';
import type { ChatClient } from './chat-client.js';
import { type Ask, ChatModel, type SeenMessage } from './chat-model.js';
import { MemoryHub } from './memory-bus.js';
import { overStore } from './over-store.js';
import type { TestStore } from './store.js';
import { turns } from './wait.js';
import { FakeTopics, FakeWire } from './wire.js';

const OWNER = 1;
/** More than anything takes. */
const TURNS_MAX = 5000;
const LAGGING_BYTES = 600 * 1024;
/** Sockets are inspected when this much was published to them. */
const INSPECTED_BYTES = 128 * 1024;
/** Superseded changes are removed after a minute. */
const PURGED_AFTER_MS = 61_000;

/** What the users of a group saw when the log ended with an entry. */
export interface Cut {
  readonly id: number;
  readonly time: number;
  readonly seen: ReadonlyMap<number, SeenMessage[]>;
}

/** A group, what it must look like, and what it looked like after each of its entries. */
export interface Room {
  readonly model: ChatModel;
  readonly cuts: Cut[];
}

/** A client with a socket of a group. */
export interface Connected {
  readonly client: ChatClient;
  readonly room: Room;
  socket: ChatSocket;
  wire: FakeWire;
}

/**
 * A worker's hub over a store, groups whose every change is known, and their clients. What the hub asks for pages of is bounded by
 * `pageMax`, so that few messages take several pages.
 */
export class ChatWorld {
  readonly store: TestStore;
  readonly users: readonly number[];
  readonly rooms: Room[] = [];
  readonly clients: Connected[] = [];
  readonly failures: unknown[] = [];
  /** Sockets of users who were removed, or whose group was deleted, by the entry with this id. */
  readonly doomed: { readonly wire: FakeWire; readonly by: number }[] = [];
  pageMax = 1000;
  readonly #over: (read: ReadStore) => ReadStore;
  readonly #names = new Map<number, string>();
  #topics = new FakeTopics();
  #hub: Hub | undefined;
  #catchUp: CatchUp | undefined;

  /** `over` puts something between the store and the hub. */
  constructor(store: TestStore, users: readonly number[], over: (read: ReadStore) => ReadStore) {
    this.store = store;
    this.users = users;
    this.#over = over;
  }

  get hub(): Hub {
    if (this.#hub === undefined) throw new Error('the hub is not open');
    return this.#hub;
  }

  async addRoom(): Promise<Room> {
    const group = { actor: OWNER, name: 'a group', description: '', users: this.users };
    const { id } = await this.store.ok('create_group', group);
    const room = { model: new ChatModel(id, OWNER, this.users), cuts: [] };
    this.rooms.push(room);
    await this.#cut(room);
    return room;
  }

  /** A worker begins, which remembers nothing. */
  async open(): Promise<void> {
    const bounded = overStore(this.store.read, {
      entriesFor: (chatId, userId, after, bounds, ...more) => {
        const max = Math.min(bounds.max, this.pageMax);
        return this.store.read.entriesFor(chatId, userId, after, { ...bounds, max }, ...more);
      },
    });
    const failed = (error: unknown) => this.failures.push(error);
    this.#topics = new FakeTopics();
    this.#hub = await Hub.open(this.#over(bounded), this.#topics, new MemoryHub().join(), failed);
    this.#catchUp = new CatchUp(this.#hub, failed);
  }

  /** The worker is gone, and the sockets with it. */
  async close(): Promise<void> {
    this.hub.close();
    await turns(20); // Answers that are on their way.
    for (const wire of this.#topics.wires) wire.end(Close.restart, 'restart');
  }

  async restart(): Promise<void> {
    await this.close();
    await this.store.reopen();
    await this.open();
    for (const connected of this.clients) this.reconnect(connected);
  }

  /** Writes what users ask for in one batch. Each may be about the messages before it. */
  async write(room: Room, make: readonly ((model: ChatModel) => Ask | undefined)[]): Promise<void> {
    const { model } = room;
    let newest = await this.store.newest();
    const asks: Ask[] = [];
    this.store.now += 7;
    const expected = make.flatMap((asked) => {
      const ask = asked(model);
      if (ask === undefined) return [];
      asks.push(ask);
      if (!model.isAllowed(ask)) return 'refused';
      if (!model.apply(ask, newest + 1)) return 'nothing to do';
      newest += 1;
      room.cuts.push(this.#cutOf(room, newest));
      return newest;
    });
    const outcomes = await this.store.run(...asks.map((ask) => model.command(ask)));
    const found = outcomes.map(resultOf);
    if (JSON.stringify(found) !== JSON.stringify(expected))
      throw new Error(`expected ${expected}, got ${JSON.stringify(outcomes)}`);
    this.hint();
  }

  async remove(room: Room, user: number): Promise<void> {
    if (user === OWNER || !room.model.members.delete(user)) return;
    await this.#change({ kind: 'remove_members', actor: OWNER, groupId: room.model.chatId, users: [user] });
    await this.#doom(room, [user]);
  }

  async add(room: Room, user: number): Promise<void> {
    if (!room.model.members.has(OWNER) || room.model.members.has(user)) return;
    room.model.members.add(user);
    await this.#change({ kind: 'add_members', actor: OWNER, groupId: room.model.chatId, users: [user] });
  }

  async deleteGroup(room: Room): Promise<void> {
    const { model } = room;
    if (!model.members.has(OWNER)) return;
    const users = [...model.members];
    model.members.clear();
    await this.#change({ kind: 'delete_group', actor: OWNER, groupId: model.chatId });
    await this.#doom(room, users);
  }

  async rename(actor: number, name: string): Promise<void> {
    this.#names.set(actor, name);
    await this.#change({ kind: 'update_user', actor, name });
  }

  nameOf(user: number): string {
    return this.#names.get(user) ?? `User ${user}`;
  }

  /** Removes what was superseded, and what deleted groups left. Workers are never so far behind that they need it. */
  async purge(): Promise<void> {
    await this.followed();
    this.store.now += PURGED_AFTER_MS;
    while (await this.store.write.purge(this.store.now));
  }

  connect(client: ChatClient, room: Room, start: Start): Connected {
    const connected = { client, room, ...this.#attach(client, room, start) };
    this.clients.push(connected);
    return connected;
  }

  /** The client comes back, and resumes where it was. */
  reconnect(connected: Connected): void {
    const { client, room, wire } = connected;
    if (wire.ended === undefined && this.#topics.wires.has(wire)) wire.end(1000, 'reconnects');
    client.reconnected();
    Object.assign(connected, this.#attach(client, room, { after: client.cursor.id }));
  }

  /** The peer takes nothing. */
  lag({ socket, wire }: Connected): void {
    if (wire.ended !== undefined) return;
    wire.stalled = true;
    wire.buffered = LAGGING_BYTES;
    const audience = new Audience();
    audience.sockets.add(socket);
    this.hub.backpressure.published(audience, INSPECTED_BYTES, 0);
  }

  /** The peer takes what there is; `more`: and what comes. */
  drain({ socket, wire }: Connected, more: boolean): void {
    if (wire.ended !== undefined) return;
    wire.stalled = !more;
    wire.buffered = 0;
    this.#catchUp?.drained(socket);
  }

  hint(): void {
    this.hub.follower.hint(Number.MAX_SAFE_INTEGER);
  }

  /** Waits until the worker is at the end of the log. */
  async followed(): Promise<void> {
    const end = await this.store.newest();
    await this.#turnUntil(() => {
      this.hint();
      return this.hub.follower.position >= end;
    });
  }

  /** Waits until these take everything that there is. */
  async settled(clients: readonly Connected[]): Promise<void> {
    await this.followed();
    await this.#turnUntil(() => {
      for (const connected of clients) this.drain(connected, true);
      return clients.every(({ socket: { state } }) => state === 'live' || state === 'closed');
    });
  }

  async #turnUntil(isDone: () => boolean): Promise<void> {
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      if (isDone()) return;
      await turns(1);
    }
    throw new Error(`the hub does not come to the end: ${this.failures}`);
  }

  #attach(client: ChatClient, { model }: Room, start: Start): { socket: ChatSocket; wire: FakeWire } {
    const catchUp = this.#catchUp;
    const wire: FakeWire = new FakeWire(this.#topics, () => catchUp?.detach(socket));
    wire.onFrame = (frame) => client.take(frame);
    const socket = new ChatSocket(wire, client.userId, model.chatId, start, client.view);
    this.hub.add(socket);
    catchUp?.attach(socket);
    return { socket, wire };
  }

  async #change(command: Command): Promise<void> {
    this.store.now += 7;
    const [outcome] = await this.store.run(command);
    if (outcome === undefined || 'error' in outcome) throw new Error(JSON.stringify(outcome));
    this.hint();
  }

  #cutOf({ model }: Room, id: number): Cut {
    const seen = new Map(this.users.map((user) => [user, model.seenBy(user)]));
    return { id, time: this.store.now, seen };
  }

  async #doom(room: Room, users: readonly number[]): Promise<void> {
    const by = await this.store.newest();
    for (const { client, wire, ...connected } of this.clients) {
      const isOpen = wire.ended === undefined && connected.room === room;
      if (isOpen && users.includes(client.userId)) this.doomed.push({ wire, by });
    }
  }

  async #cut(room: Room): Promise<void> {
    room.cuts.push(this.#cutOf(room, await this.store.newest()));
  }
}

function resultOf(outcome: Outcome): number | 'refused' | 'nothing to do' {
  if ('error' in outcome) return 'refused';
  const { ok } = outcome as { ok: { id?: number; changeId?: number; duplicate?: unknown } };
  return ok.duplicate === undefined ? (ok.id ?? ok.changeId ?? 0) : 'nothing to do';
}
