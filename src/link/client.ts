import { randomUUID } from 'node:crypto';
import type { Command, CommandName, Commands, Outcome, Post, Submit } from '../chat/commands.js';
import { ChatError } from '../chat/errors.js';
import type { Message } from '../chat/messages.js';
import type { MaybePromise } from '../maybe-promise.js';
import type { Bus, Typing } from './bus.js';
import { LedgerConnection } from './ledger-connection.js';
import { LimitsClient } from './limits-client.js';
import { type Greeting, LINK_BUFFER_BYTES_MAX, REPORT_EVERY_MS, type ToWorker } from './protocol.js';
import { RedeliveryQueue } from './redelivery-queue.js';

/** Charges are worth nothing when the ledger reads them late: with more than this unread, they are dropped. */
const CHARGES_BUFFER_BYTES_MAX = 64 * 1024;

export interface LinkClientOptions {
  readonly path: string;
  /** Is called with every hello. It throws when this is not the ledger of the worker's database. */
  readonly accept: (ledger: Greeting) => MaybePromise<unknown>;
  /** The ledger has another version or another database: the worker must start anew. */
  readonly fatal: (error: unknown) => void;
  readonly warn: (message: string, error?: unknown) => void;
  /** How far this worker has followed the log; the ledger is told four times a second. Undefined before it follows. */
  readonly position: () => number | undefined;
  /** New messages of this worker: consecutive entries of the log, in order. Called before their answers. */
  readonly prefetched?: (entries: readonly Message[]) => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

/**
 * A worker's end of the link. Commands of one tick leave in one batch, and wait for their outcomes in the redelivery
 * queue, which survives a broken connection. The client is also the Bus between the workers of one ledger.
 */
export class LinkClient implements Bus {
  /** This worker's incarnation. */
  readonly worker = randomUUID();
  readonly limits: LimitsClient;
  readonly #connection: LedgerConnection;
  readonly #queue: RedeliveryQueue;
  readonly #prefetched: (entries: readonly Message[]) => void;
  readonly #subscribed = new Set<number>();
  readonly #reports: NodeJS.Timeout;
  #onNewest: (id: number) => void = () => undefined;
  #onTyping: (typing: Typing) => void = () => undefined;

  constructor(options: LinkClientOptions) {
    const { path, accept, fatal, warn, position, prefetched, now } = options;
    const connection = new LedgerConnection(path, this.worker, {
      accept,
      connected: (ledger) => this.#connected(ledger),
      message: (message) => this.#handle(message),
      disconnected: (wasConnected) => {
        if (wasConnected) warn('the connection to the ledger is lost; connecting again');
        this.#queue.disconnected();
        this.limits.disconnected();
      },
      flush: () => this.#queue.flush(),
      fatal,
    });
    this.#connection = connection;
    this.#queue = new RedeliveryQueue((batch) => connection.send(batch), now ?? (() => performance.now()));
    this.limits = new LimitsClient(
      (message) => connection.send(message),
      () => connection.unsentBytes > CHARGES_BUFFER_BYTES_MAX,
    );
    this.#prefetched = prefetched ?? (() => undefined);
    const report = () => {
      const reached = position();
      if (reached !== undefined) connection.send({ type: 'position', position: reached });
    };
    this.#reports = setInterval(report, REPORT_EVERY_MS).unref();
  }

  /** Resolves at the first hello. */
  connect(): Promise<void> {
    return this.#connection.open();
  }

  /** Whether a ledger has said hello on the present connection. */
  get connected(): boolean {
    return this.#connection.connected;
  }

  /** The number of commands without an outcome. */
  get pending(): number {
    return this.#queue.size;
  }

  readonly submit: Submit = <K extends CommandName>(kind: K, command: Commands[K]['do']) => {
    return new Promise<Commands[K]['ok']>((resolve, reject) => {
      this.#push({ kind, ...command } as unknown as Command, (outcome) => {
        if ('ok' in outcome) resolve(outcome.ok as Commands[K]['ok']);
        else reject(new ChatError(outcome.error, { details: outcome.details }));
      });
    });
  };

  readonly post: Post = ({ chatId, authorId, text, clientId, replyTo, mentions }, settle) => {
    // The ledger answers each command with an outcome of its kind.
    const settlePost = settle as (outcome: Outcome) => void;
    const message = { kind: 'post_message', chatId, authorId, text, clientId } as const;
    // Most messages have nothing beside their text, and what is undefined would cost each of them.
    const isPlain = replyTo === undefined && mentions === undefined;
    this.#push(isPlain ? message : { ...message, replyTo, mentions }, settlePost);
  };

  subscribe(chatId: number): void {
    if (this.#subscribed.has(chatId)) return;
    this.#subscribed.add(chatId);
    this.#connection.send({ type: 'subscribe', chatId });
  }

  unsubscribe(chatId: number): void {
    if (this.#subscribed.delete(chatId)) this.#connection.send({ type: 'unsubscribe', chatId });
  }

  publish(typing: Typing): void {
    if (this.#connection.unsentBytes < LINK_BUFFER_BYTES_MAX)
      this.#connection.send({ type: 'typing', typing });
  }

  onNewest(listener: (id: number) => void): void {
    this.#onNewest = listener;
  }

  onTyping(listener: (typing: Typing) => void): void {
    this.#onTyping = listener;
  }

  /** Ends the connection. Commands without an outcome end with `timeout`. */
  close(): void {
    clearInterval(this.#reports);
    this.#connection.close();
    this.limits.disconnected();
    this.#queue.close();
  }

  #push(command: Command, settle: (outcome: Outcome) => void): void {
    this.#queue.push(command, settle);
    this.#connection.flushSoon();
  }

  #connected({ incarnation, newest }: Greeting): void {
    for (const chatId of this.#subscribed) this.#connection.send({ type: 'subscribe', chatId });
    this.limits.connected();
    this.#queue.redeliver(incarnation);
    this.#onNewest(newest);
    this.#connection.flushSoon();
  }

  #handle(message: ToWorker): void {
    switch (message.type) {
      case 'newest':
        return this.#onNewest(message.id);
      case 'applying':
        return this.#queue.applying(message.number);
      case 'outcomes':
        return this.#answer(message.number, message.outcomes);
      case 'posted':
        return this.#posted(message);
      case 'typing':
        return this.#onTyping(message.typing);
      default:
        this.limits.handle(message);
    }
  }

  #posted({ number, first, count, time }: ToWorker & { type: 'posted' }): void {
    const commands = this.#queue.commandsOf(number);
    if (commands === undefined) return;
    if (commands.length !== count) throw new Error(`${count} answers to ${commands.length} commands`);
    // What a reply quotes is for the store to say.
    if (!commands.some((command) => 'replyTo' in command && command.replyTo !== undefined))
      this.#prefetched(commands.map((command, index) => entryOf(command, first + index, time)));
    this.#answer(
      number,
      commands.map((_, index) => ({ ok: { id: first + index, time } })),
    );
  }

  #answer(number: number, outcomes: readonly Outcome[]): void {
    this.#queue.answer(number, outcomes);
    this.#connection.flushSoon();
  }
}

/** A stored message as it stands in the log. */
function entryOf(command: Command, id: number, time: number): Message {
  if (command.kind !== 'post_message') throw new Error(`the ledger answered a ${command.kind} as a message`);
  const { chatId, authorId, text, clientId = null, mentions } = command;
  const message = { kind: 'message', id, chatId, authorId, text, time, clientId } as const;
  return mentions === undefined || mentions.length === 0 ? message : { ...message, extra: { mentions } };
}
