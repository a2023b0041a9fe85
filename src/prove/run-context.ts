import type { WebSocket } from 'ws';
import type { History } from './history.js';
import type { Random } from './random.js';
import type { Tally } from './tally.js';

/** What all clients of a run share. */
export interface RunContext {
  /** The base of the API: `http://host:port/api/v1`. */
  readonly url: string;
  readonly history: History;
  /** The class of `ws`, which is loaded for this command alone. */
  readonly WebSocket: typeof WebSocket;
  readonly tally: Tally;
  /** A message or change that is not answered for this long, on an open connection, counts as unanswered. */
  readonly answerMs: number;
  /** Makes a text of the message with this key: its first one, or the one that the edit with the other key gives it. */
  readonly textOf: (key: string, random: Random, editKey?: string) => string;
  /** Milliseconds since the run began. */
  readonly now: () => number;
}
