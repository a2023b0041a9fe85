import { chain } from '../maybe-promise.js';
import type { At, Loaded } from './read-store.js';

/** The same position with another value. */
export function mapLoaded<T, U>(loaded: Loaded<T>, map: (value: T) => U): Loaded<U> {
  return chain(loaded, ({ value, position }): At<U> => ({ value: map(value), position }));
}

/**
 * Asks the next question with the answer to the one before. The result is true at the position of the last answer, so
 * what the earlier ones found must be of a kind that does not cease to be true.
 */
export function chainLoaded<T, U>(loaded: Loaded<T>, next: (value: T) => Loaded<U>): Loaded<U> {
  return chain(loaded, ({ value }) => next(value));
}
