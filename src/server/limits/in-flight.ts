/** Of what a user may send: more than is ever under way of one who keeps to it, also while the ledger restarts. */
const SECONDS_MAX = 10;

/**
 * Messages that are at the ledger, which decides on their rate: what one read of a flood brings must not be all there
 * before the first of it is refused, as others would wait behind it.
 */
export class InFlightLimiter {
  readonly #max: number;
  readonly #ofUsers = new Map<number, number>();

  /** `perSecondMax` of a user; 0: no limit. */
  constructor(perSecondMax: number) {
    this.#max = perSecondMax * SECONDS_MAX;
  }

  /** False, and it does not count, when a user has too many. */
  acquire(userId: number): boolean {
    if (this.#max === 0) return true;
    const count = this.#ofUsers.get(userId) ?? 0;
    if (count >= this.#max) return false;
    this.#ofUsers.set(userId, count + 1);
    return true;
  }

  release(userId: number): void {
    if (this.#max === 0) return;
    const count = this.#ofUsers.get(userId) ?? 0;
    if (count > 1) this.#ofUsers.set(userId, count - 1);
    else this.#ofUsers.delete(userId);
  }
}
