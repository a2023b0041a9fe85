import { type ChatError, rateLimited } from '../../chat/errors.js';
import { type Bucket, Gcra } from '../../chat/rate-limiter.js';
import type { ChargeSharing } from './charge-sharing.js';

const MINUTE_MS = 60_000;

interface AddressCounts extends Bucket {
  /** Until when failures of the address are answered with `rate_limited` (performance.now()). */
  blockedUntil: number;
}

/** Counts the tokens of each client address that were not valid. */
export class FailedLogins {
  readonly #gcra: Gcra;
  readonly #sharing: ChargeSharing;
  readonly #addresses = new Map<string, AddressCounts>();

  /** `perMinuteMax` of an address; 0: no limit. */
  constructor(perMinuteMax: number, sharing: ChargeSharing) {
    this.#gcra = new Gcra({ max: perMinuteMax, inMs: MINUTE_MS });
    this.#sharing = sharing;
  }

  /** Counts a failure, and returns the answer to it: `failure` itself, or `rate_limited` because of it, for a minute. */
  refusalFor(address: string, failure: ChatError): ChatError {
    if (!this.#gcra.isOn) return failure;
    const now = performance.now();
    const counts = this.#countsOf(address);
    if (now < counts.blockedUntil)
      return rateLimited('failed_logins', Math.ceil(counts.blockedUntil - now), failure);
    if (this.#gcra.take(counts, now) === 0) {
      this.#sharing.add('failed_logins', address, 1);
      return failure;
    }
    counts.blockedUntil = now + MINUTE_MS;
    return rateLimited('failed_logins', MINUTE_MS, failure);
  }

  /** Counts failures at other workers. */
  charge(address: string, now: number, count: number): void {
    if (this.#gcra.isOn) this.#gcra.charge(this.#countsOf(address), now, count);
  }

  /** Forgets the addresses whose bucket is empty and that are not blocked. */
  sweep(now: number): void {
    for (const [address, { emptyAt, blockedUntil }] of this.#addresses)
      if (emptyAt <= now && blockedUntil <= now) this.#addresses.delete(address);
  }

  #countsOf(address: string): AddressCounts {
    let counts = this.#addresses.get(address);
    if (counts === undefined) {
      counts = { emptyAt: 0, blockedUntil: 0 };
      this.#addresses.set(address, counts);
    }
    return counts;
  }
}
