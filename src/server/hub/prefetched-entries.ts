import type { Message } from '../../chat/messages.js';

/** No more than this many are kept. Further ones are read from the store. */
const ENTRIES_MAX = 10_000;

/** Keeps messages that are known before the log is followed to them: runs of consecutive ids, in ascending order. */
export class PrefetchedEntries {
  readonly #runs: (readonly Message[])[] = [];
  #count = 0;

  /** The lowest id that is kept; infinite when there is none. */
  get first(): number {
    return this.#runs[0]?.[0]?.id ?? Number.POSITIVE_INFINITY;
  }

  /** Adds a run, unless it begins at or before `position`, or before the end of another run. */
  add(run: readonly Message[], position: number): void {
    const id = run[0]?.id ?? 0;
    const newest = this.#runs.at(-1)?.at(-1)?.id ?? position;
    if (id <= newest || this.#count + run.length > ENTRIES_MAX) return;
    this.#runs.push(run);
    this.#count += run.length;
  }

  /** Gives at most `max` messages that follow right after `position`. Removes runs up to it. */
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
