import type { Loaded } from '../../../store/read-store.js';

/** One page of a socket: what is asked for, and what is sent when the worker is at the position of the answer. */
export interface Step<V> {
  load(): Loaded<V>;
  /** Errors: a ChatError ends the socket. */
  act(value: V): Progress;
}

export interface Progress {
  /** That were sent. */
  readonly bytes: number;
  /** Something is left between the socket and the position. */
  readonly more: boolean;
  /** The groups of a main socket's user, when nothing is left. */
  readonly groups: readonly number[];
}

/** Nothing is sent, and the same is asked for again. */
export const AGAIN: Progress = { bytes: 0, more: true, groups: [] };
