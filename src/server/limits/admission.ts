import type { Outcome } from '../../chat/commands.js';
import { ChatError, rateLimited } from '../../chat/errors.js';
import type { Limits } from '../../chat/limits.js';
import type { Bucket } from '../../chat/rate-limiter.js';
import type { Caller } from '../../chat/users.js';
import {
  type Charges,
  type LimitsLink,
  type LimitsListener,
  type QuotaKey,
  SHARED_RATES,
  type SharedRate,
} from '../../link/limits.js';
import { ChargeSharing } from './charge-sharing.js';
import { FailedLogins } from './failed-logins.js';
import { type RefusalEvents, Refusals } from './refusals.js';
import { SocketQuota } from './socket-quota.js';
import { UserCounts } from './user-counts.js';
import {
  CONTROL_FRAME_COST,
  dataFrameCost,
  REFUSED_FRAME_COST,
  type UserRate,
  userRates,
} from './user-rates.js';

const SWEEP_EVERY_MS = 5000;
/** A small request costs a worker at least as much as this many rows of a long list. */
const ROWS_PER_REQUEST = 100;
/** A user who keeps to the limit of messages never has more than this at the ledger, also while it restarts. */
const IN_FLIGHT_SECONDS_MAX = 10;
const IN_FLIGHT_RETRY_MS = 1000;
/** Photos that a worker receives at a time, and those of one user among them. */
export const UPLOADS_AT_A_TIME_MAX = 16;
export const UPLOADS_AT_A_TIME_PER_USER_MAX = 2;
const UPLOAD_RETRY_MS = 1000;

/** Lets one photo be received, until its request is answered. */
export interface UploadPermit {
  /** Gives the permit back. Later calls do nothing. */
  release(): void;
}

/** Identifies a user as tokens do: by the id, or by the subject of a token that has no id. */
type UserKey = number | string;

/**
 * Decides on a worker what users may do: whether a frame, a request or an upload passes. All that is counted for a user
 * is in one record. What passes is told to the other workers, so that a limit is one for all of them; the rate of
 * messages is the ledger's to decide, and what it refused is remembered here until the user may send again.
 */
export class Admission implements LimitsListener {
  readonly sockets: SocketQuota;
  readonly refusals: Refusals;
  readonly #rates: ReturnType<typeof userRates>;
  readonly #limitsFrames: boolean;
  readonly #inFlightMax: number;
  readonly #users = new Map<UserKey, UserCounts>();
  readonly #failedLogins: FailedLogins;
  readonly #sharing: ChargeSharing;
  readonly #timer: NodeJS.Timeout;
  #uploadsInProgress = 0;

  /** Without a `link`, this worker is the only one. */
  constructor(limits: Limits, link: LimitsLink | undefined, events: RefusalEvents) {
    this.sockets = new SocketQuota(limits, link);
    this.refusals = new Refusals(events);
    this.#rates = userRates(limits);
    this.#limitsFrames = limits.messagesPerSecondPerUserMax > 0;
    this.#inFlightMax = limits.messagesPerSecondPerUserMax * IN_FLIGHT_SECONDS_MAX;
    this.#sharing = new ChargeSharing(link);
    this.#failedLogins = new FailedLogins(limits.failedLoginsPerMinutePerAddressMax, this.#sharing);
    this.#timer = setInterval(() => this.#sweep(), SWEEP_EVERY_MS).unref();
    link?.listen(this);
  }

  /** How many users something is counted for. */
  get usersCounted(): number {
    return this.#users.size;
  }

  get uploadsInProgress(): number {
    return this.#uploadsInProgress;
  }

  /** Errors: rate_limited. */
  admitRequest(caller: Caller): void {
    this.#admit('requests', keyOf(caller));
  }

  /** Counts the rows that a request or an upgrade touches as more requests or upgrades. Errors: rate_limited. */
  admitRows(caller: Caller, rows: number, of: 'requests' | 'upgrades' = 'requests'): void {
    const count = Math.floor(rows / ROWS_PER_REQUEST);
    if (count > 0) this.#admit(of, keyOf(caller), count);
  }

  /** Errors: rate_limited. */
  admitUpgrade(caller: Caller): void {
    this.#admit('upgrades', keyOf(caller));
  }

  /** Admits a request that may bring a photo. Errors: rate_limited. */
  admitUpload(caller: Caller): void {
    this.#admit('uploads', keyOf(caller));
  }

  /** To be called before the first byte of a photo is taken. Errors: rate_limited, overloaded. */
  acquireUpload(caller: Caller): UploadPermit {
    const user = this.#countsOf(keyOf(caller));
    if (user.uploadsInProgress >= UPLOADS_AT_A_TIME_PER_USER_MAX)
      throw rateLimited('uploads', UPLOAD_RETRY_MS);
    if (this.#uploadsInProgress >= UPLOADS_AT_A_TIME_MAX) throw new ChatError('overloaded');
    user.uploadsInProgress += 1;
    this.#uploadsInProgress += 1;
    let isHeld = true;
    return {
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        user.uploadsInProgress -= 1;
        this.#uploadsInProgress -= 1;
      },
    };
  }

  /** Whether a typing frame is passed on. */
  admitTyping(caller: Caller): boolean {
    const isAdmitted = this.#take('typing', keyOf(caller)) === 0;
    if (!isAdmitted) this.refusals.count('typing');
    return isAdmitted;
  }

  /**
   * Admits a message to the ledger, which decides on its rate; returns the refusal otherwise. What one read of a flood
   * brings would all be at the ledger before the first of it is refused, and other users would wait behind it.
   */
  admitMessage(caller: Caller): ChatError | undefined {
    if (this.#inFlightMax === 0) return undefined;
    const user = this.#countsOf(keyOf(caller));
    if (user.coolingDownUntil > 0) {
      const leftMs = Math.ceil(user.coolingDownUntil - performance.now());
      if (leftMs > 0) return rateLimited('messages', leftMs);
      user.coolingDownUntil = 0;
    }
    if (user.messagesInFlight >= this.#inFlightMax) return rateLimited('messages', IN_FLIGHT_RETRY_MS);
    user.messagesInFlight += 1;
    return undefined;
  }

  /** The ledger answered an admitted message. A user whose message it refused for the rate cools down here. */
  messageSettled(caller: Caller, outcome: Outcome): void {
    if (this.#inFlightMax === 0) return;
    const user = this.#countsOf(keyOf(caller));
    user.messagesInFlight -= 1;
    if ('ok' in outcome || outcome.error !== 'rate_limited') return;
    const retryMs = outcome.details?.['retry_after_ms'];
    if (typeof retryMs === 'number') user.coolingDownUntil = performance.now() + retryMs;
  }

  /** Counts a data frame. False: the user floods, and the socket is to be ended. */
  admitFrame(caller: Caller, bytes: number): boolean {
    return !this.#limitsFrames || this.#spend(caller, dataFrameCost(bytes));
  }

  /** Counts a refused frame, beside the frame itself. False as in `admitFrame`. */
  spendRefusal(caller: Caller): boolean {
    return this.#spend(caller, REFUSED_FRAME_COST);
  }

  /** Counts a ping or a pong in the bucket of its socket. False as in `admitFrame`. */
  admitControlFrame(ofSocket: Bucket): boolean {
    return this.#rates.frames.charge(ofSocket, performance.now(), CONTROL_FRAME_COST);
  }

  /** Counts a token that was not valid, and returns the answer to it. No limit applies without an `address`. */
  failedLogin(address: string | undefined, refusal: ChatError): ChatError {
    return address === undefined ? refusal : this.#failedLogins.refusalFor(address, refusal);
  }

  charged(of: SharedRate, charges: Charges): void {
    const now = performance.now();
    for (const [key, count] of charges) {
      if (of === 'failed_logins') this.#failedLogins.charge(String(key), now, count);
      else if (SHARED_RATES.includes(of) && this.#rates[of].isOn)
        this.#rates[of].charge(this.#countsOf(key).bucket(of), now, count);
    }
  }

  crowded(key: QuotaKey, crowded: boolean): void {
    this.sockets.crowded(key, crowded);
  }

  connected(): void {
    this.sockets.connected();
  }

  close(): void {
    clearInterval(this.#timer);
    this.refusals.report(Number.POSITIVE_INFINITY);
    this.#sharing.close();
  }

  #admit(of: 'requests' | 'upgrades' | 'uploads', key: UserKey, count = 1): void {
    const waitMs = this.#take(of, key, count);
    if (waitMs > 0) throw rateLimited(of, waitMs);
  }

  #take(of: UserRate & SharedRate, key: UserKey, count = 1): number {
    const rate = this.#rates[of];
    if (!rate.isOn) return 0;
    const waitMs = rate.take(this.#countsOf(key).bucket(of), performance.now(), count);
    if (waitMs === 0) this.#sharing.add(of, key, count);
    return waitMs;
  }

  #spend(caller: Caller, cost: number): boolean {
    const bucket = this.#countsOf(keyOf(caller)).bucket('frames');
    return this.#rates.frames.charge(bucket, performance.now(), cost);
  }

  #countsOf(key: UserKey): UserCounts {
    let counts = this.#users.get(key);
    if (counts === undefined) {
      counts = new UserCounts();
      this.#users.set(key, counts);
    }
    return counts;
  }

  #sweep(): void {
    const now = performance.now();
    for (const [key, counts] of this.#users) if (counts.isClear(now)) this.#users.delete(key);
    this.#failedLogins.sweep(now);
    this.refusals.report(now);
  }
}

function keyOf(caller: Caller): UserKey {
  return 'id' in caller ? caller.id : caller.subject;
}
