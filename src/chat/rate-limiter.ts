export interface Rate {
  /** 0: no limit. */
  readonly max: number;
  readonly inMs: number;
  /** How many may come at once after a silence; `max` unless it is given. */
  readonly burst?: number;
}

/** The state of one key: when its bucket will have run empty, in milliseconds of the limiter's clock. */
export interface Bucket {
  emptyAt: number;
}

/**
 * The generic cell rate algorithm (GCRA), which is the leaky bucket as a meter. It decides at once and needs no timer,
 * so the ledger can use it within a transaction. Times are in milliseconds of any clock, which may be set back.
 */
export class Gcra {
  readonly #intervalMs: number;
  readonly #bucketMs: number;

  constructor({ max, inMs, burst = max }: Rate) {
    this.#intervalMs = max === 0 ? 0 : inMs / max;
    this.#bucketMs = burst * this.#intervalMs;
  }

  /** Whether there is a limit. */
  get isOn(): boolean {
    return this.#intervalMs > 0;
  }

  /**
   * Returns 0 when one more may pass, which is then counted; otherwise the milliseconds after which it might. With a
   * `count` there must be room for as many, but never for more than a bucket less one: the request itself was counted
   * just before its rows are.
   */
  take(bucket: Bucket, now: number, count = 1): number {
    if (this.#intervalMs === 0) return 0;
    const emptyAt = this.#emptyAt(bucket, now);
    const neededMs = Math.min(
      count * this.#intervalMs,
      Math.max(this.#bucketMs - this.#intervalMs, this.#intervalMs),
    );
    const waitMs = emptyAt + neededMs - now - this.#bucketMs;
    if (waitMs >= 1) return Math.ceil(waitMs); // Less than 1 is an error of rounding.
    bucket.emptyAt = emptyAt + count * this.#intervalMs;
    return 0;
  }

  /**
   * Counts what has passed already, and returns whether the bucket had room for it. A bucket fills to twice its size at
   * most, so that a key which passed too much waits for a bounded time.
   */
  charge(bucket: Bucket, now: number, count: number): boolean {
    if (this.#intervalMs === 0) return true;
    const emptyAt = this.#emptyAt(bucket, now) + count * this.#intervalMs;
    bucket.emptyAt = Math.min(emptyAt, now + 2 * this.#bucketMs);
    return emptyAt - now <= this.#bucketMs;
  }

  #emptyAt({ emptyAt }: Bucket, now: number): number {
    return Math.min(Math.max(emptyAt, now), now + 2 * this.#bucketMs);
  }
}

/** Limits each key to a rate. */
export class RateLimiter<Key> {
  readonly #gcra: Gcra;
  readonly #buckets = new Map<Key, Bucket>();

  constructor(rate: Rate) {
    this.#gcra = new Gcra(rate);
  }

  /** The number of keys that have a bucket. */
  get size(): number {
    return this.#buckets.size;
  }

  /** As `Gcra.take`. */
  take(key: Key, now: number, count = 1): number {
    return this.#gcra.isOn ? this.#gcra.take(this.#bucketOf(key), now, count) : 0;
  }

  /** Forgets the keys whose buckets are empty. */
  sweep(now: number): void {
    for (const [key, { emptyAt }] of this.#buckets) if (emptyAt <= now) this.#buckets.delete(key);
  }

  #bucketOf(key: Key): Bucket {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { emptyAt: 0 };
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }
}
