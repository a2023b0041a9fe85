import type { Caller } from '../../chat/users.js';

/** What a valid token says at the moment at which it is presented. Times are in seconds since the epoch. */
export interface Identity {
  readonly caller: Caller;
  /** Undefined: the token never expires. */
  readonly expiresAt: number | undefined;
  /** In whole seconds; 0 when the token does not show when it was issued, so that it counts as older than any. */
  readonly issuedAt: number;
}
