export interface Rate {
  /** 0: no limit. */
  readonly max: number;
  readonly inMs: number;
  /** How many may come at once after a silence; as many as `max` unless it says otherwise. */
  readonly burst?: number;
}

/**
 * Holds each key to a rate (GCRA, the leaky bucket as a meter). All that is kept of a key is the time at which its
 * bucket will have run empty. It decides in the tick and without a timer of its own, which the ledger needs within
 * its transaction. Times are in milliseconds, of any clock, also one that is set back.
 */
export class RateLimiter<Key> {
  readonly #intervalMs: number;
  readonly #bucketMs: number;
  readonly #emptyAt = new Map<Key, number>();

  constructor({ max, inMs, burst = max }: Rate) {
    this.#intervalMs = max === 0 ? 0 : inMs / max;
    this.#bucketMs = burst * this.#intervalMs;
  }

  /** Whether there is a limit. */
  get isOn(): boolean {
    return this.#intervalMs > 0;
  }

  /**
   * 0 when one more may pass, which is then counted; otherwise after how many milliseconds it might. What counts as
   * many needs room for as many, but never for a whole bucket, of which one was taken just before.
   */
  take(key: Key, now: number, count = 1): number {
    if (this.#intervalMs === 0) return 0;
    const emptyAt = this.#of(key, now);
    const neededMs = Math.min(
      count * this.#intervalMs,
      Math.max(this.#bucketMs - this.#intervalMs, this.#intervalMs),
    );
    const wait = emptyAt + neededMs - now - this.#bucketMs;
    if (wait >= 1) return Math.ceil(wait); // Less is an error of rounding.
    this.#emptyAt.set(key, emptyAt + count * this.#intervalMs);
    return 0;
  }

  /** Counts what has passed elsewhere. It may overfill the bucket, once: what passed too much is missing later. */
  charge(key: Key, count: number, now: number): void {
    if (this.#intervalMs === 0) return;
    this.#emptyAt.set(key, Math.min(this.#of(key, now) + count * this.#intervalMs, now + 2 * this.#bucketMs));
  }

  /** Forgets the keys whose buckets are empty. */
  sweep(now: number): void {
    for (const [key, emptyAt] of this.#emptyAt) if (emptyAt <= now) this.#emptyAt.delete(key);
  }

  /** How many keys it knows. */
  get size(): number {
    return this.#emptyAt.size;
  }

  #of(key: Key, now: number): number {
    return Math.min(Math.max(this.#emptyAt.get(key) ?? 0, now), now + 2 * this.#bucketMs);
  }
}
