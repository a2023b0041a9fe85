import { Event, type History } from './history.js';

/** The numbers that are counted while a run goes on. The checker counts everything else from the history. */
export class Tally {
  readonly #history: History;
  readonly #now: () => number;
  repeated = 0;
  acknowledged = 0;
  delivered = 0;
  /** Connections that clients ended without a close frame, as a lost network does. */
  cuts = 0;
  sessions = 0;
  slowestAcknowledgementMs = 0;
  /** The latest first send of all messages that are acknowledged. */
  newestAcknowledgedMs = 0;
  /** The highest id that was acknowledged, by chat. */
  readonly highest = new Map<number, number>();
  /** How often each refusal came that a client must expect while something is broken. */
  readonly refusals = new Map<string, number>();

  /** `now` gives milliseconds. */
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

  /** Writes an answer into the history that the contract does not give there; the checker counts it. */
  unexpected(where: string, what: string): void {
    this.#history.add(Event.unexpected, where, what.replace(/\s+/g, '_'));
  }
}
