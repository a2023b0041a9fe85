import type { Outcome } from '../../chat/commands.js';
import type { Frame } from '../../chat/ports.js';
import type { Connection } from './database.js';

/**
 * Outcomes of applied frames that their worker has not confirmed: the table `frame`, and the same in memory.
 * The table changes inside the batch's transaction (`record`), the memory after its commit (`committed`).
 */
export class AppliedFrames {
  readonly #kept = new Map<string, Map<number, Outcome[]>>();
  readonly #insert;
  readonly #deleteUpTo;

  constructor(db: Connection) {
    this.#insert = db.prepare('INSERT INTO frame (origin, number, outcomes, applied_at) VALUES (?, ?, ?, ?)');
    this.#deleteUpTo = db.prepare('DELETE FROM frame WHERE origin = ? AND number <= ?');
    const rows = db
      .prepare<[], { origin: string; number: number; outcomes: string }>(
        'SELECT origin, number, outcomes FROM frame',
      )
      .all();
    for (const row of rows) this.#keep(row.origin, row.number, JSON.parse(row.outcomes) as Outcome[]);
  }

  outcomesOf(frame: Frame): Outcome[] | undefined {
    return this.#kept.get(frame.origin)?.get(frame.number);
  }

  record(frame: Frame, outcomes: readonly Outcome[], now: number): void {
    if (frame.confirmed > 0) this.#deleteUpTo.run(frame.origin, frame.confirmed);
    this.#insert.run(frame.origin, frame.number, JSON.stringify(outcomes), now);
  }

  committed(frame: Frame, outcomes: Outcome[]): void {
    const own = this.#keep(frame.origin, frame.number, outcomes);
    for (const number of own.keys()) if (number <= frame.confirmed) own.delete(number);
  }

  drop(origin: string, number: number): void {
    const own = this.#kept.get(origin);
    own?.delete(number);
    if (own?.size === 0) this.#kept.delete(origin);
  }

  #keep(origin: string, number: number, outcomes: Outcome[]): Map<number, Outcome[]> {
    let own = this.#kept.get(origin);
    if (own === undefined) {
      own = new Map();
      this.#kept.set(origin, own);
    }
    own.set(number, outcomes);
    return own;
  }
}
