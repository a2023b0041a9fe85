import type { Command } from '../../src/chat/commands.js';
import type { Bus } from '../../src/link/bus.js';
import { CatchUp } from '../../src/server/hub/catch-up/catch-up.js';
import { Hub } from '../../src/server/hub/hub.js';
import { ChatSocket, MainSocket, type Socket, type Start } from '../../src/server/hub/sockets.js';
import type { ReadStore } from '../../src/store/read-store.js';
import { temporaryFolder } from './ledger.js';
import { MemoryHub } from './memory-bus.js';
import type { Frame } from './socket.js';
import { openSqlite } from './sqlite.js';
import { TestStore } from './store.js';
import { FakeTopics, FakeWire } from './wire.js';

/** A socket of the hub, with what its client was sent. */
export interface TestSocket<S extends Socket = Socket> {
  readonly socket: S;
  readonly wire: FakeWire;
  /** The messages that it was shown, those of histories included. */
  messages(): Frame[];
  /** Their texts. */
  texts(): string[];
}

interface Options {
  /** Fills the store before the hub opens it. */
  readonly prepare: (store: TestStore) => Promise<unknown>;
  /** Puts something between the store and the hub. */
  readonly over?: (read: ReadStore) => ReadStore;
  readonly bus?: Bus;
}

/** A worker's hub over a store in a folder of its own. Its sockets' clients take everything. */
export class TestHub {
  readonly store: TestStore;
  readonly hub: Hub;
  readonly catchUp: CatchUp;
  /** What the hub reported. */
  readonly failures: unknown[];
  readonly #topics: FakeTopics;
  readonly #remove: () => Promise<void>;

  private constructor(
    store: TestStore,
    hub: Hub,
    topics: FakeTopics,
    failures: unknown[],
    remove: () => Promise<void>,
  ) {
    this.store = store;
    this.hub = hub;
    this.failures = failures;
    this.catchUp = new CatchUp(hub, (error) => failures.push(error));
    this.#topics = topics;
    this.#remove = remove;
  }

  static async open({ prepare, over = (read) => read, bus }: Options): Promise<TestHub> {
    const folder = await temporaryFolder();
    const store = await TestStore.open(openSqlite, folder.path);
    await prepare(store);
    const failures: unknown[] = [];
    const topics = new FakeTopics();
    const failed = (error: unknown) => failures.push(error);
    const hub = await Hub.open(over(store.read), topics, bus ?? new MemoryHub().join(), failed);
    return new TestHub(store, hub, topics, failures, () => folder.remove());
  }

  chat(userId: number, chatId: number, start: Start = { limit: 100, offset: 0 }): TestSocket<ChatSocket> {
    return this.attach((wire) => new ChatSocket(wire, userId, chatId, start));
  }

  main(userId: number, after?: number): TestSocket<MainSocket> {
    return this.attach((wire) => new MainSocket(wire, userId, after));
  }

  attach<S extends Socket>(make: (wire: FakeWire) => S): TestSocket<S> {
    const wire: FakeWire = new FakeWire(this.#topics, () => this.catchUp.detach(socket));
    const socket = make(wire);
    this.hub.add(socket);
    this.catchUp.attach(socket);
    const messages = () =>
      wire.frames.flatMap((frame) => (frame.type === 'history' ? frame.messages : [frame]));
    return { socket, wire, messages, texts: () => messages().map(({ text }) => text) };
  }

  /** The client has taken everything. */
  drain({ socket, wire }: TestSocket): void {
    wire.buffered = 0;
    this.catchUp.drained(socket);
  }

  /** Writes, and lets the hub follow. */
  async run(...commands: Command[]): Promise<void> {
    for (const outcome of await this.store.run(...commands)) {
      if ('error' in outcome) throw new Error(outcome.error);
    }
    await this.hub.follower.whenCaughtUp(() => undefined);
  }

  async close(): Promise<void> {
    this.hub.close();
    this.store.close();
    await this.#remove();
  }
}
