import type { LimitName, Limits } from '../chat/limits.js';

export type SocketLimits = Pick<Limits, 'socketsMax' | 'socketsPerUserMax' | 'socketsPerAddressMax'>;

/** A quota that a socket counts towards: the server's, its user's (`u` and the claim), its address' (`a` and the key). */
export type QuotaKey = 'all' | `u${string}` | `a${string}`;

/** By how much the number of a worker's sockets changed. */
export type QuotaChanges = readonly (readonly [key: QuotaKey, change: number])[];

/**
 * Up to this limit, workers ask the ledger for every permit. A few sockets more, which workers let in before they heard
 * of each other's, would be a large part of such a limit.
 */
export const SMALL_QUOTA_MAX = 100;

/** The limit of a quota; 0: no limit. */
export function quotaOf(limits: SocketLimits, key: QuotaKey): number {
  if (key === 'all') return limits.socketsMax;
  return key.startsWith('u') ? limits.socketsPerUserMax : limits.socketsPerAddressMax;
}

/** The name that a refusal gives to the limit of a quota. */
export function quotaNameOf(key: QuotaKey): LimitName {
  if (key === 'all') return 'sockets';
  return key.startsWith('u') ? 'sockets_per_user' : 'sockets_per_address';
}

/** Rates that workers count together: each tells the others what it let pass. */
export const SHARED_RATES = ['failed_logins', 'requests', 'upgrades', 'typing', 'uploads'] as const;
export type SharedRate = (typeof SHARED_RATES)[number];

/** How much each key was charged. A key is a user's id or subject, or a client's address. */
export type Charges = readonly (readonly [key: string | number, count: number])[];

/** What a worker's limits use of its link to the ledger and, through it, to the other workers. */
export interface LimitsLink {
  /** Tells the other workers what passed here. It may be lost. */
  share(of: SharedRate, charges: Charges): void;
  /** Tells the ledger how many sockets came and went. */
  count(changes: QuotaChanges): void;
  /** Asks the ledger to count one more socket in each quota. Resolves to the key that is full, if any. Errors: unavailable. */
  admit(keys: readonly QuotaKey[]): Promise<QuotaKey | undefined>;
  listen(listener: LimitsListener): void;
}

export interface LimitsListener {
  /** Other workers let this much pass. */
  charged(of: SharedRate, charges: Charges): void;
  /** Whether so much of a quota is used that the ledger wants to be asked for each permit. */
  crowded(key: QuotaKey, crowded: boolean): void;
  /** A new ledger is connected. It needs all counts of this worker, and reports crowded quotas again. */
  connected(): void;
}
