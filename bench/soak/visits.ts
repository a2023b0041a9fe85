import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { upgradeRequest } from '../load/frames.js';
import type { Population, User } from './population.js';
import { SocketClient } from './socket-client.js';
import { pick, type Tally } from './tally.js';

const HALF_MS = 500;
const MESSAGES_MAX = 2;
const HISTORY = /^\{"type":"history"(?!.*"more":true\}$)/;

/** What people do on sockets. */
export class Visits {
  readonly #port: number;
  readonly #population: Population;
  readonly #tally: Tally;
  readonly #stayMsMax: number;
  /** The newest id that somebody saw, by path. */
  readonly #last = new Map<string, number>();
  #said = 0;

  constructor(port: number, population: Population, tally: Tally, stayMsMax: number) {
    this.#port = port;
    this.#population = population;
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
    const group = pick(this.#population.groups);
    const path = `/group/${group.id}`;
    const last = this.#last.get(path);
    const start = pick([
      '',
      `?limit=${pick([1, 20, 300])}`,
      ...(last === undefined ? [] : [`?after=${last}`]),
    ]);
    const client = this.#connect(this.#one(pick(group.members)), path + start);
    await client.hears(HISTORY);
    client.send({ type: 'typing' });
    for (let messages = Math.floor(Math.random() * (MESSAGES_MAX + 1)); messages > 0; messages--) {
      this.#said += 1;
      const client_id = `soak-${process.pid}-${this.#said}`;
      const text = 'hello '.repeat(1 + Math.floor(Math.random() * 30));
      const echo = client.hears(new RegExp(`"client_id":"${client_id}"`));
      client.send({ type: 'message', text, client_id });
      await echo;
      this.#tally.count('messages');
    }
    await sleep(Math.random() * this.#stayMsMax);
    this.#last.set(path, Math.max(this.#last.get(path) ?? 0, client.last));
    await (cuts ? client.cut() : client.leave());
  }

  async #listen(): Promise<void> {
    const client = this.#connect(pick(this.#population.users), pick(['/main', '/main?after=0']));
    await client.opened();
    await sleep(Math.random() * this.#stayMsMax);
    await client.leave();
  }

  async #refused(): Promise<void> {
    const group = pick(this.#population.groups);
    const stranger = pick(this.#population.users.filter(({ id }) => !group.members.includes(id)));
    await this.#isRefused(stranger.token, `/group/${group.id}`, '404');
  }

  async #badToken(): Promise<void> {
    await this.#isRefused(`${pick(this.#population.users).token.slice(0, -6)}AAAAAA`, '/main', '401');
  }

  async #isRefused(token: string, path: string, status: string): Promise<void> {
    const asBrowser = Math.random() < 0.5;
    const end = await SocketClient.connect(this.#port, path, token, asBrowser).ended();
    const expected = asBrowser ? `closed 4${status}` : `Unexpected server response: ${status}`;
    if (end !== expected) throw new Error(`not ${expected}, but ${end}`);
  }

  async #half(): Promise<void> {
    const request = upgradeRequest('/api/v1/main', pick(this.#population.users).token);
    const socket = connect(this.#port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.write(request.slice(0, Math.random() * request.length));
    await sleep(HALF_MS);
    socket.destroy();
    await closed;
  }

  #one(id: number): User {
    return this.#population.users[id - 1] ?? pick(this.#population.users);
  }

  #connect({ token }: User, path: string): SocketClient {
    return SocketClient.connect(this.#port, path, token, Math.random() < 0.5);
  }
}
