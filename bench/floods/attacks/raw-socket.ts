import { connect, type Socket } from 'node:net';
import { upgradeRequest } from '../../load/frames.js';

const TEXT = 1;
const CLOSE = 8;
const WRITES_PER_TURN = 20;
/** An error frame is recognised by this many of its first bytes. */
const GLIMPSE_BYTES = 64;
const ERROR = /^\{"type":"error","code":"(\w+)"/;

export interface RawEvents {
  opened?(): void;
  /** A text frame that is no error. */
  frame?(payload: Buffer): void;
  /** Called once, also when it never opened. */
  ended(): void;
}

/** A WebSocket that can be made to do what no client does. It reports what becomes of it to `count`. */
export class RawSocket {
  readonly #socket: Socket;
  readonly #count: (what: string) => void;
  readonly #events: RawEvents;
  readonly #deaf: boolean;
  #rest: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  #isOpen = false;
  #outcome: string | undefined;
  #cutting = false;

  /** A `deaf` socket goes on sending after a close frame. */
  constructor(
    port: number,
    path: string,
    token: string,
    count: (what: string) => void,
    events: RawEvents,
    deaf = false,
  ) {
    this.#count = count;
    this.#events = events;
    this.#deaf = deaf;
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: deaf });
    this.#socket.write(upgradeRequest(`/api/v1${path}`, token));
    this.#socket.on('data', (bytes) => this.#read(bytes));
    this.#socket.on('error', () => undefined); // `close` follows.
    this.#socket.on('close', () => {
      if (!this.#cutting) count(this.#outcome ?? (this.#isOpen ? 'sockets cut' : 'connections cut'));
      events.ended();
    });
  }

  /** Sends as much as is taken, again and again, until it ends. */
  pour(next: () => Buffer, sent: () => void): void {
    const more = () => {
      // It pauses after some writes to read the answers, because a fast peer would take everything at once.
      for (let writes = 0; writes < WRITES_PER_TURN; writes++) {
        if (this.#socket.destroyed) return;
        sent();
        if (!this.#socket.write(next())) return void this.#socket.once('drain', later);
      }
      later();
    };
    const later = () => void setImmediate(more);
    more();
  }

  /** Resets the connection: no port is left waiting for what may still come. */
  cut(): void {
    this.#cutting = true;
    this.#socket.resetAndDestroy();
  }

  #read(bytes: Buffer): void {
    const received = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = this.#isOpen ? this.#frames(received, 0) : this.#head(received);
  }

  #head(received: Buffer): Buffer {
    const end = received.indexOf('\r\n\r\n');
    if (end === -1) return received;
    const status = received.toString('latin1', 9, 12);
    if (status !== '101') {
      this.#outcome = `upgrades refused ${status}`;
      this.#socket.destroy();
      return Buffer.alloc(0);
    }
    this.#isOpen = true;
    this.#events.opened?.();
    return this.#frames(received, end + 4);
  }

  /** Returns what is not a whole frame yet. */
  #frames(received: Buffer, from: number): Buffer {
    let at = from;
    for (;;) {
      const head = received.length - at >= 2 ? headOf(received, at) : undefined;
      if (head === undefined || head.end > received.length) return received.subarray(at);
      if (head.opcode === TEXT) this.#text(received.subarray(head.start, head.end));
      if (head.opcode === CLOSE) this.#closed(received.readUInt16BE(head.start));
      at = head.end;
    }
  }

  #closed(code: number): void {
    this.#outcome = `sockets closed ${code}`;
    if (!this.#deaf) this.#socket.resetAndDestroy();
  }

  #text(payload: Buffer): void {
    const code = ERROR.exec(payload.toString('latin1', 0, GLIMPSE_BYTES))?.[1];
    if (code === undefined) this.#events.frame?.(payload);
    else this.#count(`error frames ${code}`);
  }
}

function headOf(bytes: Buffer, at: number): { opcode: number; start: number; end: number } | undefined {
  const opcode = (bytes[at] ?? 0) & 0xf;
  const short = bytes[at + 1] ?? 0;
  const start = at + (short === 127 ? 10 : short === 126 ? 4 : 2);
  if (start > bytes.length) return undefined;
  const length =
    short === 127
      ? Number(bytes.readBigUInt64BE(at + 2))
      : short === 126
        ? bytes.readUInt16BE(at + 2)
        : short;
  return { opcode, start, end: start + length };
}
