import { ChatError, type ErrorCode, rateLimited } from '../../chat/errors.js';
import { LIMIT_NAMES, type LimitName, type Limits } from '../../chat/limits.js';
import { RateLimiter } from '../../chat/rate-limiter.js';
import { type Caller, claimOf } from '../../chat/users.js';
import {
  type Charges,
  type LimitsLink,
  type LimitsListener,
  type QuotaKey,
  SHARED_RATES,
  type SharedRate,
} from '../../link/limits.js';
import { FrameBudgets } from './frame-budget.js';
import { SocketQuota } from './socket-quota.js';

const MINUTE_MS = 60_000;
/** What passed here is told to the other workers so often: between them they let that much more pass. */
const SHARE_EVERY_MS = 20;
/** Of a user with hundreds of sockets, whose proxy restarts, they come back again and again. */
const UPGRADES_PER_REQUEST = 5;
/** Without a limit of sockets. */
const UPGRADES_AT_ONCE = 10_000;
/** A small request costs a worker as much as these in a long list, or less. */
const ROWS_PER_REQUEST = 100;
const SWEEP_EVERY_MS = 5000;
const TELL_EVERY_MS = 60_000;

export interface LimitsEvents {
  /** What limits refused since the last time, a minute ago or longer. */
  refused(counts: Partial<Record<LimitName, number>>): void;
}

/**
 * The limits of a worker. Rates are counted here, and what passes is told to the other workers, so that a limit is
 * one for all of them; a message's is the ledger's to decide, and what it refused is remembered here until its time.
 */
export class WorkerLimits implements LimitsListener {
  readonly sockets: SocketQuota;
  /** For what users send on their sockets. */
  readonly frames: FrameBudgets;
  /** Refusals so far, for good. */
  readonly refusals = Object.fromEntries(LIMIT_NAMES.map((name) => [name, 0])) as Record<LimitName, number>;
  readonly #link: LimitsLink | undefined;
  readonly #rates: Readonly<Record<SharedRate, RateLimiter<string | number>>>;
  readonly #unshared = new Map<SharedRate, Map<string | number, number>>();
  /** Addresses whose failures are refused, and users whose messages are: until when. */
  readonly #blocked = new Map<string, number>();
  readonly #coolingDown = new Map<number, number>();
  readonly #events: LimitsEvents;
  readonly #timer: NodeJS.Timeout;
  #sharing: NodeJS.Timeout | undefined;
  #told = { ...this.refusals };
  #toldAt = Number.NEGATIVE_INFINITY;

  /** Without a `link`, this worker is the only one. */
  constructor(limits: Limits, link: LimitsLink | undefined, events: LimitsEvents) {
    this.sockets = new SocketQuota(limits, link);
    this.frames = new FrameBudgets(limits.messagesPerSecondPerUserMax);
    this.#link = link;
    this.#events = events;
    const upgradesMax = limits.requestsPerSecondPerUserMax * UPGRADES_PER_REQUEST;
    this.#rates = {
      failed_logins: new RateLimiter({ max: limits.failedLoginsPerMinutePerAddressMax, inMs: MINUTE_MS }),
      requests: new RateLimiter({ max: limits.requestsPerSecondPerUserMax, inMs: 1000 }),
      upgrades: new RateLimiter({
        max: upgradesMax,
        inMs: 1000,
        burst: Math.max(limits.socketsPerUserMax || UPGRADES_AT_ONCE, upgradesMax),
      }),
      typing: new RateLimiter({ max: limits.typingPerSecondPerUserMax, inMs: 1000 }),
      uploads: new RateLimiter({ max: limits.uploadsPerMinutePerUserMax, inMs: MINUTE_MS }),
    };
    this.#timer = setInterval(() => this.#sweep(), SWEEP_EVERY_MS).unref();
    link?.listen(this);
  }

  /** Counts a request of a user, or refuses it. Errors: rate_limited. */
  assertRequest(caller: Caller): void {
    this.#assert('requests', keyOf(caller));
  }

  /** Counts the rest of a request, or an upgrade, that touches so many rows, or refuses it. Errors: rate_limited. */
  assertRows(caller: Caller, rows: number, of: 'requests' | 'upgrades' = 'requests'): void {
    const more = Math.floor(rows / ROWS_PER_REQUEST);
    if (more > 0) this.#assert(of, keyOf(caller), more);
  }

  /** As `assertRequest`, for an upgrade: all sockets that a user may have may come back at once. */
  assertUpgrade(caller: Caller): void {
    this.#assert('upgrades', keyOf(caller));
  }

  /** As `assertRequest`, for one that brings a photo or may. */
  assertUpload(caller: Caller): void {
    this.#assert('uploads', keyOf(caller));
  }

  /** Whether a user's typing is to be passed on; the rest is dropped. */
  mayType(userId: number): boolean {
    const may = this.#take('typing', userId) === 0;
    if (!may) this.refusals.typing += 1;
    return may;
  }

  /** Counts a token that did not pass. What to answer: `unauthorized`, or `rate_limited` for a minute. */
  failedLogin(address: string | undefined): ChatError {
    const unauthorized = new ChatError('unauthorized');
    if (address === undefined) return unauthorized;
    const now = performance.now();
    const blocked = this.#blocked.get(address) ?? 0;
    if (now < blocked) return rateLimited('failed_logins', Math.ceil(blocked - now));
    if (this.#take('failed_logins', address) === 0) return unauthorized;
    this.#blocked.set(address, now + MINUTE_MS);
    return rateLimited('failed_logins', MINUTE_MS);
  }

  /** How long, in milliseconds, the ledger would still refuse a user's messages, as far as it is known here. */
  coolingDownMs(userId: number): number {
    const until = this.#coolingDown.get(userId);
    if (until === undefined) return 0;
    const leftMs = Math.ceil(until - performance.now());
    if (leftMs <= 0) this.#coolingDown.delete(userId);
    return Math.max(0, leftMs);
  }

  /** The ledger refused a user's message for so long. */
  coolDown(userId: number, ms: number): void {
    this.#coolingDown.set(userId, performance.now() + ms);
  }

  /** Every refusal that leaves the worker passes here; those that name a limit are counted. */
  noted(error: { readonly code: ErrorCode; readonly details?: ChatError['details'] }): void {
    const limit = error.details?.['limit'];
    if (isLimitName(limit)) this.refusals[limit] += 1;
  }

  charged(of: SharedRate, charges: Charges): void {
    const meter = SHARED_RATES.includes(of) ? this.#rates[of] : undefined;
    const now = performance.now();
    for (const [key, count] of charges) meter?.charge(key, count, now);
  }

  crowded(key: QuotaKey, crowded: boolean): void {
    this.sockets.crowded(key, crowded);
  }

  connected(): void {
    this.sockets.connected();
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#sharing);
  }

  #assert(of: 'requests' | 'upgrades' | 'uploads', key: string | number, count = 1): void {
    const waitMs = this.#take(of, key, count);
    if (waitMs > 0) throw rateLimited(of, waitMs);
  }

  #take(of: SharedRate, key: string | number, count = 1): number {
    const waitMs = this.#rates[of].take(key, performance.now(), count);
    if (waitMs === 0 && this.#rates[of].isOn) this.#share(of, key, count);
    return waitMs;
  }

  #share(of: SharedRate, key: string | number, count: number): void {
    if (this.#link === undefined) return;
    let charges = this.#unshared.get(of);
    if (charges === undefined) {
      charges = new Map();
      this.#unshared.set(of, charges);
    }
    charges.set(key, (charges.get(key) ?? 0) + count);
    this.#sharing ??= setTimeout(() => {
      this.#sharing = undefined;
      for (const [name, counts] of this.#unshared) this.#link?.share(name, [...counts]);
      this.#unshared.clear();
    }, SHARE_EVERY_MS);
  }

  #sweep(): void {
    const now = performance.now();
    for (const meter of Object.values(this.#rates)) meter.sweep(now);
    this.frames.sweep(now);
    for (const until of [this.#blocked, this.#coolingDown] as Map<unknown, number>[])
      for (const [key, end] of until) if (end <= now) until.delete(key);
    if (now - this.#toldAt >= TELL_EVERY_MS) this.#tell(now);
  }

  #tell(now: number): void {
    const counts = LIMIT_NAMES.map((name) => [name, this.refusals[name] - this.#told[name]] as const);
    const refused = counts.filter(([, count]) => count > 0);
    if (refused.length === 0) return;
    this.#events.refused(Object.fromEntries(refused));
    this.#told = { ...this.refusals };
    this.#toldAt = now;
  }
}

function keyOf(caller: Caller): string | number {
  return 'id' in caller ? caller.id : claimOf(caller);
}

function isLimitName(name: unknown): name is LimitName {
  return LIMIT_NAMES.includes(name as LimitName);
}
