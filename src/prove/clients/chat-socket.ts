import type { WebSocket } from 'ws';
import { Event } from '../history.js';
import { fingerprint, type SeenMessage } from '../message.js';
import type { Random } from '../random.js';
import type { World } from '../run-context.js';
import type { Voice } from './sender.js';

/** How a client begins again after its connection is gone, and what else it does. */
export interface Habit {
  /** `after`: resumes behind the highest id that it has seen; `beginning`: with `after=0`; a number: that many of the newest. */
  readonly start: 'after' | 'beginning' | number;
  /** Ends its own connection about this often. */
  readonly everyMs?: number;
  /** Stops reading now and then. */
  readonly isSlow?: boolean;
}

/** As far as the client knows: `changing` while a request for it is not answered. */
export type Membership = 'in' | 'out' | 'changing';

export interface Member {
  readonly id: number;
  readonly token: string;
}

const RECONNECT_MS = 20;
const RECONNECT_MS_MAX = 800;
const SLOW_EVERY_MS = 2000;
const SLOW_FOR_MS = 3000;
/** What a client must expect while processes die: nothing answers, or it is told to come again. */
const TRY_LATER_STATUSES = [429, 502, 503, 504];
const TRY_LATER_CLOSES = [4429, 4503];
/** Protocol errors, and `internal error`. */
const UNEXPECTED_CLOSES = [1002, 1003, 1007, 1008, 1009, 1010, 1011];
/** How one who is not a member is refused or sent away: a status, close codes. */
const NOT_FOR_STRANGERS = [404, 4403, 4404];

/** A client's socket of one chat, or of `main` (chat 0), which is connected again whenever it is gone. */
export class ClientSocket {
  readonly user: Member;
  readonly chatId: number;
  readonly habit: Habit;
  readonly #path: string;
  readonly #world: World;
  readonly #random: Random;
  voice: Voice | undefined;
  #membership: Membership = 'in';
  /** The user was a member ever since this connection was asked for: it must not be refused. */
  #isEntitled = true;
  #ws: WebSocket | undefined;
  #session = 0;
  #highest = 0;
  #ready = false;
  #readyMs = 0;
  #failures = 0;
  #stays = false;
  #paused = false;
  #stopped = false;
  readonly #timers = new Set<NodeJS.Timeout>();
  static #sessions = 0;

  constructor(world: World, user: Member, chat: { id: number; path: string }, habit: Habit, random: Random) {
    this.#world = world;
    this.user = user;
    this.chatId = chat.id;
    this.#path = chat.path;
    this.habit = habit;
    this.#random = random;
  }

  /** Its history is there, and it is live. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** Ready, and reads what comes. */
  get isAttentive(): boolean {
    return this.#ready && !this.#paused;
  }

  get session(): number {
    return this.#session;
  }

  /** When it was last made ready, in milliseconds. */
  get readyMs(): number {
    return this.#readyMs;
  }

  get membership(): Membership {
    return this.#membership;
  }

  set membership(membership: Membership) {
    this.#membership = membership;
    this.#isEntitled = false;
  }

  /** The highest id that it was shown. */
  get highest(): number {
    return this.#highest;
  }

  connect(): void {
    if (this.#ws !== undefined || this.#stopped || this.#membership === 'out') return;
    this.#isEntitled = this.#membership === 'in';
    const { history, tally } = this.#world;
    const session = ++ClientSocket.#sessions;
    this.#session = session;
    tally.sessions += 1;
    const { start } = this.habit;
    const after = start === 'after' ? this.#highest : 0;
    // A main socket that has seen nothing yet has nothing to resume.
    const resumes = typeof start !== 'number' && (this.chatId !== 0 || after > 0);
    const how = resumes ? 'after' : 'limit';
    const value = resumes ? after : Number(start) || 0;
    history.add(Event.connecting, session, this.user.id, this.chatId, how, value);
    const query = this.chatId === 0 && !resumes ? '' : `?${how}=${value}`;
    const ws = new this.#world.WebSocket(`${this.#world.url.replace(/^http/, 'ws')}${this.#path}${query}`, {
      headers: { authorization: `Bearer ${this.user.token}` },
      perMessageDeflate: false,
      skipUTF8Validation: true,
      handshakeTimeout: 10_000,
    });
    this.#ws = ws;
    ws.on('open', () => this.#open());
    ws.on('message', (data: Buffer) => {
      if (ws === this.#ws) this.#frame(JSON.parse(data.toString()) as Frame); // Otherwise cut: nobody looks.
    });
    ws.on('close', (code) => this.#closed(ws, code));
    ws.on('error', () => undefined); // `close` follows.
    ws.on('unexpected-response', (_request, response) => {
      this.#refused(response.statusCode ?? 0);
      response.resume();
      ws.terminate();
    });
  }

  /** Sends a frame; true when there is a connection to send it on. */
  send(frame: string): boolean {
    if (this.#ws?.readyState !== this.#world.WebSocket.OPEN) return false;
    this.#ws.send(frame);
    return true;
  }

  /** Cuts the connection as a lost network does; it is made again. */
  cut(): void {
    const ws = this.#ws;
    if (ws === undefined) return;
    this.#world.tally.cuts += 1;
    ws.terminate();
    this.#closed(ws, 0); // Nothing that still lies in its buffers is looked at.
  }

  /** From here on it stays connected, and reads. */
  stay(): void {
    this.#stays = true;
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#ws?.terminate();
  }

  #open(): void {
    const { history, tally } = this.#world;
    history.add(Event.open, this.#session);
    tally.connected += 1;
    this.#failures = 0;
    if (this.chatId === 0) this.#setReady();
    this.voice?.opened();
    const { everyMs, isSlow } = this.habit;
    const session = this.#session;
    const later = (ms: number, what: () => void) =>
      this.#later(ms, () => session === this.#session && what());
    if (everyMs !== undefined) later(everyMs * (0.5 + this.#random.next()), () => this.#leave());
    if (isSlow) later(SLOW_EVERY_MS * this.#random.next(), () => this.#pause(session));
  }

  #setReady(): void {
    this.#ready = true;
    this.#readyMs = this.#world.now();
  }

  /** Half of the clients that go say so. */
  #leave(): void {
    if (this.#stays) return;
    if (this.#random.chance(0.5)) this.cut();
    else this.#ws?.close();
  }

  #pause(session: number): void {
    const ws = this.#ws;
    if (this.#stays || ws?.readyState !== this.#world.WebSocket.OPEN) return;
    this.#world.history.add(Event.paused, session);
    ws.pause();
    this.#paused = true;
    this.#later(SLOW_FOR_MS * this.#random.next(), () => {
      ws.resume();
      if (session === this.#session) {
        this.#paused = false;
        this.#later(
          SLOW_EVERY_MS * (1 + this.#random.next()),
          () => session === this.#session && this.#pause(session),
        );
      }
    });
  }

  #frame(frame: Frame): void {
    switch (frame.type) {
      case 'history':
        for (const message of frame.messages) this.#see(message);
        this.#world.history.add(Event.page, this.#session, frame.messages.length, frame.more ? 1 : 0);
        if (frame.more && typeof this.habit.start !== 'number') return;
        this.#setReady();
        return this.voice?.ready();
      case 'message':
        if (frame.duplicate) return this.voice?.heard(frame);
        return this.#see(frame);
      case 'last_message':
        return this.#see(frame);
      case 'error':
        if (this.voice === undefined) this.#world.tally.unexpected('frame', frame.code);
        else if (frame.client_id === undefined) this.voice.refusedOne(frame.code);
        else this.voice.refused(frame.client_id, frame.code);
    }
  }

  #see(message: SeenMessage): void {
    this.#world.tally.delivered += 1;
    this.#world.history.add(Event.delivered, this.#session, message.id, fingerprint(message));
    if (message.id > this.#highest) this.#highest = message.id;
    if (this.voice !== undefined && message.author.id === this.user.id) this.voice.heard(message);
  }

  #closed(ws: WebSocket, code: number): void {
    if (ws !== this.#ws) return; // Cut by ourselves: told already.
    this.#ws = undefined;
    this.#ready = false;
    this.#paused = false;
    this.#world.history.add(Event.closed, this.#session, code);
    this.voice?.closed();
    if (code >= 4000 || UNEXPECTED_CLOSES.includes(code)) this.#endedWith(code);
    this.#failures += 1;
    const wait = Math.min(RECONNECT_MS * 2 ** this.#failures, RECONNECT_MS_MAX);
    this.#later(wait * (0.5 + this.#random.next()), () => this.connect());
  }

  #endedWith(code: number): void {
    if (TRY_LATER_CLOSES.includes(code)) return this.#world.tally.refused(`close ${code}`);
    if (NOT_FOR_STRANGERS.includes(code) && !this.#isEntitled) return;
    this.#surprise(`close ${code}`);
  }

  #refused(status: number): void {
    if (TRY_LATER_STATUSES.includes(status))
      return this.#world.tally.refused(`status ${status} of an upgrade`);
    if (NOT_FOR_STRANGERS.includes(status) && !this.#isEntitled) return;
    this.#surprise(`status ${status}`);
  }

  #surprise(what: string): void {
    this.#world.tally.unexpected(`session_${this.#session}`, what);
  }

  #later(ms: number, what: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#stopped) what();
    }, ms);
    this.#timers.add(timer);
  }
}

type Frame =
  | { readonly type: 'history'; readonly messages: readonly SeenMessage[]; readonly more?: boolean }
  | ({ readonly type: 'message'; readonly duplicate?: boolean } & SeenMessage)
  | ({ readonly type: 'last_message' } & SeenMessage)
  | { readonly type: 'error'; readonly code: string; readonly client_id?: string };
