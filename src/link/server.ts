import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../chat/commands.js';
import type { CommandBatch } from '../store/write-store.js';
import type { Typing } from './bus.js';
import type { QuotaKey, SocketLimits } from './limits.js';
import {
  answerTo,
  encode,
  type Greeting,
  LINK_BUFFER_BYTES_MAX,
  LINK_VERSION,
  lineReader,
  type ToLedger,
  type ToWorker,
} from './protocol.js';
import { SocketCounts } from './socket-counts.js';

/** From its start on, a ledger has heard by then of the sockets of every worker that was there before it. */
const SETTLE_MS = 1000;

/** Takes batches to be applied in order. */
export interface BatchQueue {
  /** `answer` is called once; `applying`, when it is given, before the batch is applied. */
  push(batch: CommandBatch, answer: (outcomes: readonly Outcome[]) => void, applying?: () => void): void;
}

export interface LinkServerOptions {
  readonly path: string;
  readonly greeting: () => Greeting;
  readonly queue: BatchQueue;
  readonly limits: SocketLimits;
  /** A worker says how far it has followed the log. */
  readonly reported: (worker: string, position: number) => void;
  /** Its connection ended. */
  readonly gone: (worker: string) => void;
  /** A worker spoke nonsense or another version, or its connection broke in an unusual way. */
  readonly warn: (message: string, error?: unknown) => void;
}

/**
 * The ledger's end of the link: takes batches to the queue, carries hints, typing and what counts for limits to the
 * workers.
 */
export class LinkServer {
  readonly #options: LinkServerOptions;
  readonly #connections = new Set<Connection>();
  readonly #socketCounts: SocketCounts;
  readonly #server: Server;
  /** Resolves when the tally is whole. */
  #settled = Promise.resolve();

  constructor(options: LinkServerOptions) {
    this.#options = options;
    this.#socketCounts = new SocketCounts(options.limits, (key, crowded) => {
      for (const connection of this.#connections) connection.crowded(key, crowded);
    });
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Resolves when workers can connect. The caller holds the data folder's lock: a socket left there is dead. */
  async listen(): Promise<void> {
    rmSync(this.#options.path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.path, () => {
        this.#server.off('error', reject);
        chmodSync(this.#options.path, 0o600); // Not every path of it is in a closed folder.
        this.#server.on('error', (error) => this.#options.warn('the link cannot accept', error));
        this.#settled = sleep(SETTLE_MS, undefined, { ref: false });
        resolve();
      });
    });
  }

  /** Tells every worker the newest id. */
  hint(newest: number): void {
    const line = encode({ type: 'newest', id: newest });
    for (const connection of this.#connections) connection.sendDroppable(line);
  }

  /** Lets what was answered leave, then ends the connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const connection of this.#connections) connection.end();
    await closed;
  }

  #accept(socket: Socket): void {
    const connection = new Connection(socket, this.#options, this.#socketCounts, {
      settled: () => this.#settled,
      typing: (typing) => this.#relayTyping(typing),
      charges: (message) => this.#relayCharges(message, connection),
    });
    this.#connections.add(connection);
    socket.on('close', () => {
      this.#connections.delete(connection);
      this.#socketCounts.gone(connection);
      if (connection.worker !== undefined) this.#options.gone(connection.worker);
    });
  }

  #relayTyping(typing: Typing): void {
    const line = encode({ type: 'typing', typing });
    for (const connection of this.#connections) {
      if (connection.hears(typing.chatId)) connection.sendDroppable(line);
    }
  }

  #relayCharges(message: ToLedger & { type: 'charges' }, from: Connection): void {
    const line = encode(message);
    for (const connection of this.#connections) if (connection !== from) connection.sendDroppable(line);
  }
}

/** What a connection has to do with the others. */
interface Others {
  /** Resolves when all who were there before this ledger have told it what they have. */
  settled(): Promise<void>;
  typing(typing: Typing): void;
  charges(message: ToLedger & { type: 'charges' }): void;
}

class Connection {
  readonly #socket: Socket;
  readonly #options: LinkServerOptions;
  readonly #socketCounts: SocketCounts;
  readonly #others: Others;
  readonly #chats = new Set<number>();
  #worker: string | undefined;
  #corked = false;

  constructor(socket: Socket, options: LinkServerOptions, tally: SocketCounts, others: Others) {
    this.#socket = socket;
    this.#options = options;
    this.#socketCounts = tally;
    this.#others = others;
    const read = lineReader<ToLedger>((message) => this.#handle(message));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      try {
        read(chunk);
      } catch (error) {
        options.warn('a worker sent what is not the link protocol', error);
        socket.destroy();
      }
    });
    // A broken connection is a worker that died or will connect again: `close` follows, nothing else to do.
    socket.on('error', () => socket.destroy());
  }

  /** The worker's incarnation, when it has said hello. */
  get worker(): string | undefined {
    return this.#worker;
  }

  hears(chatId: number): boolean {
    return this.#chats.has(chatId);
  }

  sendDroppable(line: string): void {
    if (this.#worker !== undefined && this.#socket.writableLength < LINK_BUFFER_BYTES_MAX) this.#write(line);
  }

  crowded(key: QuotaKey, crowded: boolean): void {
    if (this.#worker !== undefined) this.#send({ type: 'crowded', key, crowded });
  }

  end(): void {
    this.#socket.end();
  }

  #handle(message: ToLedger): void {
    switch (message.type) {
      case 'hello':
        return this.#hello(message.version, message.worker);
      case 'batch':
        return this.#batch(message);
      case 'subscribe':
        this.#chats.add(message.chatId);
        return;
      case 'unsubscribe':
        this.#chats.delete(message.chatId);
        return;
      case 'typing':
        return this.#others.typing(message.typing);
      case 'position':
        if (this.#worker !== undefined) this.#options.reported(this.#worker, message.position);
        return;
      case 'charges':
        return this.#others.charges(message);
      case 'sockets':
        return this.#socketCounts.changed(this, message.counts);
      case 'admit':
        return void this.#admit(message);
      default: // Of a newer worker.
    }
  }

  async #admit({ number, keys }: ToLedger & { type: 'admit' }): Promise<void> {
    await this.#others.settled();
    if (!this.#socket.destroyed)
      this.#send({ type: 'admitted', number, full: this.#socketCounts.admit(this, keys) });
  }

  #hello(version: number, worker: string): void {
    this.#send({ type: 'hello', version: LINK_VERSION, ...this.#options.greeting() });
    if (version === LINK_VERSION) {
      this.#worker = worker;
      for (const key of this.#socketCounts.crowded) this.crowded(key, true);
    } else {
      this.#options.warn(`a worker speaks version ${version} of the link, this ledger ${LINK_VERSION}`);
      this.#socket.end(); // It hears the hello, and gives up.
    }
  }

  #batch({ number, confirmed, crashes, redelivered, commands }: ToLedger & { type: 'batch' }): void {
    if (this.#worker === undefined) throw new Error('a batch before hello');
    const batch = { worker: this.#worker, number, confirmed, crashes, commands };
    const answer = (outcomes: readonly Outcome[]) => this.#send(answerTo(number, outcomes));
    this.#options.queue.push(
      batch,
      answer,
      redelivered ? () => this.#send({ type: 'applying', number }) : undefined,
    );
  }

  #send(message: ToWorker): void {
    this.#write(encode(message));
  }

  /** Everything written within one tick leaves in one system call. */
  #write(line: string): void {
    if (this.#socket.destroyed) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(line);
  }
}
