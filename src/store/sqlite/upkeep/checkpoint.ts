import { Worker } from 'node:worker_threads';
import type { Maintenance, MaintenanceEvents } from '../../write-store.js';
import type { Connection } from '../database.js';

const INTERVAL_MS = 250;
const TRY_AGAIN_MS = 1000;
const PAGE_BYTES = 4096;
const RESTART_OVER_PAGES = (16 * 1024 * 1024) / PAGE_BYTES;
const TRUNCATE_OVER_PAGES = (64 * 1024 * 1024) / PAGE_BYTES;

/** What the thread answers: the pages in the write-ahead log, or why the checkpoint failed. */
export type CheckpointResult =
  | { readonly walPages: number }
  | { readonly error: { readonly code: string; readonly message: string } };

/**
 * Copies the write-ahead log back into the database beside the commits. A thread does it with PASSIVE checkpoints, which
 * keep the p99 of commits at 8 ms, where checkpoints by the ledger itself cost 19 ms and more. Only when the log
 * outgrows its bounds does the ledger finish one between commits. Its busy timeout is 0, so that a reader that keeps an
 * old snapshot delays the checkpoint and never blocks the ledger.
 */
export class Checkpointer implements Maintenance {
  readonly #db: Connection;
  readonly #thread: Worker;
  readonly #events: MaintenanceEvents;
  #isAsked = false;
  /** Pages in the write-ahead log at the thread's last answer. */
  #walPages = 0;

  constructor(dataDir: string, db: Connection, events: MaintenanceEvents) {
    this.#db = db;
    this.#events = events;
    this.#thread = new Worker(new URL('./checkpoint-thread.js', import.meta.url), { workerData: dataDir });
    this.#thread.on('message', (result: CheckpointResult) => {
      this.#isAsked = false;
      if ('error' in result)
        return this.#failed(Object.assign(new Error(result.error.message), result.error));
      this.#walPages = result.walPages;
      events.done();
    });
    this.#thread.on('error', (error) => events.failed(error));
    this.#thread.unref();
  }

  committed(): void {
    if (this.#walPages > RESTART_OVER_PAGES) this.#finish('RESTART');
    this.#ask(INTERVAL_MS);
  }

  idle(): void {
    if (this.#walPages > TRUNCATE_OVER_PAGES) this.#finish('TRUNCATE');
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }

  #finish(mode: 'RESTART' | 'TRUNCATE'): void {
    this.#walPages = 0; // The thread's next answer tells whether a reader was in the way.
    try {
      this.#db.pragma(`wal_checkpoint(${mode})`);
    } catch (error) {
      this.#failed(error); // The commit before it has succeeded nonetheless.
    }
  }

  #failed(error: unknown): void {
    this.#events.failed(error);
    this.#ask(TRY_AGAIN_MS);
  }

  #ask(ms: number): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    setTimeout(() => this.#thread.postMessage('checkpoint'), ms).unref();
  }
}
