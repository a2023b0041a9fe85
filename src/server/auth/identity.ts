import type { Caller } from '../../chat/users.js';

/** The end of a token that never expires, or that expires after it, in 2038. V8 allocates memory for larger numbers. */
export const NEVER = 2 ** 31 - 1;

/** The claims of a valid token. Times are in seconds since the epoch. */
export interface Identity {
  readonly caller: Caller;
  readonly expiresAt: number | undefined;
  /** In whole seconds; 0 without an `iat`. */
  readonly issuedAt: number;
}
