import type { Loaded } from '../../../store/read-store.js';

/** How a socket gets its next page: what the store is asked, and what is sent at the position of the answer. */
export interface Step<V = unknown> {
  load(): Loaded<V>;
  /** Errors: a ChatError ends the socket. */
  act(value: V): Progress;
}

export interface Progress {
  /** How many bytes were sent. */
  readonly bytes: number;
  /** Whether something is left between the socket and the position. */
  readonly more: boolean;
  /** The groups of a main socket's user, when nothing is left. */
  readonly groups: readonly number[];
}

export const NO_GROUPS: readonly number[] = [];

/** Nothing is sent, and the same step is taken again. */
export const AGAIN: Progress = { bytes: 0, more: true, groups: NO_GROUPS };

/** How far pages went that show messages as they are at the positions of the pages. */
interface SentPages {
  /** The next page begins after this id. */
  readonly position: number;
  /** The first page began after this id … */
  readonly pagesFrom: number;
  /** … and was true at this position, or a later one. */
  readonly pagesAt?: number | undefined;
}

/**
 * Whether an entry of the next page is a change that was sent with the message itself: in this very page, or in one before.
 */
export function hasBeenSent(
  { position, pagesFrom, pagesAt = 0 }: SentPages,
  { id, messageId }: { readonly id: number; readonly messageId: number },
): boolean {
  const isChange = messageId !== id;
  return isChange && (messageId > position || (messageId > pagesFrom && id <= pagesAt));
}
