/** The ledger refuses new messages when the slowest worker is behind by more than this … */
const REFUSE_OVER_MS = 2000;
/** … until it is behind by less than this. */
const ACCEPT_UNDER_MS = 1000;
/** A worker that reported nothing for this long is frozen or has ended. It must not stop the others. */
const SILENT_MS = 1000;
/** Commits within this time of each other count as one. */
const COALESCE_MS = 50;

/** Ids up to `newest`, except those of earlier commits, were committed at `committedAt`. */
interface Commit {
  newest: number;
  readonly committedAt: number;
}

/**
 * Decides whether workers follow the log as fast as the ledger writes it. A worker is behind by the age of the oldest
 * entry that it had not passed when it last reported. Times are in milliseconds of a clock that only goes forward.
 */
export class Overload {
  /** Oldest first. Only the first may be older than REFUSE_OVER_MS. */
  readonly #commits: Commit[] = [];
  readonly #workers = new Map<string, { behindMs: number; reportedAt: number }>();
  #refusing = false;

  /** Entries up to `newest` are on disk. */
  committed(newest: number, now: number): void {
    const last = this.#commits.at(-1);
    if (last !== undefined && newest <= last.newest) return;
    if (last !== undefined && now - last.committedAt < COALESCE_MS) last.newest = newest;
    else this.#commits.push({ newest, committedAt: now });
    // One commit that is too old is enough to see that a worker is too far behind.
    while (now - (this.#commits[1]?.committedAt ?? now) > REFUSE_OVER_MS) this.#commits.shift();
  }

  /**
   * A worker reports how far it has followed the log. The first report after a silence does not count, because a
   * worker that was frozen may catch up at once.
   */
  report(worker: string, position: number, now: number): void {
    const before = this.#workers.get(worker);
    const isAwake = before !== undefined && now - before.reportedAt <= SILENT_MS;
    const missed = this.#commits.find(({ newest }) => newest > position);
    const behindMs = isAwake && missed !== undefined ? now - missed.committedAt : 0;
    this.#workers.set(worker, { behindMs, reportedAt: now });
  }

  /** The worker's connection ended. */
  forget(worker: string): void {
    this.#workers.delete(worker);
  }

  /** Whether new messages are to be refused. */
  refuses(now: number): boolean {
    let behindMs = 0;
    for (const worker of this.#workers.values()) {
      if (now - worker.reportedAt <= SILENT_MS) behindMs = Math.max(behindMs, worker.behindMs);
    }
    this.#refusing = this.#refusing ? behindMs >= ACCEPT_UNDER_MS : behindMs > REFUSE_OVER_MS;
    return this.#refusing;
  }
}
