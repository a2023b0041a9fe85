import { chain } from '../maybe-promise.js';
import type { At, Loaded, LogPage, OwnReactions, Quotes, Users } from './read-store.js';

/** What an answer has that brings no users or chats, as most do. */
export const NO_USERS: Users = new Map();
export const NO_CHATS: LogPage['chats'] = new Map();
export const NO_PARTNERS: LogPage['partners'] = new Map();
export const NO_QUOTES: Quotes = new Map();
export const NO_REACTIONS: OwnReactions = new Set();

/** Gives an answer another value, which is true at the same position. */
export function mapLoaded<T, U>(loaded: Loaded<T>, map: (value: T, position: number) => U): Loaded<U> {
  return chain(loaded, ({ value, position }): At<U> => ({ value: map(value, position), position }));
}

/**
 * Asks the next question with the answer to the one before. The result is true at the position of the last answer, so
 * the earlier answers must be of a kind that stays true.
 */
export function chainLoaded<T, U>(loaded: Loaded<T>, next: (value: T) => Loaded<U>): Loaded<U> {
  return chain(loaded, ({ value }) => next(value));
}
