import { setTimeout as sleep } from 'node:timers/promises';
import { tokenOf } from '../../targets/parley.js';
import type { Attack, Context } from './attack.js';
import { RawSocket } from './raw-socket.js';

const MISSED = 50;
const AGAIN_MS_MAX = 1000;
const CONNECTING_MAX = 50;
const GATHER_MS_MAX = 60_000;

/** A whole group whose connections are lost at once, and whose members all come back and ask for what they missed. */
class Storm implements Attack {
  readonly #context: Context;
  readonly #tokens: readonly string[];
  readonly #sockets = new Map<number, RawSocket>();
  #live = 0;
  #after: number | undefined;

  constructor(context: Context, tokens: readonly string[]) {
    this.#context = context;
    this.#tokens = tokens;
  }

  async prepare(): Promise<void> {
    const deadline = performance.now() + GATHER_MS_MAX;
    for (const index of this.#tokens.keys()) {
      this.#connect(index);
      while (this.#sockets.size - this.#live > CONNECTING_MAX && performance.now() < deadline) await sleep(1);
    }
    while (this.#live < this.#tokens.length) {
      if (performance.now() > deadline) throw new Error(`only ${this.#live} of the crowd could connect`);
      await sleep(1);
    }
  }

  begin(): void {
    const before = [...this.#sockets];
    this.#live = 0;
    const start = performance.now();
    this.#allBack = () =>
      this.#context.count('ms until all were back', Math.round(performance.now() - start));
    for (const [, socket] of before) socket.cut();
    for (const [index] of before) this.#connect(index);
  }

  end(): void {
    this.#allBack = () => undefined; // Nobody waits for the members who are not back yet.
  }

  #allBack: () => void = () => undefined;

  #connect(index: number): void {
    const { setup, count } = this.#context;
    const start = this.#after === undefined ? `limit=${MISSED}` : `after=${this.#after}`;
    const path = `/group/${setup.crowdGroup}?${start}`;
    let isLive = false;
    const socket: RawSocket = new RawSocket(setup.port, path, this.#tokens[index] ?? '', count, {
      frame: (payload) => {
        if (isLive) return;
        isLive = true;
        this.#after ??= Number(/"id":(\d+)/.exec(payload.toString('latin1', 0, 200))?.[1]);
        this.#live += 1;
        count('sockets live');
        if (this.#live === this.#tokens.length) this.#allBack();
      },
      ended: () => {
        if (this.#sockets.get(index) !== socket) return; // It was cut, and another one has replaced it.
        if (isLive) this.#live -= 1;
        setTimeout(() => this.#connect(index), Math.random() * AGAIN_MS_MAX);
      },
    });
    this.#sockets.set(index, socket);
  }
}

export async function storm(context: Context): Promise<Attack> {
  const { crowd } = context.setup;
  const members = crowd.slice(0, Math.round(crowd.length * context.scale));
  return new Storm(context, await Promise.all(members.map(tokenOf)));
}
