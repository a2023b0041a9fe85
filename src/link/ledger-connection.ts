import { connect, type Socket } from 'node:net';
import type { MaybePromise } from '../maybe-promise.js';
import { encode, type Greeting, LINK_VERSION, lineReader, type ToLedger, type ToWorker } from './protocol.js';

const RECONNECT_MS = 50;

export interface LedgerConnectionEvents {
  /** A ledger said hello. Throws or rejects when the worker cannot work with this ledger. */
  readonly accept: (ledger: Greeting) => MaybePromise<unknown>;
  /** The ledger is accepted, and `send` reaches it. */
  readonly connected: (ledger: Greeting) => void;
  /** A message other than hello came. */
  readonly message: (message: ToWorker) => void;
  /** A connection ended, or an attempt to connect failed. The next attempt follows. */
  readonly disconnected: (wasConnected: boolean) => void;
  /** The messages of this tick are about to leave: more may be sent now. */
  readonly flush: () => void;
  /** The ledger speaks another version or nonsense, or was not accepted. */
  readonly fatal: (error: unknown) => void;
}

/** A worker's connection to the ledger, which is made again whenever it breaks. */
export class LedgerConnection {
  readonly #path: string;
  readonly #worker: string;
  readonly #events: LedgerConnectionEvents;
  #socket: Socket | undefined;
  #connected = false;
  #closed = false;
  /** The messages of this tick, written at its end. */
  #lines = '';
  #flushing = false;

  /** `worker` is the incarnation that the hello names. */
  constructor(path: string, worker: string, events: LedgerConnectionEvents) {
    this.#path = path;
    this.#worker = worker;
    this.#events = events;
  }

  /** Resolves when the first ledger is accepted. */
  open(): Promise<void> {
    return new Promise((resolve) => this.#connect(resolve));
  }

  /** Whether an accepted ledger is at the other end. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Bytes that the ledger has not taken yet. */
  get unsentBytes(): number {
    return this.#socket?.writableLength ?? 0;
  }

  /** Returns false when no ledger is connected: nothing is kept for the next one. */
  send(message: ToLedger): boolean {
    if (!this.#connected) return false;
    this.#lines += encode(message);
    this.flushSoon();
    return true;
  }

  /** All messages of a tick leave in one write, because each write wakes the ledger, which costs it 30 µs. */
  flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#events.flush();
      this.#flushing = false;
      const lines = this.#lines;
      this.#lines = '';
      if (lines !== '') this.#socket?.write(lines);
    });
  }

  close(): void {
    this.#closed = true;
    this.#connected = false;
    this.#socket?.destroy();
  }

  #connect(opened?: () => void): void {
    const socket = connect(this.#path);
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('connect', () => {
      socket.write(encode({ type: 'hello', version: LINK_VERSION, worker: this.#worker }));
    });
    const fail = (error: unknown) => {
      if (socket.destroyed) return;
      this.#events.fatal(error);
      socket.destroy();
    };
    /** What comes after the hello, while the ledger is not accepted yet. */
    let early: ToWorker[] | undefined;
    const accepted = (ledger: Greeting) => {
      if (socket.destroyed) return;
      this.#connected = true;
      this.#events.connected(ledger);
      opened?.();
      const messages = early ?? [];
      early = undefined;
      for (const message of messages) this.#events.message(message);
    };
    const read = lineReader<ToWorker>((message) => {
      if (early !== undefined) return void early.push(message);
      if (message.type !== 'hello') return this.#events.message(message);
      const ledger = greetingOf(message);
      const done = this.#events.accept(ledger);
      if (!(done instanceof Promise)) return accepted(ledger);
      early = [];
      done.then(() => accepted(ledger)).catch(fail);
    });
    socket.on('data', (chunk: string) => {
      try {
        read(chunk);
      } catch (error) {
        fail(error);
      }
    });
    // The ledger may not run yet, or may have ended: `close` follows and connects again.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.#closed) return;
      const wasConnected = this.#connected;
      this.#connected = false;
      this.#lines = '';
      this.#events.disconnected(wasConnected);
      setTimeout(() => this.#connect(wasConnected ? undefined : opened), RECONNECT_MS);
    });
  }
}

function greetingOf({ version, ...ledger }: ToWorker & { type: 'hello' }): Greeting {
  if (version === LINK_VERSION) return ledger;
  throw new Error(`the ledger speaks version ${version} of the link, this worker version ${LINK_VERSION}`);
}
