/** Behind by more than this, the slowest worker makes the ledger refuse new messages … */
const REFUSE_OVER_MS = 2000;
/** … until it is behind by less than this. */
const TAKE_UNDER_MS = 1000;
/** A worker that reported nothing for this long is frozen or gone: it must not stop the others. */
const SILENT_MS = 1000;
/** Commits within this much time of each other count as one. */
const GRAIN_MS = 50;

/** Up to this id, what is not in an earlier commit was committed at this time. */
interface Commit {
  newest: number;
  readonly at: number;
}

/**
 * Whether workers follow as fast as the ledger writes. A worker is behind by the age of the oldest entry that
 * it had not passed when it last reported. Times are milliseconds of one clock that only goes forward.
 */
export class Overload {
  /** Oldest first; all but the first are younger than what matters. */
  readonly #commits: Commit[] = [];
  readonly #workers = new Map<string, { behindMs: number; reportedAt: number }>();
  #refusing = false;

  /** A batch is on disk. */
  committed(newest: number, now: number): void {
    const last = this.#commits.at(-1);
    if (last !== undefined && newest <= last.newest) return;
    if (last !== undefined && now - last.at < GRAIN_MS) last.newest = newest;
    else this.#commits.push({ newest, at: now });
    // Of the commits that are too old in any case, the newest alone says so.
    while (now - (this.#commits[1]?.at ?? now) > REFUSE_OVER_MS) this.#commits.shift();
  }

  /**
   * A worker says how far it has followed the log. After a silence it has only woken up: where it stands is
   * judged from the next report on.
   */
  reported(worker: string, position: number, now: number): void {
    const before = this.#workers.get(worker);
    const awake = before !== undefined && now - before.reportedAt <= SILENT_MS;
    const missed = this.#commits.find(({ newest }) => newest > position);
    const behindMs = awake && missed !== undefined ? now - missed.at : 0;
    this.#workers.set(worker, { behindMs, reportedAt: now });
  }

  /** Its connection ended. */
  gone(worker: string): void {
    this.#workers.delete(worker);
  }

  /** Whether new messages are to be refused. */
  refuses(now: number): boolean {
    let behindMs = 0;
    for (const worker of this.#workers.values()) {
      if (now - worker.reportedAt <= SILENT_MS) behindMs = Math.max(behindMs, worker.behindMs);
    }
    this.#refusing = this.#refusing ? behindMs >= TAKE_UNDER_MS : behindMs > REFUSE_OVER_MS;
    return this.#refusing;
  }
}
