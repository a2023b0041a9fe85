import { connect, type Socket } from 'node:net';
import { upgradeRequest } from '../../load/frames.js';
import type { Attack, Context } from './attack.js';

const TICK_MS = 2;
/** Requests that were due longer ago are not sent any more. */
const CATCH_UP_MS = 50;

export interface RequestsOptions {
  readonly connections: number;
  /** Undefined: as fast as they are answered. */
  readonly perSecond: number | undefined;
  /** The heads of the requests, which are sent in turn. */
  readonly heads: readonly string[];
}

export function getRequest(path: string, token: string): string {
  return `GET /api/v1${path} HTTP/1.1\r\nHost: flood\r\nAuthorization: Bearer ${token}\r\n\r\n`;
}

export function upgrade(path: string, token: string): string {
  return upgradeRequest(`/api/v1${path}`, token);
}

/** Requests over connections that stay, one at a time on each. */
export class Requests implements Attack {
  readonly #context: Context;
  readonly #options: RequestsOptions;
  readonly #open = new Set<Socket>();
  #free: Socket[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #due = 0;
  #on = false;

  constructor(context: Context, options: RequestsOptions) {
    this.#context = context;
    this.#options = options;
  }

  begin(): void {
    this.#on = true;
    for (let opened = 0; opened < this.#options.connections; opened++) this.#connect();
    const { perSecond } = this.#options;
    if (perSecond === undefined) return;
    let before = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      const allowed = (perSecond * CATCH_UP_MS) / 1000;
      this.#due = Math.min(this.#due + ((now - before) * perSecond) / 1000, allowed);
      before = now;
      while (this.#due >= 1) {
        const socket = this.#free.pop();
        if (socket === undefined) return;
        this.#due -= 1;
        this.#send(socket);
      }
    }, TICK_MS);
  }

  end(): void {
    this.#on = false;
    clearInterval(this.#timer);
    for (const socket of this.#open) socket.resetAndDestroy();
    this.#open.clear();
    this.#free = [];
  }

  #connect(): void {
    const socket = connect({ host: '127.0.0.1', port: this.#context.setup.port, noDelay: true });
    this.#open.add(socket);
    socket.on('data', (bytes) => {
      // The rest of a long answer.
      if (!bytes.subarray(0, 5).equals(STATUS_LINE)) return;
      this.#context.count(`answers ${bytes.toString('latin1', 9, 12)}`);
      this.#isFree(socket);
    });
    socket.on('connect', () => this.#isFree(socket));
    socket.on('error', () => undefined); // `close` follows.
    socket.on('close', () => {
      this.#free = this.#free.filter((free) => free !== socket);
      if (!this.#open.delete(socket)) return;
      this.#context.count('connections ended by the server');
      if (this.#on) setTimeout(() => this.#on && this.#connect(), TICK_MS);
    });
  }

  #isFree(socket: Socket): void {
    if (this.#options.perSecond === undefined) this.#send(socket);
    else this.#free.push(socket);
  }

  #send(socket: Socket): void {
    const { heads } = this.#options;
    if (!this.#on || socket.destroyed) return;
    socket.write(heads[this.#sent % heads.length] ?? '');
    this.#sent += 1;
    this.#context.count('requests');
  }
}

const STATUS_LINE = Buffer.from('HTTP/');
