import { type QuotaChanges, type QuotaKey, quotaOf, SMALL_QUOTA_MAX, type SocketLimits } from './limits.js';

/**
 * Counts the open sockets of all workers; a worker is known by its connection. While a quota is far from its limit,
 * workers let sockets in by themselves and report them. A quota over half of its limit is `crowded`: workers ask for each
 * socket.
 */
export class SocketCounts {
  readonly #limits: SocketLimits;
  readonly #crowdedChanged: (key: QuotaKey, crowded: boolean) => void;
  readonly #totals = new Map<QuotaKey, number>();
  readonly #ofWorkers = new Map<object, Map<QuotaKey, number>>();
  readonly #crowded = new Set<QuotaKey>();

  constructor(limits: SocketLimits, crowdedChanged: (key: QuotaKey, crowded: boolean) => void) {
    this.#limits = limits;
    this.#crowdedChanged = crowdedChanged;
  }

  /** The quotas that a new worker has to be told of. */
  get crowded(): Iterable<QuotaKey> {
    return this.#crowded;
  }

  /** Counts one more socket in each quota. When one of them is full, it returns that one and counts nothing. */
  admit(worker: object, keys: readonly QuotaKey[]): QuotaKey | undefined {
    const full = keys.find((key) => this.#isFull(key));
    if (full === undefined) for (const key of keys) this.#add(worker, key, 1);
    return full;
  }

  changed(worker: object, counts: QuotaChanges): void {
    for (const [key, change] of counts) this.#add(worker, key, change);
  }

  /** Forgets the sockets of a worker whose connection ended. One that still lives reports them all when it is back. */
  gone(worker: object): void {
    for (const [key, count] of this.#ofWorkers.get(worker) ?? []) this.#add(worker, key, -count);
    this.#ofWorkers.delete(worker);
  }

  #isFull(key: QuotaKey): boolean {
    const limit = quotaOf(this.#limits, key);
    return limit > 0 && (this.#totals.get(key) ?? 0) >= limit;
  }

  #add(worker: object, key: QuotaKey, change: number): void {
    let own = this.#ofWorkers.get(worker);
    if (own === undefined) {
      own = new Map();
      this.#ofWorkers.set(worker, own);
    }
    put(own, key, change);
    const total = put(this.#totals, key, change);
    const limit = quotaOf(this.#limits, key);
    if (limit <= SMALL_QUOTA_MAX || total * 2 >= limit === this.#crowded.has(key)) return;
    // A quota is crowded from half of its limit until a quarter, so that not every socket that comes and goes is a message.
    if (total * 2 >= limit) this.#crowded.add(key);
    else if (total * 4 < limit) this.#crowded.delete(key);
    else return;
    this.#crowdedChanged(key, this.#crowded.has(key));
  }
}

/** Returns the count after the change. A count of 0 is not kept. */
function put(counts: Map<QuotaKey, number>, key: QuotaKey, change: number): number {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
  return count;
}
