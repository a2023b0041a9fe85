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

/** Lets one socket exist, from before its upgrade to its end. */
export interface SocketPermit {
  /** Gives the permit back. It must be called once. */
  release(): void;
}

const UNLIMITED: SocketPermit = { release: () => undefined };

/**
 * Holds the number of open sockets to its limits, over all workers: of the server, of each user and of each address.
 * Far from a limit, sockets are let in at once and counted at the ledger later in the tick. Near it, the ledger decides.
 */
export class SocketQuota {
  readonly #limits: SocketLimits;
  readonly #link: LimitsLink | undefined;
  /** Sockets of this worker. */
  readonly #counts = new Map<QuotaKey, number>();
  /** Quotas for which the ledger wants to be asked. */
  readonly #crowded = new Set<QuotaKey>();
  /** What the ledger has not been told yet. */
  #changes = new Map<QuotaKey, number>();

  /** Without a `link`, this worker's sockets are all there are. */
  constructor(limits: SocketLimits, link: LimitsLink | undefined) {
    this.#limits = limits;
    this.#link = link;
  }

  /** Limits per address do not apply without an `address`. Errors: too_many_sockets, unavailable. */
  acquire(caller: Caller, address: string | undefined): SocketPermit | Promise<SocketPermit> {
    const keys = this.#keysOf(caller, address);
    if (keys.length === 0) return UNLIMITED;
    const full = keys.find((key) => this.#count(key) >= quotaOf(this.#limits, key));
    if (full !== undefined) throw tooMany(full);
    if (this.#link !== undefined && keys.some((key) => this.#isNearLimit(key)))
      return this.#link.admit(keys).then((full) => {
        if (full !== undefined) throw tooMany(full);
        return this.#permit(keys);
      });
    for (const key of keys) this.#report(key, 1);
    return this.#permit(keys);
  }

  crowded(key: QuotaKey, crowded: boolean): void {
    if (crowded) this.#crowded.add(key);
    else this.#crowded.delete(key);
  }

  /** Reports all sockets to a ledger that knows none of them. */
  connected(): void {
    this.#crowded.clear();
    this.#changes.clear();
    for (const [key, count] of this.#counts) this.#report(key, count);
  }

  #permit(keys: readonly QuotaKey[]): SocketPermit {
    for (const key of keys) this.#counts.set(key, this.#count(key) + 1);
    return { release: () => this.#release(keys) };
  }

  #release(keys: readonly QuotaKey[]): void {
    for (const key of keys) {
      const count = this.#count(key) - 1;
      if (count === 0) this.#counts.delete(key);
      else this.#counts.set(key, count);
      this.#report(key, -1);
    }
  }

  /** The quotas that have a limit. */
  #keysOf(caller: Caller, address: string | undefined): QuotaKey[] {
    const keys: QuotaKey[] = [];
    const { socketsMax, socketsPerUserMax, socketsPerAddressMax } = this.#limits;
    if (socketsMax > 0) keys.push('all');
    if (socketsPerUserMax > 0) keys.push(`u${claimOf(caller)}`);
    if (socketsPerAddressMax > 0 && address !== undefined) keys.push(`a${address}`);
    return keys;
  }

  #count(key: QuotaKey): number {
    return this.#counts.get(key) ?? 0;
  }

  #isNearLimit(key: QuotaKey): boolean {
    const limit = quotaOf(this.#limits, key);
    return limit <= SMALL_QUOTA_MAX || this.#crowded.has(key) || this.#count(key) * 2 >= limit;
  }

  #report(key: QuotaKey, change: number): void {
    if (this.#link === undefined) return;
    if (this.#changes.size === 0) setImmediate(() => this.#flush());
    this.#changes.set(key, (this.#changes.get(key) ?? 0) + change);
  }

  #flush(): void {
    const changes = [...this.#changes].filter(([, change]) => change !== 0);
    this.#changes = new Map();
    if (changes.length > 0) this.#link?.count(changes);
  }
}

function tooMany(key: QuotaKey): ChatError {
  return new ChatError('too_many_sockets', { details: { limit: quotaNameOf(key) } });
}
