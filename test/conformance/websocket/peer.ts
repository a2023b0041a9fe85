import { EventEmitter } from 'node:events';
import { connect, type Socket } from 'node:net';

const WAIT_MS = 30_000;

/**
 * A client of bytes: it writes what it is told, and writes down step by step what the server does:
 * `message hello`, `duplicate hello`, `error invalid_frame`, `pong 6869`, `close 1000 bye`, `cut` for an end without a close frame, and
 * `silent` when it does not what is waited for.
 */
export class Peer {
  readonly steps: string[] = [];
  readonly #socket: Socket;
  readonly #events = new EventEmitter();
  #head = '';
  #bytes = Buffer.alloc(0);
  #longest = 0;
  #ended = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true).on('data', (bytes) => this.#read(bytes));
    for (const event of ['end', 'error', 'close']) socket.on(event, () => this.#end());
  }

  static dial(port: number): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => {
        socket.off('error', reject);
        resolve(new Peer(socket));
      });
      socket.once('error', reject);
    });
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Has nothing more to say, and goes on listening. */
  finish(): void {
    this.#socket.end();
  }

  /** Ends the connection, and writes nothing down from here on. */
  cut(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  /** The answer to the handshake, up to its empty line. */
  get head(): string {
    return this.#head;
  }

  /** The payload of the longest frame, in bytes. */
  get longest(): number {
    return this.#longest;
  }

  get status(): number {
    return Number(this.#head.split(' ')[1] ?? 0);
  }

  /** The values of a header of the answer. */
  header(name: string): string[] {
    const lines = this.#head.split('\r\n').slice(1);
    return lines
      .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      .map((line) => line.slice(name.length + 1).trim());
  }

  /** Resolves when the handshake has its answer. */
  answered(): Promise<void> {
    return this.#until(() => this.#head !== '' || this.#ended);
  }

  /** Resolves when the server has done this, or has ended the connection. */
  did(step: string): Promise<void> {
    return this.#until(() => this.#ended || this.steps.includes(step));
  }

  /** Resolves when the server has done so many things, or has ended the connection. */
  steppedTo(count: number): Promise<void> {
    return this.#until(() => this.#ended || this.steps.length >= count);
  }

  /** Resolves when the server has ended the connection. */
  ended(): Promise<void> {
    return this.#until(() => this.#ended);
  }

  #until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        this.#events.off('step', look);
        resolve();
      };
      const look = () => done() && settle();
      const timer = setTimeout(() => {
        this.steps.push('silent');
        settle();
      }, WAIT_MS);
      this.#events.on('step', look);
    });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.steps.some((step) => step.startsWith('close'))) this.steps.push('cut');
    this.#events.emit('step');
  }

  #read(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (this.#head === '') {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end === -1) return;
      this.#head = this.#bytes.subarray(0, end).toString('latin1');
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    if (this.status === 101) while (this.#readFrame());
    this.#events.emit('step');
  }

  /** Takes one frame of the server; what no server may send is a step of its own, which nobody expects. */
  #readFrame(): boolean {
    const [first, second] = this.#bytes;
    if (first === undefined || second === undefined) return false;
    const short = second & 0x7f;
    const at = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (this.#bytes.length < at) return false;
    const length =
      short === 126
        ? this.#bytes.readUInt16BE(2)
        : short === 127
          ? Number(this.#bytes.readBigUInt64BE(2))
          : short;
    if (this.#bytes.length < at + length) return false;
    const payload = this.#bytes.subarray(at, at + length);
    this.#longest = Math.max(this.#longest, length);
    const isShortest = length < 126 ? at === 2 : length < 65_536 ? at === 4 : at === 10;
    const isWhole = (first & 0xf0) === 0x80; // FIN, and no reserved bit.
    const isPlain = (second & 0x80) === 0;
    this.steps.push(isShortest && isWhole && isPlain ? stepOf(first & 0xf, payload) : `broken ${first}`);
    this.#bytes = this.#bytes.subarray(at + length);
    return true;
  }
}

function stepOf(opcode: number, payload: Buffer): string {
  if (opcode === 1) return frameStep(payload.toString());
  if (opcode === 10) return `pong ${payload.toString('hex')}`.trimEnd();
  if (opcode !== 8) return `opcode ${opcode}`;
  if (payload.length === 0) return 'close';
  return `close ${payload.readUInt16BE(0)} ${payload.subarray(2)}`.trimEnd();
}

function frameStep(json: string): string {
  const frame = JSON.parse(json) as {
    type: string;
    text?: string;
    code?: string;
    id?: unknown;
    duplicate?: true;
  };
  if (frame.duplicate) return `duplicate ${frame.text}`;
  if (frame.type === 'message') return `message ${frame.text}`;
  if (frame.type === 'error') return `error ${frame.code}`;
  if (frame.type === 'pong') return `answer ${JSON.stringify(frame.id)}`;
  return frame.type;
}
