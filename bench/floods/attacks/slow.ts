import { connect, type Socket } from 'node:net';
import { upgradeRequest } from '../../load/frames.js';
import { tokenOf } from '../../targets/parley.js';
import type { Attack, Context } from './attack.js';

const CONNECTIONS = 2000;
const TICK_MS = 10;
/** Connections are opened in steps, so that the kernel's queue of new connections is not what is measured. */
const OPENED_PER_TICK_MAX = 20;
const TICKS_PER_S = 1000 / TICK_MS;

/** The bytes that a connection sends at once, and those that it sends after that, one each second. */
interface Slow {
  readonly first: string;
  readonly slowly: string;
}

/** Connections that never finish their request. One that is cut is opened again. */
class SlowConnections implements Attack {
  readonly #context: Context;
  readonly #speech: (index: number) => Slow;
  readonly #open = new Map<number, { socket: Socket; said: number }>();
  #timer: NodeJS.Timeout | undefined;
  #tick = 0;

  constructor(context: Context, speech: (index: number) => Slow) {
    this.#context = context;
    this.#speech = speech;
  }

  begin(): void {
    const connections = Math.round(CONNECTIONS * this.#context.scale);
    this.#timer = setInterval(() => {
      this.#tick += 1;
      let opened = 0;
      for (let index = 0; index < connections && opened < OPENED_PER_TICK_MAX; index++) {
        if (this.#open.has(index)) continue;
        this.#connect(index);
        opened += 1;
      }
      for (const [index, one] of this.#open) {
        if (index % TICKS_PER_S === this.#tick % TICKS_PER_S) this.#sayOn(index, one);
      }
    }, TICK_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    for (const { socket } of this.#open.values()) socket.resetAndDestroy();
    this.#open.clear();
  }

  #connect(index: number): void {
    const { setup, count } = this.#context;
    const socket = connect({ host: '127.0.0.1', port: setup.port, noDelay: true });
    const one = { socket, said: 0 };
    this.#open.set(index, one);
    count('connections');
    socket.write(this.#speech(index).first);
    socket.on('data', (answer) => count(`answers ${answer.toString('latin1', 9, 12)}`));
    socket.on('error', () => undefined); // `close` follows.
    socket.on('close', () => {
      if (this.#open.get(index) !== one) return;
      this.#open.delete(index);
      count('connections ended by the server');
    });
  }

  #sayOn(index: number, one: { socket: Socket; said: number }): void {
    const byte = this.#speech(index).slowly[one.said];
    if (byte === undefined || one.socket.destroyed) return;
    one.said += 1;
    one.socket.write(byte);
    this.#context.count('single bytes');
  }
}

export async function slowHeads(context: Context): Promise<Attack> {
  const token = await tokenOf(context.setup.flooders[0] ?? 0);
  // The first line must come whole, because the server refuses half of one at once.
  const first = 'GET /api/v1/user HTTP/1.1\r\n';
  const slowly = `Host: flood\r\nAuthorization: Bearer ${token}\r\nX-Long: ${'x'.repeat(1000)}`;
  return new SlowConnections(context, () => ({ first, slowly }));
}

/** Half of the bodies are JSON, and half are photos. */
export async function slowBodies(context: Context): Promise<Attack> {
  const tokens = await Promise.all(context.setup.flooders.map(tokenOf));
  const head = (index: number, type: string, bytes: number) =>
    `POST /api/v1/group HTTP/1.1\r\nHost: flood\r\nAuthorization: Bearer ${tokens[index % tokens.length]}\r\n` +
    `Content-Type: ${type}\r\nContent-Length: ${bytes}\r\n\r\n`;
  const part = (disposition: string) => `--b\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`;
  const photo = `${part('name="json"')}{"name":"slow"}\r\n${part('name="photo"; filename="a.png"')}\x89PNG`;
  const slowly = ' '.repeat(1000);
  return new SlowConnections(context, (index) =>
    index % 2 === 0
      ? { first: `${head(index, 'application/json', 10_000)}{"name":`, slowly }
      : { first: `${head(index, 'multipart/form-data; boundary=b', 1_000_000)}${photo}`, slowly },
  );
}

export async function halfUpgrades(context: Context): Promise<Attack> {
  const token = await tokenOf(context.setup.flooders[0] ?? 0);
  const whole = upgradeRequest(`/api/v1/group/${context.setup.sharedGroup}`, token);
  return new SlowConnections(context, () => ({ first: whole.slice(0, whole.length / 2), slowly: '' }));
}
