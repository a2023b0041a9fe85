import { ChatError } from '../../chat/errors.js';
import { type Caller, claimOf } from '../../chat/users.js';
import {
  type LimitsLink,
  type QuotaKey,
  quotaNameOf,
  quotaOf,
  SMALL_QUOTA_MAX,
  type SocketLimits,
} from '../../link/limits.js';

/** What a socket holds from before its upgrade to its end. */
export interface SocketPermit {
  /** To be called once. */
  release(): void;
}

const UNLIMITED: SocketPermit = { release: () => undefined };

/**
 * Holds the number of open sockets to its limits, over all workers. Far from a limit, sockets are let in at once and
 * counted at the ledger later in the tick; near it, the ledger decides on each.
 */
export class SocketQuota {
  readonly #limits: SocketLimits;
  readonly #link: LimitsLink | undefined;
  readonly #own = new Map<QuotaKey, number>();
  readonly #crowded = new Set<QuotaKey>();
  /** Not told to the ledger yet. */
  #changes = new Map<QuotaKey, number>();

  /** Without a `link`, the own sockets are all there are. */
  constructor(limits: SocketLimits, link: LimitsLink | undefined) {
    this.#limits = limits;
    this.#link = link;
  }

  /** How many keys have sockets. */
  get size(): number {
    return this.#own.size;
  }

  /** No `address` where limits per address do not apply. Errors: too_many_sockets, unavailable. */
  acquire(caller: Caller, address: string | undefined): SocketPermit | Promise<SocketPermit> {
    const keys = this.#keysOf(caller, address);
    if (keys.length === 0) return UNLIMITED;
    const full = keys.find((key) => this.#count(key) >= quotaOf(this.#limits, key));
    if (full !== undefined) throw tooMany(full);
    if (this.#link !== undefined && keys.some((key) => this.#isNear(key)))
      return this.#link.admit(keys).then((full) => {
        if (full !== undefined) throw tooMany(full);
        return this.#hold(keys);
      });
    for (const key of keys) this.#tell(key, 1);
    return this.#hold(keys);
  }

  crowded(key: QuotaKey, crowded: boolean): void {
    if (crowded) this.#crowded.add(key);
    else this.#crowded.delete(key);
  }

  /** The ledger knows nothing of this worker. */
  connected(): void {
    this.#crowded.clear();
    this.#changes.clear();
    for (const [key, count] of this.#own) this.#tell(key, count);
  }

  #hold(keys: readonly QuotaKey[]): SocketPermit {
    for (const key of keys) this.#own.set(key, this.#count(key) + 1);
    return { release: () => this.#release(keys) };
  }

  #release(keys: readonly QuotaKey[]): void {
    for (const key of keys) {
      const count = this.#count(key) - 1;
      if (count === 0) this.#own.delete(key);
      else this.#own.set(key, count);
      this.#tell(key, -1);
    }
  }

  #keysOf(caller: Caller, address: string | undefined): QuotaKey[] {
    const keys: QuotaKey[] = [];
    const { socketsMax, socketsPerUserMax, socketsPerAddressMax } = this.#limits;
    if (socketsMax > 0) keys.push('all');
    if (socketsPerUserMax > 0) keys.push(`u${claimOf(caller)}`);
    if (socketsPerAddressMax > 0 && address !== undefined) keys.push(`a${address}`);
    return keys;
  }

  #count(key: QuotaKey): number {
    return this.#own.get(key) ?? 0;
  }

  #isNear(key: QuotaKey): boolean {
    const limit = quotaOf(this.#limits, key);
    return limit <= SMALL_QUOTA_MAX || this.#crowded.has(key) || this.#count(key) * 2 >= limit;
  }

  #tell(key: QuotaKey, change: number): void {
    if (this.#link === undefined) return;
    if (this.#changes.size === 0) setImmediate(() => this.#flush());
    this.#changes.set(key, (this.#changes.get(key) ?? 0) + change);
  }

  #flush(): void {
    const counts = [...this.#changes].filter(([, change]) => change !== 0);
    this.#changes = new Map();
    if (counts.length > 0) this.#link?.count(counts);
  }
}

function tooMany(key: QuotaKey): ChatError {
  return new ChatError('too_many_sockets', { details: { limit: quotaNameOf(key) } });
}
