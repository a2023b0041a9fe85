import { type QuotaChanges, type QuotaKey, quotaOf, SMALL_QUOTA_MAX, type SocketLimits } from './limits.js';

/**
 * The numbers of open sockets on all workers. While a key is far from its limit, workers admit sockets by themselves
 * and report them. A key over half of its limit is `crowded`: workers ask for each of its sockets. A worker is
 * identified by its connection.
 */
export class SocketCounts {
  readonly #limits: SocketLimits;
  readonly #crowdedChanged: (key: QuotaKey, crowded: boolean) => void;
  readonly #totals = new Map<QuotaKey, number>();
  readonly #byWorker = new Map<object, Map<QuotaKey, number>>();
  readonly #crowded = new Set<QuotaKey>();

  constructor(limits: SocketLimits, crowdedChanged: (key: QuotaKey, crowded: boolean) => void) {
    this.#limits = limits;
    this.#crowdedChanged = crowdedChanged;
  }

  get crowdedKeys(): Iterable<QuotaKey> {
    return this.#crowded;
  }

  /** Counts one more socket for each of the keys, or for none if one is at its limit. Returns that one. */
  admit(worker: object, keys: readonly QuotaKey[]): QuotaKey | undefined {
    const full = keys.find((key) => this.#isFull(key));
    if (full === undefined) for (const key of keys) this.#add(worker, key, 1);
    return full;
  }

  /** Adds changes, which may be negative. */
  add(worker: object, changes: QuotaChanges): void {
    for (const [key, change] of changes) this.#add(worker, key, change);
  }

  /** Subtracts a worker's sockets when its connection ends. If they are still open, it counts them again after hello. */
  removeWorker(worker: object): void {
    for (const [key, count] of this.#byWorker.get(worker) ?? []) this.#add(worker, key, -count);
    this.#byWorker.delete(worker);
  }

  #isFull(key: QuotaKey): boolean {
    const limit = quotaOf(this.#limits, key);
    return limit > 0 && (this.#totals.get(key) ?? 0) >= limit;
  }

  #add(worker: object, key: QuotaKey, change: number): void {
    let own = this.#byWorker.get(worker);
    if (own === undefined) {
      own = new Map();
      this.#byWorker.set(worker, own);
    }
    addTo(own, key, change);
    const total = addTo(this.#totals, key, change);
    const limit = quotaOf(this.#limits, key);
    if (limit <= SMALL_QUOTA_MAX || total * 2 >= limit === this.#crowded.has(key)) return;
    // A key stops being crowded at a quarter of its limit, so that sockets around the half cause no messages.
    if (total * 2 >= limit) this.#crowded.add(key);
    else if (total * 4 < limit) this.#crowded.delete(key);
    else return;
    this.#crowdedChanged(key, this.#crowded.has(key));
  }
}

/** Returns the count after the change. A key without sockets is removed. */
function addTo(counts: Map<QuotaKey, number>, key: QuotaKey, change: number): number {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
  return count;
}
