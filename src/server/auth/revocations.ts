import { claimOf } from '../../chat/users.js';
import type { Revocation } from '../../store/read-store.js';
import type { Identity } from './identity.js';
import { TokenRefusal } from './token-refusal.js';

/** Which tokens are revoked, as of the worker's position. All revocations are in memory, because they are few. */
export class Revocations {
  readonly #before = new Map<string, number>();

  constructor(revocations: readonly Revocation[]) {
    for (const { claim, before } of revocations) this.add(claim, before);
  }

  /** Whether a token is revoked. One without a time of issue counts as the oldest. */
  has({ caller, issuedAt }: Identity): boolean {
    if (this.#before.size === 0) return false;
    const before = this.#before.get(claimOf(caller));
    return before !== undefined && issuedAt < before;
  }

  /** Refuses a token that was good when it was presented, and is revoked meanwhile. Errors: TokenRefusal. */
  assertValid(identity: Identity): void {
    if (this.has(identity)) throw new TokenRefusal('revoked', 'it is revoked');
  }

  /** The time of issue from which on a claim's tokens are good, in seconds since the epoch; 0 without a revocation. */
  before(claim: string): number {
    return this.#before.get(claim) ?? 0;
  }

  /** Tokens for the claim that were issued before a time, in seconds since the epoch, are void from here on. */
  add(claim: string, before: number): void {
    this.#before.set(claim, Math.max(before, this.before(claim)));
  }
}
