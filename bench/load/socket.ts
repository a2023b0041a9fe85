import { connect, type Socket } from 'node:net';
import type { Dialect } from './dialects.js';
import { FrameScanner, upgradeRequest } from './frames.js';
import type { SocketPlan } from './plan.js';

/** All sockets read into this one: what is received is looked at before anything else is. */
const RECEIVED = Buffer.alloc(256 * 1024);
const SHOWN_CHARACTERS = 300;
/** Only this much of the beginning and the end of a long frame is decoded, so a page of history costs the load little. */
const GLIMPSE_BYTES = 128;

export interface SocketEvents {
  /** A frame that came before it was live. */
  opening?(socket: LoadSocket, chunk: Buffer, start: number, end: number): void;
  /** A message; its number stands where the dialect says. */
  message(socket: LoadSocket, chunk: Buffer, end: number): void;
  /** All that one read brought has been looked at. */
  readEnded(socket: LoadSocket): void;
  /** It closed, or said what no server should. */
  unexpected(what: string): void;
}

/** A WebSocket as the load needs it: raw, frames counted and not parsed. */
export class LoadSocket {
  readonly plan: SocketPlan;
  readonly index: number;
  /** Messages that it saw, and fingerprints of which they were and of their order. */
  seen = 0;
  which = 0;
  order = 0;
  /** Frames that are to be sent at the end of this read. */
  readonly due: Buffer[] = [];
  readonly #dialect: Dialect;
  readonly #events: SocketEvents;
  readonly #scanner = new FrameScanner();
  readonly #socket: Socket;
  #head: Buffer | undefined;
  #upgraded = false;
  #closing = false;
  #ready: { resolve(socket: LoadSocket): void; reject(error: Error): void } | undefined;
  readonly #onPayload = (chunk: Buffer, start: number, end: number) => this.#payload(chunk, start, end);

  private constructor(plan: SocketPlan, index: number, port: number, dialect: Dialect, events: SocketEvents) {
    this.plan = plan;
    this.index = index;
    this.#dialect = dialect;
    this.#events = events;
    const callback = (length: number, buffer: Uint8Array) => {
      this.#read(buffer as Buffer, length);
      return true;
    };
    this.#socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: { buffer: RECEIVED, callback },
    });
    this.#socket.write(upgradeRequest(plan.path, plan.token));
    this.#socket.on('error', (error) => this.#unexpected(String(error)));
    this.#socket.on('close', () => this.#unexpected('closed'));
  }

  /** Resolves when it is live. Rejects when it is refused. */
  static open(
    plan: SocketPlan,
    index: number,
    port: number,
    dialect: Dialect,
    events: SocketEvents,
  ): Promise<LoadSocket> {
    return new Promise((resolve, reject) => {
      new LoadSocket(plan, index, port, dialect, events).#ready = { resolve, reject };
    });
  }

  send(frame: Buffer): void {
    this.#socket.write(frame, 'latin1');
  }

  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #read(buffer: Buffer, length: number): void {
    const from = this.#upgraded ? 0 : this.#readHead(buffer, length);
    if (from === length) return;
    this.#scanner.scan(buffer.subarray(from), length - from, this.#onPayload);
    this.#events.readEnded(this);
  }

  /** The answer to the upgrade. Returns where what follows it begins. */
  #readHead(buffer: Buffer, length: number): number {
    const received = buffer.subarray(0, length);
    const before = this.#head?.length ?? 0;
    const head = this.#head === undefined ? received : Buffer.concat([this.#head, received]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) {
      this.#head = Buffer.from(head);
      return length;
    }
    if (!head.toString('latin1', 0, end).startsWith('HTTP/1.1 101')) {
      this.#unexpected(head.toString('latin1', 0, SHOWN_CHARACTERS));
    }
    this.#head = undefined;
    this.#upgraded = true;
    if (this.#dialect.greeting !== undefined) this.#socket.write(this.#dialect.greeting);
    if (this.#dialect.readyWithUpgrade || this.plan.countsOnly) this.#isReady();
    return end + 4 - before;
  }

  #payload(chunk: Buffer, start: number, end: number): void {
    const { mark } = this.#dialect;
    const markAt = start + mark.at;
    if (this.#ready === undefined && markAt < end && chunk[markAt] === mark.byte) {
      this.#events.message(this, chunk, end);
      return;
    }
    if (this.#ready !== undefined) this.#events.opening?.(this, chunk, start, end);
    const payload = glimpse(chunk, start, end);
    if (this.#ready !== undefined && this.#dialect.isReady(payload)) return this.#isReady();
    const answer = this.#dialect.answer(payload);
    if (answer !== undefined) this.#socket.write(answer);
    else if (this.#ready === undefined) this.#unexpected(payload.slice(0, SHOWN_CHARACTERS));
  }

  #isReady(): void {
    this.#ready?.resolve(this);
    this.#ready = undefined;
  }

  #unexpected(what: string): void {
    if (this.#closing) return;
    this.#ready?.reject(new Error(what));
    this.#events.unexpected(what);
  }
}

function glimpse(chunk: Buffer, start: number, end: number): string {
  if (end - start <= 2 * GLIMPSE_BYTES) return chunk.toString('utf8', start, end);
  return (
    chunk.toString('latin1', start, start + GLIMPSE_BYTES) +
    chunk.toString('latin1', end - GLIMPSE_BYTES, end)
  );
}
