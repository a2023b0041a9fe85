import type { Outcome } from '../../../chat/commands.js';
import type { CommandBatch } from '../../write-store.js';
import type { Connection } from '../database.js';

/**
 * Keeps the outcomes of applied batches that their worker has not confirmed, in the table `batch` and in memory. The
 * table changes within the commit (`record`), the memory after it (`committed`).
 */
export class AppliedBatches {
  readonly #workers = new Map<string, WorkerBatches>();
  readonly #insert;
  readonly #deleteUpTo;

  constructor(db: Connection) {
    this.#insert = db.prepare('INSERT INTO batch (worker, number, outcomes, applied_at) VALUES (?, ?, ?, ?)');
    this.#deleteUpTo = db.prepare('DELETE FROM batch WHERE worker = ? AND number <= ?');
    const rows = db
      .prepare<[], { worker: string; number: number; outcomes: string; time: number }>(
        'SELECT worker, number, outcomes, applied_at AS time FROM batch',
      )
      .all();
    for (const row of rows) this.#keep(row.worker, row.number, read(row.outcomes, row.time));
  }

  /** The first outcomes of a batch that was applied. The list is empty when the worker has confirmed them. */
  outcomesOf(batch: CommandBatch): Outcome[] | undefined {
    const worker = this.#workers.get(batch.worker);
    return worker !== undefined && batch.number <= worker.confirmed ? [] : worker?.kept.get(batch.number);
  }

  /** To be called in the transaction that applies the batch. */
  record(batch: CommandBatch, outcomes: readonly Outcome[], now: number): void {
    if (batch.confirmed > 0) this.#deleteUpTo.run(batch.worker, batch.confirmed);
    this.#insert.run(batch.worker, batch.number, write(outcomes, now), now);
  }

  /** To be called after that transaction's commit. */
  committed(batch: CommandBatch, outcomes: Outcome[]): void {
    const worker = this.#keep(batch.worker, batch.number, outcomes);
    worker.confirmed = Math.max(worker.confirmed, batch.confirmed);
    for (const number of worker.kept.keys()) if (number <= batch.confirmed) worker.kept.delete(number);
  }

  /** To be called when the row of an old batch was removed. */
  drop(name: string, number: number): void {
    const worker = this.#workers.get(name);
    worker?.kept.delete(number);
    if (worker?.kept.size === 0) this.#workers.delete(name);
  }

  #keep(name: string, number: number, outcomes: Outcome[]): WorkerBatches {
    const worker = this.#workers.get(name) ?? { confirmed: 0, kept: new Map() };
    this.#workers.set(name, worker);
    worker.kept.set(number, outcomes);
    return worker;
  }
}

interface WorkerBatches {
  /** The worker has the outcomes of batches up to this number, so a late copy of one is not applied again. */
  confirmed: number;
  readonly kept: Map<number, Outcome[]>;
}

/**
 * Writes the outcome of a new message, as nearly all are, as its id alone, because its time is the batch's. So the
 * outcomes of 64 messages fit into the row's page, and take a third of the time.
 */
function write(outcomes: readonly Outcome[], time: number): string {
  const written = outcomes.map((outcome) => {
    const isNew = 'ok' in outcome && 'time' in outcome.ok && outcome.ok.time === time;
    return isNew ? outcome.ok.id : outcome;
  });
  return JSON.stringify(written);
}

function read(json: string, time: number): Outcome[] {
  const written = JSON.parse(json) as (Outcome | number)[];
  return written.map((outcome) => (typeof outcome === 'number' ? { ok: { id: outcome, time } } : outcome));
}
