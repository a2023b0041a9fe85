import { claimOf } from '../../chat/users.js';
import type { ReadView } from '../../store/read-store.js';
import type { Identity } from './authenticator.js';

/** Whose tokens are void, by when they were issued, exact as of the worker's position. All are kept: they are few. */
export class Revocations {
  readonly #before = new Map<string, number>();

  constructor(view: ReadView) {
    for (const { claim, before } of view.revocations()) this.#before.set(claim, before);
  }

  /** A token that does not say when it was issued is older than any. */
  has({ caller, issuedAt }: Identity): boolean {
    if (this.#before.size === 0) return false;
    return issuedAt < (this.#before.get(claimOf(caller)) ?? 0);
  }

  /** Takes in what is stored for a claim. Returns the time, in seconds, before which its tokens are void. */
  read(view: ReadView, claim: string): number {
    const before = view.revokedBefore(claim) ?? 0;
    this.#before.set(claim, before);
    return before;
  }
}
