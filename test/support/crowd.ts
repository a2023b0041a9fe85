import { WebSocket } from 'ws';
import { noteText } from './leaks.js';
import type { Frame } from './socket.js';
import type { TestUser } from './user.js';
import { until } from './wait.js';

const RECONNECT_MS_MAX = 200;
const SETTLE_MS = 60_000;
/** Restart, a cut connection, and what befalls one that is opened in the moment in which a listener closes. */
const COME_AGAIN = new Set(['1012', '1006', 'ECONNRESET', 'ECONNREFUSED', 'Unexpected server response: 503']);

/** What must not happen to anybody. */
export interface Harm {
  /** Messages of the history that a member was not shown, or not all copies of what was said. */
  lost: number;
  /** Shown or stored twice, or after a later one. */
  repeated: number;
  /** Shown, and not in the history. */
  phantom: number;
  /** Connections refused for good, or closed with a code that does not say to come again. */
  refused: number;
}

/** A member of a group who comes back with `after` whenever the connection ends, and says again what has no echo. */
class Listener {
  readonly shown: number[] = [];
  readonly unheard = new Map<string, string>();
  repeated = 0;
  /** How often its connections ended, by code; those that never opened, by what the client said. */
  readonly ends = new Map<string, number>();
  readonly #user: TestUser;
  readonly #path: string;
  #last = 0;
  #ws: WebSocket | undefined;
  #live = false;
  #ended = false;

  constructor(user: TestUser, path: string) {
    this.#user = user;
    this.#path = path;
    this.#connect();
  }

  get isLive(): boolean {
    return this.#live;
  }

  says(text: string): void {
    this.unheard.set(text, text);
    if (this.#live) this.#send(text);
  }

  end(): void {
    this.#ended = true;
    this.#ws?.terminate();
  }

  #send(text: string): void {
    noteText(text);
    this.#ws?.send(JSON.stringify({ type: 'message', text, client_id: text }));
  }

  #connect(): void {
    const url = `${this.#user.url.replace('http', 'ws')}/api/v1${this.#path}?after=${this.#last}`;
    const ws = new WebSocket(url, { headers: { authorization: `Bearer ${this.#user.token}` } });
    this.#ws = ws;
    ws.on('message', (data) => this.#hear(JSON.parse(String(data))));
    let why: string | undefined;
    ws.on('error', (error: NodeJS.ErrnoException) => {
      why = error.code ?? error.message; // `close` follows.
    });
    ws.on('close', (code) => {
      const end = why ?? String(code);
      if (this.#ended) return;
      this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
      this.#live = false;
      setTimeout(() => this.#ended || this.#connect(), Math.random() * RECONNECT_MS_MAX);
    });
  }

  #hear(frame: Frame): void {
    if (frame.type === 'history') {
      for (const message of frame.messages) this.#show(message);
      if (frame.more) return;
      this.#live = true;
      for (const text of this.unheard.keys()) this.#send(text);
    } else if (frame.duplicate) {
      this.unheard.delete(frame.client_id);
    } else if (frame.type === 'message') {
      this.#show(frame);
    }
  }

  #show(message: Frame): void {
    if (message.id <= this.#last) this.repeated += 1;
    this.#last = message.id;
    this.shown.push(message.id);
    if (message.author.id === this.#user.id) this.unheard.delete(message.client_id);
  }
}

/** Many members of several groups, who speak at a steady rate and keep every id that they are shown. */
export class Crowd {
  readonly #rooms: { path: string; listeners: Listener[] }[];
  readonly #speaker: NodeJS.Timeout;
  readonly #users: readonly TestUser[];
  #said = 0;

  private constructor(users: readonly TestUser[], groups: readonly number[], perSecond: number) {
    this.#users = users;
    this.#rooms = groups.map((id) => {
      const path = `/group/${id}`;
      return { path, listeners: users.map((user) => new Listener(user, path)) };
    });
    const everyone = this.#everyone();
    const began = performance.now();
    this.#speaker = setInterval(() => {
      const due = ((performance.now() - began) / 1000) * perSecond;
      // A stride that meets everyone in turn, group after group.
      for (; this.#said < due; this.#said++) {
        everyone[(this.#said * 7919) % everyone.length]?.says(`message ${this.#said}`);
      }
    }, 10);
  }

  /** Everybody is a member of every group, with a socket for each; resolves when all are connected. */
  static async gather(users: readonly TestUser[], groups: number, perSecond: number): Promise<Crowd> {
    const [owner, ...others] = users;
    if (owner === undefined) throw new Error('nobody came');
    const ids: number[] = [];
    for (let made = 0; made < groups; made++) ids.push(await owner.groupWith(...others));
    const crowd = new Crowd(users, ids, perSecond);
    await until(() => crowd.#everyone().every(({ isLive }) => isLive), SETTLE_MS);
    return crowd;
  }

  get said(): number {
    return this.#said;
  }

  /** How often sockets ended, by close code, and how often they did not open, by what the client said. */
  ends(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { ends } of this.#everyone()) {
      for (const [end, count] of ends) counts[end] = (counts[end] ?? 0) + count;
    }
    return counts;
  }

  /** Stops speaking, waits until everybody has heard everything, and says what went wrong. */
  async disperse(): Promise<Harm> {
    clearInterval(this.#speaker);
    const harm: Harm = { lost: 0, repeated: 0, phantom: 0, refused: 0 };
    const calm = () => this.#everyone().every(({ isLive, unheard }) => isLive && unheard.size === 0);
    await until(calm, SETTLE_MS).catch(() => undefined); // What is missing then is counted as lost.
    let stored = 0;
    for (const { path, listeners } of this.#rooms) {
      const history = await this.#historyOf(path);
      stored += history.length;
      const newest = history.at(-1) ?? 0;
      await until(() => listeners.every(({ shown }) => (shown.at(-1) ?? 0) >= newest), SETTLE_MS).catch(
        () => undefined,
      );
      for (const { shown, repeated, unheard } of listeners) {
        const all = new Set(history);
        const seen = new Set(shown);
        harm.lost += history.filter((id) => !seen.has(id)).length + unheard.size;
        harm.phantom += shown.filter((id) => !all.has(id)).length;
        harm.repeated += repeated;
      }
    }
    harm.lost += Math.max(0, this.#said - stored);
    harm.repeated += Math.max(0, stored - this.#said);
    for (const [end, count] of Object.entries(this.ends())) if (!COME_AGAIN.has(end)) harm.refused += count;
    for (const listener of this.#everyone()) listener.end();
    return harm;
  }

  /** The ids of a group's messages, read by one who was not there. */
  async #historyOf(path: string): Promise<number[]> {
    const [reader] = this.#users;
    if (reader === undefined) return [];
    const socket = await reader.connect(`${path}?after=0`);
    const ids: number[] = [];
    for (;;) {
      const { messages, more } = await socket.nextOf('history');
      ids.push(...messages.map(({ id }: Frame) => id));
      if (!more) break;
    }
    await socket.close();
    return ids;
  }

  #everyone(): Listener[] {
    return this.#rooms.flatMap(({ listeners }) => listeners);
  }
}
