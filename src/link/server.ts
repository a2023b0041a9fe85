import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Typing } from './bus.js';
import type { SocketLimits } from './limits.js';
import { type ChargesMessage, encode } from './protocol.js';
import { SocketCounts } from './socket-counts.js';
import { WorkerConnection, type WorkerConnectionOptions } from './worker-connection.js';

/** After this time every worker that was connected to the ledger before this one has counted its sockets here. */
const COUNTS_COMPLETE_MS = 1000;

export interface LinkServerOptions extends WorkerConnectionOptions {
  readonly path: string;
  readonly limits: SocketLimits;
  readonly onDisconnect: (worker: string) => void;
}

/**
 * The ledger's end of the link. It takes batches to the queue, and carries hints, typing and what limits count to
 * the workers.
 */
export class LinkServer {
  readonly #options: LinkServerOptions;
  readonly #connections = new Set<WorkerConnection>();
  readonly #socketCounts: SocketCounts;
  readonly #server: Server;
  #countsComplete = Promise.resolve();

  constructor(options: LinkServerOptions) {
    this.#options = options;
    this.#socketCounts = new SocketCounts(options.limits, (key, crowded) => {
      for (const connection of this.#connections) connection.sendCrowded(key, crowded);
    });
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Resolves when workers can connect. The caller holds the lock of the data folder, so an old socket there is dead. */
  async listen(): Promise<void> {
    rmSync(this.#options.path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.path, () => {
        this.#server.off('error', reject);
        chmodSync(this.#options.path, 0o600); // The folder around it may be open to other users.
        this.#server.on('error', (error) => this.#options.warn('the link cannot accept a connection', error));
        this.#countsComplete = sleep(COUNTS_COMPLETE_MS, undefined, { ref: false });
        resolve();
      });
    });
  }

  /** Sends the newest id of the log to every worker. */
  hint(newest: number): void {
    const line = encode({ type: 'newest', id: newest });
    for (const connection of this.#connections) connection.sendDroppable(line);
  }

  /** Ends the connections when the answers that were written have left. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const connection of this.#connections) connection.end();
    await closed;
  }

  #accept(socket: Socket): void {
    const connection = new WorkerConnection(socket, this.#options, {
      socketCounts: this.#socketCounts,
      countsComplete: () => this.#countsComplete,
      relayTyping: (typing) => this.#relayTyping(typing),
      relayCharges: (message, from) => this.#relayCharges(message, from),
    });
    this.#connections.add(connection);
    socket.on('close', () => {
      this.#connections.delete(connection);
      this.#socketCounts.removeWorker(connection);
      if (connection.worker !== undefined) this.#options.onDisconnect(connection.worker);
    });
  }

  #relayTyping(typing: Typing): void {
    const line = encode({ type: 'typing', typing });
    for (const connection of this.#connections) {
      if (connection.isSubscribed(typing.chatId)) connection.sendDroppable(line);
    }
  }

  #relayCharges(message: ChargesMessage, from: WorkerConnection): void {
    const line = encode(message);
    for (const connection of this.#connections) if (connection !== from) connection.sendDroppable(line);
  }
}
