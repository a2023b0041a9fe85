import type { Bucket } from '../../chat/rate-limiter.js';
import { USER_RATES, type UserRate } from './user-rates.js';

/** Everything that a worker counts for one user. */
export class UserCounts {
  /** Messages that the ledger has not answered. */
  messagesInFlight = 0;
  /** Until when the ledger refuses messages, as far as this worker knows (performance.now()). */
  coolingDownUntil = 0;
  /** Photos that are being received, or wait for the answer to their request. */
  uploadsInProgress = 0;
  readonly #buckets: Record<UserRate, Bucket | undefined> = {
    requests: undefined,
    upgrades: undefined,
    typing: undefined,
    uploads: undefined,
    frames: undefined,
  };

  bucket(rate: UserRate): Bucket {
    let bucket = this.#buckets[rate];
    if (bucket === undefined) {
      bucket = { emptyAt: 0 };
      this.#buckets[rate] = bucket;
    }
    return bucket;
  }

  /** Whether nothing is counted, so that it may be dropped. */
  isClear(now: number): boolean {
    if (this.messagesInFlight + this.uploadsInProgress > 0 || this.coolingDownUntil > now) return false;
    return USER_RATES.every((rate) => (this.#buckets[rate]?.emptyAt ?? 0) <= now);
  }
}
