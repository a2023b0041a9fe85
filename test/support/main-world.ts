import { groupView } from '../../src/api/encode.js';
import { Close } from '../../src/api/status.js';
import { otherOf } from '../../src/chat/chats.js';
import type { Command, Outcome } from '../../src/chat/commands.js';
import { parseOpaqueCursor } from '../../src/chat/ids.js';
import { Audience } from '../../src/server/hub/backpressure.js';
import { CatchUp } from '../../src/server/hub/catch-up/catch-up.js';
import { Hub } from '../../src/server/hub/hub.js';
import { encodeEntry, frameFor } from '../../src/server/hub/pages.js';
import { MainSocket } from '../../src/server/hub/sockets.js';
import type { At, Loaded, ReadStore, ReplayBounds, Users } from '../../src/store/read-store.js';
import { type Fetched, type KeptChat, MainClient } from './main-client.js';
import { MemoryHub } from './memory-bus.js';
import { overStore } from './over-store.js';
import type { Frame } from './socket.js';
import { NOTHING_KNOWN, type TestStore, UNBOUNDED } from './store.js';
import { turns } from './wait.js';
import { FakeTopics, FakeWire } from './wire.js';

/** More than anything takes. */
const TURNS_MAX = 5000;
const LAGGING_BYTES = 600 * 1024;
/** Sockets are inspected when this much was published to them. */
const INSPECTED_BYTES = 128 * 1024;
/** Superseded changes are removed after a minute. */
const PURGED_AFTER_MS = 61_000;
const CURSOR_EVERY_MS = 1000;

/** A client with its socket. */
export interface Connected {
  readonly client: MainClient;
  /** Where it began. */
  readonly after: string | undefined;
  socket: MainSocket;
  wire: FakeWire;
}

/** A worker's hub over a store, and clients with main sockets that ask for changes. */
export class MainWorld {
  readonly store: TestStore;
  readonly clients: Connected[] = [];
  readonly failures: unknown[] = [];
  /** What bounds pages beside the hub's own bounds. */
  readonly bounds: ReplayBounds;
  readonly #over: (read: ReadStore) => ReadStore;
  readonly #advanceTimers: (ms: number) => void;
  #topics = new FakeTopics();
  #hub: Hub | undefined;
  #catchUp: CatchUp | undefined;

  /** `over` puts something between the store and the hub. `advanceTimers` lets intervals pass that are faked. */
  constructor(
    store: TestStore,
    bounds: ReplayBounds,
    over: (read: ReadStore) => ReadStore,
    advanceTimers: (ms: number) => void,
  ) {
    this.store = store;
    this.bounds = bounds;
    this.#over = over;
    this.#advanceTimers = advanceTimers;
  }

  get hub(): Hub {
    if (this.#hub === undefined) throw new Error('the hub is not open');
    return this.#hub;
  }

  /** A worker begins, which remembers nothing. */
  async open(): Promise<void> {
    const bounded = overStore(this.store.read, {
      replayFor: (userId, after, sent, _bounds, known) =>
        this.store.read.replayFor(userId, after, sent, this.bounds, known),
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

  /** Writes each by itself; the worker hears of all of them together. What is refused leaves nothing. */
  async write(commands: readonly (() => Command | undefined)[], done: Done): Promise<void> {
    for (const make of commands) {
      const command = make();
      if (command === undefined) continue;
      this.store.now += 7;
      const [outcome] = await this.store.run(command);
      if (outcome !== undefined && 'ok' in outcome) done(command, outcome.ok);
    }
    this.hint();
  }

  /** Removes what was superseded, and what deleted groups left. Workers are never so far behind that they need it. */
  async purge(): Promise<void> {
    await this.followed();
    this.store.now += PURGED_AFTER_MS;
    while (await this.store.write.purge(this.store.now));
  }

  /** Tells live clients where they may resume. */
  tellCursor(): void {
    this.#advanceTimers(CURSOR_EVERY_MS);
  }

  /** A client that knows nothing; `from` says otherwise. `after` 0 is the beginning. */
  connect(userId: number, from: 'now' | 'beginning' | MainClient['cuts'][number]): Connected {
    const fetch = () => this.fetch(userId);
    const client =
      typeof from === 'object'
        ? new MainClient(userId, fetch, from)
        : new MainClient(userId, from === 'now' ? fetch : () => ({ ...NOTHING_FETCHED }));
    const after = typeof from === 'object' ? from.cursor : from === 'now' ? undefined : '0';
    return { client, after, ...this.#attach(client, after) };
  }

  /** The client comes back, and resumes where it was. */
  reconnect(connected: Connected): void {
    const { client, after, wire } = connected;
    if (wire.ended === undefined && this.#topics.wires.has(wire)) wire.end(1000, 'reconnects');
    client.connected();
    Object.assign(connected, this.#attach(client, client.cursor ?? after));
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
      return clients.every(({ socket: { state } }) => state === 'live');
    });
    await turns(20); // What is read soon.
  }

  /** All of a user's chats as whoever reads them anew sees them. */
  fetch(userId: number): Fetched {
    const { read } = this.store;
    const { value: rooms, position } = now(read.listOf(userId, NOTHING_KNOWN, (all) => all));
    const chats = new Map<number, KeptChat>();
    for (const { chat, unread } of rooms.rooms) {
      const other = chat.pair === null ? undefined : now(read.user(otherOf(chat.pair, userId))).value;
      const { photo_url: _signed, ...info } = groupView(chat, null);
      chats.set(chat.id, {
        name: other?.name ?? chat.name,
        type: chat.type,
        info: chat.type === 'group' ? info : undefined,
        messages: this.#messagesOf(userId, chat.id),
        from: 0,
        unread: unread?.messages ?? 0,
        mentions: unread?.mentions ?? 0,
        readId: unread?.readId ?? 0,
        isUnsure: false,
      });
    }
    return { kept: { name: now(read.user(userId)).value?.name, chats }, newest: position };
  }

  #messagesOf(userId: number, chatId: number): Map<number, Frame> {
    const view = { view: 'full', reacted: [] } as const;
    const { value: page } = now(this.store.read.newestFor(chatId, userId, 0, UNBOUNDED, NOTHING_KNOWN, view));
    if (page === undefined) throw new Error(`user ${userId} may not read chat ${chatId}`);
    const nameJson = (id: number) => JSON.stringify((page.users as Users).get(id)?.name ?? '');
    const frames = page.messages.map((message) => {
      return JSON.parse(frameFor(encodeEntry(message, 'full', { nameJson, quotes: page.quotes }), page.own));
    });
    return new Map(frames.map((frame: Frame) => [frame.id, frame]));
  }

  async #turnUntil(isDone: () => boolean): Promise<void> {
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      if (this.failures.length > 0) throw this.failures[0];
      if (isDone()) return;
      await turns(1);
    }
    throw new Error('the hub does not come to the end');
  }

  #attach(client: MainClient, after: string | undefined): { socket: MainSocket; wire: FakeWire } {
    const catchUp = this.#catchUp;
    const wire: FakeWire = new FakeWire(this.#topics, () => catchUp?.detach(socket));
    wire.onFrame = (frame) => {
      try {
        client.take(frame);
      } catch (error) {
        this.failures.push(error);
      }
    };
    const id =
      after === undefined || after === '0' ? Number(after ?? Number.NaN) : parseOpaqueCursor(after)?.id;
    const socket = new MainSocket(wire, client.userId, Number.isNaN(id) ? undefined : id, 'full');
    this.hub.add(socket);
    catchUp?.attach(socket);
    return { socket, wire };
  }
}

type Done = (command: Command, ok: Extract<Outcome, { ok: unknown }>['ok']) => void;

const NOTHING_FETCHED: Fetched = { kept: { name: undefined, chats: new Map() }, newest: 0 };

/** SQLite answers at once. */
function now<T>(loaded: Loaded<T>): At<T> {
  if (loaded instanceof Promise) throw new Error('the store answers later');
  return loaded;
}
