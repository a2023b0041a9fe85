import type { WebSocket } from 'ws';
import { Event, type History } from './history.js';
import type { Random } from './random.js';

/** What every client of a run shares. */
export interface World {
  /** `http://host:port/api/v1` */
  readonly url: string;
  readonly history: History;
  readonly WebSocket: typeof WebSocket;
  readonly tally: Tally;
  /** A send that is neither acknowledged nor refused for this long, on an open connection, is counted. */
  readonly answerMs: number;
  /** The text of a new message, with this key. */
  readonly textOf: (key: string, random: Random) => string;
  /** Milliseconds since the beginning. */
  readonly now: () => number;
}

/** What is counted while the run goes on; the checker counts the rest from the history. */
export class Tally {
  readonly #history: History;
  readonly #now: () => number;
  sent = 0;
  repeated = 0;
  acknowledged = 0;
  delivered = 0;
  connected = 0;
  /** Connections that clients cut, as a network does. */
  cuts = 0;
  sessions = 0;
  slowestAcknowledgementMs = 0;
  /** When the newest of the messages that are acknowledged was sent first. */
  newestAcknowledgedMs = 0;
  /** Highest id that was acknowledged, by chat. */
  readonly highest = new Map<number, number>();
  /** Refusals that a client must expect while something is broken, by code or status. */
  readonly refusals = new Map<string, number>();

  constructor(history: History, now: () => number) {
    this.#history = history;
    this.#now = now;
  }

  acknowledge(chatId: number, id: number, sentMs: number): void {
    this.acknowledged += 1;
    this.slowestAcknowledgementMs = Math.max(this.slowestAcknowledgementMs, this.#now() - sentMs);
    this.newestAcknowledgedMs = Math.max(this.newestAcknowledgedMs, sentMs);
    if (id > (this.highest.get(chatId) ?? 0)) this.highest.set(chatId, id);
  }

  refused(what: string): void {
    this.refusals.set(what, (this.refusals.get(what) ?? 0) + 1);
  }

  unexpected(where: string, what: string): void {
    this.#history.add(Event.unexpected, where, what.replace(/\s+/g, '_'));
  }
}
