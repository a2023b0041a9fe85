import { Event, type History } from './history.js';

/** The numbers that are counted while a run goes on. The checker counts everything else from the history. */
export class Tally {
  readonly #history: History;
  readonly #now: () => number;
  repeated = 0;
  acknowledged = 0;
  acknowledgedChanges = 0;
  delivered = 0;
  deliveredChanges = 0;
  /** Connections that clients ended without a close frame, as a lost network does. */
  cuts = 0;
  sessions = 0;
  slowestAcknowledgementMs = 0;
  /** The latest first send of all messages and changes that are acknowledged. */
  newestAcknowledgedMs = 0;
  /** The highest id of a message that was acknowledged, by chat. */
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
    this.#answered(sentMs);
    if (id > (this.highest.get(chatId) ?? 0)) this.highest.set(chatId, id);
  }

  acknowledgeChange(sentMs: number): void {
    this.acknowledgedChanges += 1;
    this.#answered(sentMs);
  }

  refused(what: string): void {
    this.refusals.set(what, (this.refusals.get(what) ?? 0) + 1);
  }

  #answered(sentMs: number): void {
    this.slowestAcknowledgementMs = Math.max(this.slowestAcknowledgementMs, this.#now() - sentMs);
    this.newestAcknowledgedMs = Math.max(this.newestAcknowledgedMs, sentMs);
  }

  /** Writes an answer into the history that the contract does not give there; the checker counts it. */
  unexpected(where: string, what: string): void {
    this.#history.add(Event.unexpected, where, what.replace(/\s+/g, '_'));
  }
}
