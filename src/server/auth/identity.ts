import type { Caller } from '../../chat/users.js';

/** Of what has no end: the largest number that takes no memory of its own. An end after it, in 2038, is none. */
export const NEVER = 2 ** 31 - 1;

/** The claims of a valid token. Times are in seconds since the epoch. */
export interface Identity {
  readonly caller: Caller;
  readonly expiresAt: number | undefined;
  /** In whole seconds; 0 without an `iat`. */
  readonly issuedAt: number;
}
