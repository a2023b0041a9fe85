import type { Outcome } from '../../chat/commands.js';
import type { Frame } from '../../chat/ports.js';
import type { Connection } from './database.js';

/**
 * Outcomes of applied frames that their worker has not confirmed: the table `frame`, and the same in memory.
 * The table changes inside the batch's transaction (`record`), the memory after its commit (`committed`).
 */
export class AppliedFrames {
  readonly #origins = new Map<string, Origin>();
  readonly #insert;
  readonly #deleteUpTo;

  constructor(db: Connection) {
    this.#insert = db.prepare('INSERT INTO frame (origin, number, outcomes, applied_at) VALUES (?, ?, ?, ?)');
    this.#deleteUpTo = db.prepare('DELETE FROM frame WHERE origin = ? AND number <= ?');
    const rows = db
      .prepare<[], { origin: string; number: number; outcomes: string; time: number }>(
        'SELECT origin, number, outcomes, applied_at AS time FROM frame',
      )
      .all();
    for (const row of rows) this.#keep(row.origin, row.number, read(row.outcomes, row.time));
  }

  /** The first outcomes of a frame that was applied; none, when it is known that nobody waits for them. */
  outcomesOf(frame: Frame): Outcome[] | undefined {
    const origin = this.#origins.get(frame.origin);
    return origin !== undefined && frame.number <= origin.confirmed ? [] : origin?.kept.get(frame.number);
  }

  /** Inside the transaction that applies the frame. */
  record(frame: Frame, outcomes: readonly Outcome[], now: number): void {
    if (frame.confirmed > 0) this.#deleteUpTo.run(frame.origin, frame.confirmed);
    this.#insert.run(frame.origin, frame.number, write(outcomes, now), now);
  }

  /** After that transaction's commit. */
  committed(frame: Frame, outcomes: Outcome[]): void {
    const origin = this.#keep(frame.origin, frame.number, outcomes);
    origin.confirmed = Math.max(origin.confirmed, frame.confirmed);
    for (const number of origin.kept.keys()) if (number <= frame.confirmed) origin.kept.delete(number);
  }

  /** The row of a frame that nobody asked for was removed. */
  drop(name: string, number: number): void {
    const origin = this.#origins.get(name);
    origin?.kept.delete(number);
    if (origin?.kept.size === 0) this.#origins.delete(name);
  }

  #keep(name: string, number: number, outcomes: Outcome[]): Origin {
    const origin = this.#origins.get(name) ?? { confirmed: 0, kept: new Map() };
    this.#origins.set(name, origin);
    origin.kept.set(number, outcomes);
    return origin;
  }
}

/** A worker's frames. */
interface Origin {
  /** Frames up to this number are answered for good: a late copy of one is not applied again. */
  confirmed: number;
  readonly kept: Map<number, Outcome[]>;
}

/**
 * The outcome of a new message, as nearly all are, is written as its id alone; its time is the frame's. The outcomes
 * of 64 messages then fit into the row's page, and take a third of the time.
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
