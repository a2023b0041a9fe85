import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Command, CommandName, Commands, Outcome, Post, Submit } from '../chat/commands.js';
import { type Entry, EntryKind } from '../chat/entries.js';
import { ChatError } from '../chat/errors.js';
import type { Bus, Typing } from './bus.js';
import { LimitsClient } from './limits-client.js';
import {
  BATCH_COMMANDS_MAX,
  BATCHES_UNANSWERED_MAX,
  COMMANDS_WAITING_MAX,
  encode,
  type Greeting,
  LINK_BUFFER_BYTES_MAX,
  LINK_VERSION,
  lineReader,
  REDELIVERY_MS_MAX,
  REPORT_EVERY_MS,
  type ToLedger,
  type ToWorker,
} from './protocol.js';

const RECONNECT_MS = 50;

/** What this worker let pass is told in vain when the ledger reads it late. */
const CHARGES_BUFFER_BYTES_MAX = 64 * 1024;

interface Waiting {
  readonly command: Command;
  readonly settle: (outcome: Outcome) => void;
}

interface SentBatch {
  readonly number: number;
  readonly waiting: readonly Waiting[];
  readonly firstSentAt: number;
  /** Incarnations of the ledgers that this batch was sent to, and of those that said that they applying on it. */
  readonly ledgers: Set<string>;
  readonly applying: Set<string>;
}

export interface LinkClientOptions {
  readonly path: string;
  /** Every hello comes here; throw when this is not the ledger of our database. */
  readonly accept: (ledger: Greeting) => void;
  /** The ledger cannot be worked with (another version, another database): the worker must start anew. */
  readonly fatal: (error: unknown) => void;
  readonly warn: (message: string, error?: unknown) => void;
  /** How far this worker has followed the log, told to the ledger four times a second; undefined until it does. */
  readonly position: () => number | undefined;
  /** New messages of this worker: consecutive entries of the log, in order. Called before their answers. */
  readonly prefetched?: (entries: readonly Entry[]) => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

/**
 * A worker's end of the link. Commands of one tick leave in one batch; batches are numbered, and kept until
 * they are answered, so that after the ledger's restart they are sent again and, by their numbers, applied
 * once: those that are so old that the ledger may have forgotten them end with `timeout`. Also the embedded Bus.
 */
export class LinkClient implements Bus {
  /** This worker's incarnation. */
  readonly worker = randomUUID();
  readonly limits = new LimitsClient(
    (message) => this.#send(message),
    () => (this.#socket?.writableLength ?? 0) > CHARGES_BUFFER_BYTES_MAX,
  );
  readonly #options: LinkClientOptions;
  readonly #subscribed = new Set<number>();
  #socket: Socket | undefined;
  #incarnation: string | undefined;
  #queued: Waiting[] = [];
  #sent: SentBatch[] = [];
  #nextNumber = 1;
  #waiting = 0;
  #flushing = false;
  /** Written at the end of this tick. */
  #lines = '';
  #closed = false;
  readonly #reports: NodeJS.Timeout;
  #onNewest: (id: number) => void = () => undefined;
  #onTyping: (typing: Typing) => void = () => undefined;

  constructor(options: LinkClientOptions) {
    this.#options = options;
    const report = () => {
      const position = options.position();
      if (position !== undefined) this.#send({ type: 'position', position });
    };
    this.#reports = setInterval(report, REPORT_EVERY_MS).unref();
  }

  /** Resolves at the first hello. Later connections are made again whenever one breaks. */
  connect(): Promise<void> {
    return new Promise((resolve) => this.#connect(resolve));
  }

  /** True while a ledger answers. */
  get connected(): boolean {
    return this.#incarnation !== undefined;
  }

  /** Commands without an answer. */
  get waiting(): number {
    return this.#waiting;
  }

  readonly submit: Submit = <K extends CommandName>(kind: K, command: Commands[K]['do']) => {
    return new Promise<Commands[K]['ok']>((resolve, reject) => {
      this.#request({ kind, ...command } as unknown as Command, (outcome) => {
        if ('ok' in outcome) resolve(outcome.ok as Commands[K]['ok']);
        else reject(new ChatError(outcome.error, { details: outcome.details }));
      });
    });
  };

  readonly post: Post = ({ chatId, authorId, text, clientId }, settle) => {
    // The ledger answers each command with an outcome of its kind.
    const settlePost = settle as (outcome: Outcome) => void;
    this.#request({ kind: 'post_message', chatId, authorId, text, clientId }, settlePost);
  };

  subscribe(chatId: number): void {
    if (this.#subscribed.has(chatId)) return;
    this.#subscribed.add(chatId);
    this.#send({ type: 'subscribe', chatId });
  }

  unsubscribe(chatId: number): void {
    if (this.#subscribed.delete(chatId)) this.#send({ type: 'unsubscribe', chatId });
  }

  publish(typing: Typing): void {
    if ((this.#socket?.writableLength ?? 0) < LINK_BUFFER_BYTES_MAX) this.#send({ type: 'typing', typing });
  }

  onNewest(listener: (id: number) => void): void {
    this.#onNewest = listener;
  }

  onTyping(listener: (typing: Typing) => void): void {
    this.#onTyping = listener;
  }

  /** Ends the connection; what is not answered by then is refused with `timeout`. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#reports);
    this.#socket?.destroy();
    this.#incarnation = undefined;
    this.limits.gone();
    const unknown = [...this.#sent.flatMap((batch) => batch.waiting), ...this.#queued];
    this.#sent = [];
    this.#queued = [];
    for (const waiting of unknown) this.#settle(waiting, { error: 'timeout' });
  }

  #request(command: Command, settle: (outcome: Outcome) => void): void {
    if (this.#closed) return settle({ error: 'unavailable' });
    if (this.#waiting >= COMMANDS_WAITING_MAX) return settle({ error: 'overloaded' });
    this.#waiting += 1;
    this.#queued.push({ command, settle });
    this.#flushSoon();
  }

  #settle({ settle }: Waiting, outcome: Outcome): void {
    this.#waiting -= 1;
    settle(outcome);
  }

  #connect(ready?: () => void): void {
    const socket = connect(this.#options.path);
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('connect', () => {
      socket.write(encode({ type: 'hello', version: LINK_VERSION, worker: this.worker }));
    });
    const read = lineReader<ToWorker>((message) => {
      this.#handle(message);
      if (message.type === 'hello') ready?.();
    });
    socket.on('data', (chunk: string) => {
      try {
        read(chunk);
      } catch (error) {
        this.#options.fatal(error);
        socket.destroy();
      }
    });
    // A ledger that is not there (yet, or any more) is part of the plan: `close` follows and tries again.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.#closed) return;
      if (this.#incarnation !== undefined) this.#options.warn('the ledger is gone; waiting for it');
      const stillWaiting = this.#incarnation === undefined ? ready : undefined;
      this.#incarnation = undefined;
      this.#lines = '';
      this.limits.gone();
      setTimeout(() => this.#connect(stillWaiting), RECONNECT_MS);
    });
  }

  #handle(message: ToWorker): void {
    switch (message.type) {
      case 'hello':
        return this.#hello(message);
      case 'newest':
        return this.#onNewest(message.id);
      case 'applying':
        return this.#applying(message.number);
      case 'outcomes':
        return this.#answered(message.number, message.outcomes);
      case 'posted':
        return this.#posted(message);
      case 'typing':
        return this.#onTyping(message.typing);
      default:
        this.limits.handle(message);
    }
  }

  #hello({ version, ...ledger }: ToWorker & { type: 'hello' }): void {
    if (version !== LINK_VERSION) throw new Error(`the ledger speaks version ${version} of the link`);
    this.#options.accept(ledger);
    this.#incarnation = ledger.incarnation;
    for (const chatId of this.#subscribed) this.#send({ type: 'subscribe', chatId });
    this.limits.connected();
    this.#giveUpOld();
    for (const batch of this.#sent) this.#sendBatch(batch);
    this.#onNewest(ledger.newest);
    this.#flushSoon();
  }

  /** A worker that was frozen, or without a ledger, for longer than the ledger remembers. */
  #giveUpOld(): void {
    const oldest = this.#now() - REDELIVERY_MS_MAX;
    const old = this.#sent.filter(({ firstSentAt }) => firstSentAt < oldest);
    this.#sent = this.#sent.filter(({ firstSentAt }) => firstSentAt >= oldest);
    for (const waiting of old.flatMap((batch) => batch.waiting)) this.#settle(waiting, { error: 'timeout' });
  }

  #applying(number: number): void {
    const batch = this.#sent.find((sent) => sent.number === number);
    if (this.#incarnation !== undefined) batch?.applying.add(this.#incarnation);
  }

  #answered(number: number, outcomes: readonly Outcome[]): void {
    const waiting = this.#take(number);
    waiting.forEach((one, index) => {
      this.#settle(one, outcomes[index] ?? { error: 'internal' });
    });
  }

  #posted({ number, first, count, time }: ToWorker & { type: 'posted' }): void {
    const waiting = this.#take(number);
    if (waiting.length === 0) return;
    if (waiting.length !== count) throw new Error(`${count} answers to ${waiting.length} commands`);
    this.#options.prefetched?.(waiting.map(({ command }, index) => entryOf(command, first + index, time)));
    waiting.forEach((one, index) => {
      this.#settle(one, { ok: { id: first + index, time } });
    });
  }

  /** What waits for the answer to this batch; nothing when the same ledger answers twice. */
  #take(number: number): readonly Waiting[] {
    const index = this.#sent.findIndex((batch) => batch.number === number);
    const batch = this.#sent[index];
    if (batch === undefined) return []; // The connection broke between two answers.
    this.#sent.splice(index, 1);
    this.#flushSoon();
    return batch.waiting;
  }

  /** One write for all that this tick brings: each would wake the ledger, for 30 µs. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#sendQueued();
      this.#flushing = false;
      const lines = this.#lines;
      this.#lines = '';
      if (lines !== '') this.#socket?.write(lines);
    });
  }

  #sendQueued(): void {
    while (this.#incarnation !== undefined && this.#queued.length > 0) {
      if (this.#sent.length >= BATCHES_UNANSWERED_MAX) return;
      const waiting = this.#queued.splice(0, BATCH_COMMANDS_MAX);
      const batch = {
        number: this.#nextNumber++,
        waiting,
        firstSentAt: this.#now(),
        ledgers: new Set<string>(),
        applying: new Set<string>(),
      };
      this.#sent.push(batch);
      this.#sendBatch(batch);
    }
  }

  #sendBatch(batch: SentBatch): void {
    const others = (ledgers: Set<string>) =>
      [...ledgers].filter((ledger) => ledger !== this.#incarnation).length;
    const redelivered = others(batch.ledgers) > 0;
    if (this.#incarnation !== undefined) batch.ledgers.add(this.#incarnation);
    this.#send({
      type: 'batch',
      number: batch.number,
      confirmed: (this.#sent[0]?.number ?? this.#nextNumber) - 1,
      crashes: others(batch.applying),
      ...(redelivered && { redelivered }),
      commands: batch.waiting.map(({ command }) => command),
    });
  }

  #now(): number {
    return this.#options.now?.() ?? performance.now();
  }

  /** False when there is no ledger: what must arrive is said again after the next hello. */
  #send(message: ToLedger): boolean {
    if (this.#incarnation === undefined) return false;
    this.#lines += encode(message);
    this.#flushSoon();
    return true;
  }
}

/** The entry that a message became. */
function entryOf(command: Command, id: number, time: number): Entry {
  if (command.kind !== 'post_message') throw new Error(`the ledger took a ${command.kind} for a message`);
  const { chatId, authorId, text, clientId = null } = command;
  return { id, chatId, kind: EntryKind.message, authorId, text, time, clientId, users: [] };
}
