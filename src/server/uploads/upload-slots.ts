import { ChatError, rateLimited } from '../../chat/errors.js';

/** Photos that one worker takes at a time … */
export const UPLOADS_AT_A_TIME_MAX = 16;
/** … and those of one user among them. */
export const UPLOADS_AT_A_TIME_PER_USER_MAX = 2;

const RETRY_AFTER_MS = 1000;

/** Counts the photos that are on their way through a worker, from their first byte to the answer. */
export class UploadSlots {
  readonly #ofUsers = new Map<string, number>();
  #taken = 0;

  /** How many are in use. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes a slot for a user; returns what gives it back, which may be called more than once. Or returns why there is
   * none: rate_limited when the user has as many as one may have, overloaded when the worker has.
   */
  take(user: string): (() => void) | ChatError {
    const own = this.#ofUsers.get(user) ?? 0;
    if (own >= UPLOADS_AT_A_TIME_PER_USER_MAX) return rateLimited('uploads', RETRY_AFTER_MS);
    if (this.#taken >= UPLOADS_AT_A_TIME_MAX) return new ChatError('overloaded');
    this.#ofUsers.set(user, own + 1);
    this.#taken += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#taken -= 1;
      const left = (this.#ofUsers.get(user) ?? 0) - 1;
      if (left > 0) this.#ofUsers.set(user, left);
      else this.#ofUsers.delete(user);
    };
  }
}
