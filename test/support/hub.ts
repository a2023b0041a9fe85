import { CatchUp } from '../../src/server/hub/catch-up/catch-up.js';
import { Hub } from '../../src/server/hub/hub.js';
import { ChatSocket, MainSocket, type Socket, type Start } from '../../src/server/hub/sockets.js';
import { temporaryFolder } from './ledger.js';
import { MemoryHub } from './memory-bus.js';
import { openSqlite } from './sqlite.js';
import { TestStore } from './store.js';
import { FakeTopics, FakeWire } from './wire.js';

export interface TestPeer {
  readonly socket: Socket;
  readonly wire: FakeWire;
}

/** A worker's hub over a real store, without a network: what sockets are sent is there at once. */
export class TestHub {
  readonly store: TestStore;
  readonly hub: Hub;
  readonly #topics: FakeTopics;
  readonly #catchUp: CatchUp;
  readonly #removeFolder: () => Promise<void>;

  private constructor(store: TestStore, hub: Hub, topics: FakeTopics, removeFolder: () => Promise<void>) {
    this.store = store;
    this.hub = hub;
    this.#topics = topics;
    this.#catchUp = new CatchUp(hub, fail);
    this.#removeFolder = removeFolder;
  }

  static async open(): Promise<TestHub> {
    const folder = await temporaryFolder();
    const store = await TestStore.open(openSqlite, folder.path);
    const topics = new FakeTopics();
    const hub = await Hub.open(store.read, topics, new MemoryHub().join(), fail);
    return new TestHub(store, hub, topics, () => folder.remove());
  }

  /** A socket of a chat; without a start it begins with no message. */
  connect(userId: number, chatId: number, start: Start = { limit: 0, offset: 0 }): TestPeer {
    return this.#attach((wire) => new ChatSocket(wire, userId, chatId, start));
  }

  connectMain(userId: number, after?: number): TestPeer {
    return this.#attach((wire) => new MainSocket(wire, userId, after));
  }

  /** The peer has taken everything. */
  drain({ socket, wire }: TestPeer): void {
    wire.buffered = 0;
    this.#catchUp.drained(socket);
  }

  /** Resolves when everything that is in the store has passed. */
  async follow(): Promise<void> {
    await this.hub.follower.whenCaughtUp(() => undefined);
  }

  async close(): Promise<void> {
    this.hub.close();
    this.store.close();
    await this.#removeFolder();
  }

  #attach(make: (wire: FakeWire) => Socket): TestPeer {
    const wire: FakeWire = new FakeWire(this.#topics, () => this.#catchUp.detach(socket));
    const socket = make(wire);
    this.hub.add(socket);
    this.#catchUp.attach(socket);
    return { socket, wire };
  }
}

function fail(error: unknown): never {
  throw error;
}
