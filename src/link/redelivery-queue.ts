import type { Command, Outcome } from '../chat/commands.js';
import {
  BATCH_COMMANDS_MAX,
  BATCHES_UNANSWERED_MAX,
  type BatchMessage,
  COMMANDS_PENDING_MAX,
  REDELIVERY_MS_MAX,
} from './protocol.js';

interface PendingCommand {
  readonly command: Command;
  readonly settle: (outcome: Outcome) => void;
}

interface SentBatch {
  readonly number: number;
  readonly pending: readonly PendingCommand[];
  readonly firstSentAt: number;
  /** The incarnations of the ledgers that this batch was sent to … */
  readonly sentTo: Set<string>;
  /** … and of those that began to apply it. */
  readonly attemptedBy: Set<string>;
}

/**
 * The commands of a worker that have no outcome yet. They leave in numbered batches, and a batch is kept until it is
 * answered: the next ledger gets it again and, by its number, applies it once. A batch that is so old that the ledger
 * may have forgotten its outcomes ends with `timeout`.
 */
export class RedeliveryQueue {
  readonly #send: (batch: BatchMessage) => void;
  readonly #now: () => number;
  /** The incarnation of the connected ledger. */
  #ledger: string | undefined;
  #queued: PendingCommand[] = [];
  #sent: SentBatch[] = [];
  #nextNumber = 1;
  #size = 0;
  #closed = false;

  /** `now` is in milliseconds of a clock that only goes forward. */
  constructor(send: (batch: BatchMessage) => void, now: () => number) {
    this.#send = send;
    this.#now = now;
  }

  /** The number of commands without an outcome. */
  get size(): number {
    return this.#size;
  }

  /** `settle` is called once: at once with `overloaded` when too many commands are pending. */
  push(command: Command, settle: (outcome: Outcome) => void): void {
    if (this.#closed) return settle({ error: 'unavailable' });
    if (this.#size >= COMMANDS_PENDING_MAX) return settle({ error: 'overloaded' });
    this.#size += 1;
    this.#queued.push({ command, settle });
  }

  /** A ledger is connected: it gets every batch that is not answered. */
  redeliver(ledger: string): void {
    this.#ledger = ledger;
    this.#expire();
    for (const batch of this.#sent) this.#sendBatch(batch);
  }

  /** The connection is lost: batches wait for the next ledger. */
  disconnected(): void {
    this.#ledger = undefined;
  }

  /** Sends what was pushed, as far as the number of unanswered batches allows. */
  flush(): void {
    while (this.#ledger !== undefined && this.#queued.length > 0) {
      if (this.#sent.length >= BATCHES_UNANSWERED_MAX) return;
      const batch = {
        number: this.#nextNumber++,
        pending: this.#queued.splice(0, BATCH_COMMANDS_MAX),
        firstSentAt: this.#now(),
        sentTo: new Set<string>(),
        attemptedBy: new Set<string>(),
      };
      this.#sent.push(batch);
      this.#sendBatch(batch);
    }
  }

  /** The connected ledger begins to apply a redelivered batch. */
  applying(number: number): void {
    if (this.#ledger !== undefined) this.#find(number)?.attemptedBy.add(this.#ledger);
  }

  /** The commands of a batch; undefined when it is answered already, as after a connection that broke between two answers. */
  commandsOf(number: number): readonly Command[] | undefined {
    return this.#find(number)?.pending.map(({ command }) => command);
  }

  /** Settles the commands of a batch. The second answer to the same batch changes nothing. */
  answer(number: number, outcomes: readonly Outcome[]): void {
    const batch = this.#find(number);
    if (batch === undefined) return;
    this.#sent.splice(this.#sent.indexOf(batch), 1);
    batch.pending.forEach((pending, index) => {
      this.#settle(pending, outcomes[index] ?? { error: 'internal' });
    });
  }

  /** Refuses everything without an outcome with `timeout`, and what is pushed later with `unavailable`. */
  close(): void {
    this.#closed = true;
    this.#ledger = undefined;
    const pending = [...this.#sent.flatMap((batch) => batch.pending), ...this.#queued];
    this.#sent = [];
    this.#queued = [];
    for (const one of pending) this.#settle(one, { error: 'timeout' });
  }

  /** Gives up batches that are too old. They exist when a worker was frozen, or had no ledger, for that long. */
  #expire(): void {
    const oldest = this.#now() - REDELIVERY_MS_MAX;
    const expired = this.#sent.filter(({ firstSentAt }) => firstSentAt < oldest);
    this.#sent = this.#sent.filter(({ firstSentAt }) => firstSentAt >= oldest);
    for (const one of expired.flatMap((batch) => batch.pending)) this.#settle(one, { error: 'timeout' });
  }

  #find(number: number): SentBatch | undefined {
    return this.#sent.find((batch) => batch.number === number);
  }

  #settle({ settle }: PendingCommand, outcome: Outcome): void {
    this.#size -= 1;
    settle(outcome);
  }

  #sendBatch(batch: SentBatch): void {
    const earlier = (ledgers: Set<string>) => [...ledgers].filter((ledger) => ledger !== this.#ledger).length;
    const redelivered = earlier(batch.sentTo) > 0;
    if (this.#ledger !== undefined) batch.sentTo.add(this.#ledger);
    this.#send({
      type: 'batch',
      number: batch.number,
      confirmed: (this.#sent[0]?.number ?? this.#nextNumber) - 1,
      crashes: earlier(batch.attemptedBy),
      ...(redelivered && { redelivered }),
      commands: batch.pending.map(({ command }) => command),
    });
  }
}
