import { claimOf } from '../../chat/users.js';
import type { ReadView } from '../../store/read-store.js';
import type { Identity } from './authenticator.js';

/** Which tokens are revoked, as of the worker's position. All revocations are in memory, because they are few. */
export class Revocations {
  readonly #before = new Map<string, number>();

  constructor(view: ReadView) {
    for (const { claim, before } of view.revocations()) this.#before.set(claim, before);
  }

  /** Whether a token is revoked. One without a time of issue counts as the oldest. */
  has({ caller, issuedAt }: Identity): boolean {
    if (this.#before.size === 0) return false;
    return issuedAt < (this.#before.get(claimOf(caller)) ?? 0);
  }

  /** Reads the stored revocation of a claim. Returns the time, in seconds, before which its tokens are revoked. */
  read(view: ReadView, claim: string): number {
    const before = view.revokedBefore(claim) ?? 0;
    this.#before.set(claim, before);
    return before;
  }
}
