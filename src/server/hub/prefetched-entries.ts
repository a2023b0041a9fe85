import type { Message } from '../../chat/messages.js';

/** While the log is followed so slowly that more would wait, they are read instead. */
const ENTRIES_MAX = 10_000;

/** Entries that are known before the log is followed to them: runs of consecutive ids, in ascending order. */
export class PrefetchedEntries {
  readonly #runs: (readonly Message[])[] = [];
  #count = 0;

  /** The lowest id that is known; infinite when none is. */
  get first(): number {
    return this.#runs[0]?.[0]?.id ?? Number.POSITIVE_INFINITY;
  }

  /** Takes a run in, unless it begins at or before `position`, or before one that came earlier. */
  add(run: readonly Message[], position: number): void {
    const id = run[0]?.id ?? 0;
    const newest = this.#runs.at(-1)?.at(-1)?.id ?? position;
    if (id <= newest || this.#count + run.length > ENTRIES_MAX) return;
    this.#runs.push(run);
    this.#count += run.length;
  }

  /** The known entries that follow right after `position`, at most `max`; what is up to it is forgotten. */
  after(position: number, max: number): readonly Message[] {
    let run = this.#runs[0];
    while (run !== undefined && (run.at(-1)?.id ?? 0) <= position) {
      this.#count -= run.length;
      this.#runs.shift();
      run = this.#runs[0];
    }
    const skipped = position + 1 - (run?.[0]?.id ?? 0);
    return run === undefined || skipped < 0 ? [] : run.slice(skipped, skipped + max);
  }
}
