import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Limits, UNLIMITED } from '../../src/chat/limits.js';
import { CommitQueue } from '../../src/ledger/commit-queue.js';
import { Overload } from '../../src/ledger/overload.js';
import { LinkClient, type LinkClientOptions } from '../../src/link/client.js';
import { linkPath } from '../../src/link/protocol.js';
import { LinkServer } from '../../src/link/server.js';
import { SCHEMA_VERSION } from '../../src/store/sqlite/upkeep/migrations.js';
import { type LedgerStore, openWriteStore } from '../../src/store/sqlite/write/ledger-store.js';

export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'parley-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A ledger in this process: the real store, queue and link, without the process around them. */
export class TestLedger {
  readonly store: LedgerStore;
  readonly server: LinkServer;
  readonly queue: CommitQueue;
  readonly overload = new Overload();
  readonly warnings: string[] = [];
  /** Called with each committed batch's newest id; by default the hint goes out. */
  onCommitted: (newest: number) => void = (newest) => this.server.hint(newest);

  private constructor(dataDir: string, limits: Limits) {
    const unexpected = (error: unknown) => {
      throw error;
    };
    this.store = openWriteStore(dataDir, Date.now(), unexpected, limits);
    this.queue = new CommitQueue(this.store, Date.now, {
      committed: (newest) => {
        this.overload.committed(newest, performance.now());
        this.onCommitted(newest);
      },
      failed: (error) => {
        throw error;
      },
      overloaded: () => this.overload.refuses(performance.now()),
      refusal: () => undefined,
      probed: () => undefined,
      idle: () => undefined,
    });
    this.server = new LinkServer({
      path: linkPath(dataDir),
      greeting: () => ({
        schema: SCHEMA_VERSION,
        incarnation: this.store.incarnation,
        newest: this.store.newest(),
      }),
      queue: this.queue,
      limits,
      onPosition: (worker, position) => this.overload.report(worker, position, performance.now()),
      onDisconnect: (worker) => this.overload.forget(worker),
      warn: (message) => this.warnings.push(message),
    });
  }

  /** Without limits unless they are given. */
  static async start(dataDir: string, limits: Partial<Limits> = {}): Promise<TestLedger> {
    const ledger = new TestLedger(dataDir, { ...UNLIMITED, ...limits });
    await ledger.server.listen();
    return ledger;
  }

  async stop(): Promise<void> {
    await this.queue.close();
    await this.server.close();
    this.store.close();
  }
}

/**
 * A worker's end of the link, connected; `path` is the ledger's socket, or one that leads to it. `position` is
 * how far it says that it has followed the log: by default further than any log goes.
 */
export async function connectLink(
  dataDir: string,
  path = linkPath(dataDir),
  position: () => number | undefined = () => Number.MAX_SAFE_INTEGER,
  prefetched: LinkClientOptions['prefetched'] = () => undefined,
): Promise<LinkClient> {
  const link = new LinkClient({
    path,
    accept: () => undefined,
    fatal: (error) => {
      throw error;
    },
    warn: () => undefined,
    position,
    prefetched,
  });
  await link.connect();
  return link;
}
