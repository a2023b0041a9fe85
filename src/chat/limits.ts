/** How much users and addresses may take, and what is refused for it. 0: no limit. */
export interface Limits {
  /** Of the whole server. */
  readonly socketsMax: number;
  readonly socketsPerUserMax: number;
  readonly socketsPerAddressMax: number;
  readonly failedLoginsPerMinutePerAddressMax: number;
  readonly requestsPerSecondPerUserMax: number;
  readonly messagesPerSecondPerUserMax: number;
  readonly typingPerSecondPerUserMax: number;
  readonly uploadsPerMinutePerUserMax: number;
  readonly groupMembersMax: number;
}

/** Which limit it was: in the `details.limit` of a refusal, and what the refusals are counted by. */
export const LIMIT_NAMES = [
  'sockets',
  'sockets_per_user',
  'sockets_per_address',
  'failed_logins',
  'requests',
  'upgrades',
  'messages',
  'typing',
  'frames',
  'uploads',
  'group_members',
] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** What a socket takes a place of: the server's, its user's (`u` and the claim), its address' (`a` and the address). */
export type QuotaKey = 'all' | `u${string}` | `a${string}`;
export type SocketLimits = Pick<Limits, 'socketsMax' | 'socketsPerUserMax' | 'socketsPerAddressMax'>;

/** Changes of how many sockets a worker has. */
export type QuotaCounts = readonly (readonly [key: QuotaKey, change: number])[];
/** Of limits up to this one, each place is asked for: a few sockets more would be a large part of it. */
export const ASKED_MAX = 100;

/** 0: no limit. */
export function quotaOf(limits: SocketLimits, key: QuotaKey): number {
  if (key === 'all') return limits.socketsMax;
  return key.startsWith('u') ? limits.socketsPerUserMax : limits.socketsPerAddressMax;
}

/** The name of the limit that this is a place of. */
export function quotaNameOf(key: QuotaKey): LimitName {
  if (key === 'all') return 'sockets';
  return key.startsWith('u') ? 'sockets_per_user' : 'sockets_per_address';
}

/** What workers tell each other of, so that a limit holds for all of them together. */
export const SHARED_RATES = ['failed_logins', 'requests', 'upgrades', 'typing', 'uploads'] as const;
export type SharedRate = (typeof SHARED_RATES)[number];
/** How much each key took: users' claims or ids, or addresses. */
export type Charges = readonly (readonly [key: string | number, count: number])[];

/** What a worker's limits have of the link to the ledger, and through it to the other workers. */
export interface LimitsLink {
  /** Tells the other workers. May be lost. */
  share(of: SharedRate, charges: Charges): void;
  /** Tells the ledger how many sockets came and went. */
  count(counts: QuotaCounts): void;
  /** Takes a place of each key, or resolves to the key that is full. Errors: unavailable. */
  admit(keys: readonly QuotaKey[]): Promise<QuotaKey | undefined>;
  listen(listener: LimitsListener): void;
}

export interface LimitsListener {
  /** What passed at other workers. */
  charged(of: SharedRate, charges: Charges): void;
  crowded(key: QuotaKey, crowded: boolean): void;
  /** The ledger knows of no sockets of this worker: it is to be told of all. No key is crowded until it says so. */
  greeted(): void;
}

export const UNLIMITED: Limits = {
  socketsMax: 0,
  socketsPerUserMax: 0,
  socketsPerAddressMax: 0,
  failedLoginsPerMinutePerAddressMax: 0,
  requestsPerSecondPerUserMax: 0,
  messagesPerSecondPerUserMax: 0,
  typingPerSecondPerUserMax: 0,
  uploadsPerMinutePerUserMax: 0,
  groupMembersMax: 0,
};
