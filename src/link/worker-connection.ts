import type { Socket } from 'node:net';
import type { Outcome } from '../chat/commands.js';
import type { CommandBatch } from '../store/write-store.js';
import type { Typing } from './bus.js';
import type { QuotaKey } from './limits.js';
import {
  answerTo,
  type BatchMessage,
  type ChargesMessage,
  encode,
  type Greeting,
  LINK_BUFFER_BYTES_MAX,
  LINK_VERSION,
  lineReader,
  type ToLedger,
  type ToWorker,
} from './protocol.js';
import type { SocketCounts } from './socket-counts.js';

/** Takes batches to be applied in order. */
export interface BatchQueue {
  /** `answer` is called once; `applying`, when it is given, before the batch is applied. */
  push(batch: CommandBatch, answer: (outcomes: readonly Outcome[]) => void, applying?: () => void): void;
}

export interface WorkerConnectionOptions {
  readonly greeting: () => Greeting;
  readonly queue: BatchQueue;
  /** A worker reports how far it has followed the log. */
  readonly onPosition: (worker: string, position: number) => void;
  /** A worker sent nonsense or speaks another version, or the link cannot accept a connection. */
  readonly warn: (message: string, error?: unknown) => void;
}

/** What the connections of one ledger share. */
export interface SharedByConnections {
  readonly socketCounts: SocketCounts;
  /** Resolves when all workers that were there before this ledger have counted their sockets. */
  countsComplete(): Promise<void>;
  /** Sends typing to the workers that subscribed to the chat. */
  relayTyping(typing: Typing): void;
  /** Sends charges to all workers but the one that they come from. */
  relayCharges(message: ChargesMessage, from: WorkerConnection): void;
}

/** The ledger's connection to one worker. */
export class WorkerConnection {
  readonly #socket: Socket;
  readonly #options: WorkerConnectionOptions;
  readonly #shared: SharedByConnections;
  readonly #subscribed = new Set<number>();
  #worker: string | undefined;
  #corked = false;

  constructor(socket: Socket, options: WorkerConnectionOptions, shared: SharedByConnections) {
    this.#socket = socket;
    this.#options = options;
    this.#shared = shared;
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
    // The worker died, or will connect again. `close` follows and removes the connection.
    socket.on('error', () => socket.destroy());
  }

  /** The worker's incarnation; undefined before its hello. */
  get worker(): string | undefined {
    return this.#worker;
  }

  isSubscribed(chatId: number): boolean {
    return this.#subscribed.has(chatId);
  }

  /** Sends an encoded message, unless the worker has not read the many before it. */
  sendDroppable(line: string): void {
    if (this.#worker !== undefined && this.#socket.writableLength < LINK_BUFFER_BYTES_MAX) this.#write(line);
  }

  sendCrowded(key: QuotaKey, crowded: boolean): void {
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
        this.#subscribed.add(message.chatId);
        return;
      case 'unsubscribe':
        this.#subscribed.delete(message.chatId);
        return;
      case 'typing':
        return this.#shared.relayTyping(message.typing);
      case 'position':
        if (this.#worker !== undefined) this.#options.onPosition(this.#worker, message.position);
        return;
      case 'charges':
        return this.#shared.relayCharges(message, this);
      case 'sockets':
        return this.#shared.socketCounts.add(this, message.counts);
      case 'admit':
        return void this.#admit(message);
      default: // A newer worker may send messages that this ledger does not know.
    }
  }

  async #admit({ number, keys }: ToLedger & { type: 'admit' }): Promise<void> {
    await this.#shared.countsComplete();
    if (!this.#socket.destroyed)
      this.#send({ type: 'admitted', number, full: this.#shared.socketCounts.admit(this, keys) });
  }

  #hello(version: number, worker: string): void {
    this.#send({ type: 'hello', version: LINK_VERSION, ...this.#options.greeting() });
    if (version === LINK_VERSION) {
      this.#worker = worker;
      for (const key of this.#shared.socketCounts.crowdedKeys) this.sendCrowded(key, true);
    } else {
      this.#options.warn(
        `a worker speaks version ${version} of the link, this ledger version ${LINK_VERSION}`,
      );
      this.#socket.end(); // The worker reads the hello, sees the other version, and ends itself.
    }
  }

  #batch({ number, confirmed, crashes, redelivered, commands }: BatchMessage): void {
    if (this.#worker === undefined) throw new Error('a batch came before hello');
    this.#options.queue.push(
      { worker: this.#worker, number, confirmed, crashes, commands },
      (outcomes: readonly Outcome[]) => this.#send(answerTo(number, outcomes)),
      redelivered ? () => this.#send({ type: 'applying', number }) : undefined,
    );
  }

  #send(message: ToWorker): void {
    this.#write(encode(message));
  }

  /** Everything that is written within one tick leaves in one system call. */
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
