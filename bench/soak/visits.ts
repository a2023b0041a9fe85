import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { upgradeRequest } from '../load/frames.js';
import { Guest } from './guest.js';
import { pick, type Tally } from './tally.js';
import type { Citizen, Town } from './town.js';

const HALF_MS = 500;
const MESSAGES_MAX = 2;
const HISTORY = /^\{"type":"history"(?!.*"more":true\}$)/;

/** What people do on sockets. */
export class Visits {
  readonly #port: number;
  readonly #town: Town;
  readonly #tally: Tally;
  readonly #stayMsMax: number;
  /** The newest id that somebody saw, by path. */
  readonly #last = new Map<string, number>();
  #said = 0;

  constructor(port: number, town: Town, tally: Tally, stayMsMax: number) {
    this.#port = port;
    this.#town = town;
    this.#tally = tally;
    this.#stayMsMax = stayMsMax;
  }

  /** One more comes, in whichever way. */
  next(): void {
    const chance = Math.random();
    if (chance < 0.7) this.#tally.run('visits to groups', () => this.#talk(false));
    else if (chance < 0.8) this.#tally.run('visits cut', () => this.#talk(true));
    else if (chance < 0.9) this.#tally.run('visits to main', () => this.#listen());
    else if (chance < 0.94) this.#tally.run('strangers refused', () => this.#refused());
    else if (chance < 0.97) this.#tally.run('bad tokens refused', () => this.#badToken());
    else this.#tally.run('half handshakes', () => this.#half());
  }

  async #talk(cuts: boolean): Promise<void> {
    const group = pick(this.#town.groups);
    const path = `/group/${group.id}`;
    const last = this.#last.get(path);
    const start = pick([
      '',
      `?limit=${pick([1, 20, 300])}`,
      ...(last === undefined ? [] : [`?after=${last}`]),
    ]);
    const guest = this.#connect(this.#one(pick(group.members)), path + start);
    await guest.hears(HISTORY);
    guest.send({ type: 'typing' });
    for (let messages = Math.floor(Math.random() * (MESSAGES_MAX + 1)); messages > 0; messages--) {
      this.#said += 1;
      const client_id = `soak-${process.pid}-${this.#said}`;
      const text = 'hello '.repeat(1 + Math.floor(Math.random() * 30));
      const echo = guest.hears(new RegExp(`"client_id":"${client_id}"`));
      guest.send({ type: 'message', text, client_id });
      await echo;
      this.#tally.count('messages');
    }
    await sleep(Math.random() * this.#stayMsMax);
    this.#last.set(path, Math.max(this.#last.get(path) ?? 0, guest.last));
    await (cuts ? guest.cut() : guest.leave());
  }

  async #listen(): Promise<void> {
    const guest = this.#connect(pick(this.#town.users), pick(['/main', '/main?after=0']));
    await guest.opened();
    await sleep(Math.random() * this.#stayMsMax);
    await guest.leave();
  }

  async #refused(): Promise<void> {
    const group = pick(this.#town.groups);
    const stranger = pick(this.#town.users.filter(({ id }) => !group.members.includes(id)));
    await this.#isRefused(stranger.token, `/group/${group.id}`, '404');
  }

  async #badToken(): Promise<void> {
    await this.#isRefused(`${pick(this.#town.users).token.slice(0, -6)}AAAAAA`, '/main', '401');
  }

  async #isRefused(token: string, path: string, status: string): Promise<void> {
    const asBrowser = Math.random() < 0.5;
    const end = await Guest.connect(this.#port, path, token, asBrowser).ended();
    const expected = asBrowser ? `closed 4${status}` : `Unexpected server response: ${status}`;
    if (end !== expected) throw new Error(`not ${expected}, but ${end}`);
  }

  async #half(): Promise<void> {
    const request = upgradeRequest('/api/v1/main', pick(this.#town.users).token);
    const socket = connect(this.#port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.write(request.slice(0, Math.random() * request.length));
    await sleep(HALF_MS);
    socket.destroy();
    await closed;
  }

  #one(id: number): Citizen {
    return this.#town.users[id - 1] ?? pick(this.#town.users);
  }

  #connect({ token }: Citizen, path: string): Guest {
    return Guest.connect(this.#port, path, token, Math.random() < 0.5);
  }
}
