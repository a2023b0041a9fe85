import type { WebSocket } from 'ws';
import { Event } from '../history.js';
import type { SeenMessage, SeenReaction, SeenTombstone, View } from '../message.js';
import type { Random } from '../random.js';
import type { RunContext } from '../run-context.js';

/** What a connection is made to. */
export interface ChatAddress {
  /** The chat's id, or 0 for `main`. */
  readonly id: number;
  /** Below the base of the API: `/chat/5`, `/group/6`, `/main`. */
  readonly path: string;
}

export interface SessionBegin {
  readonly how: 'after' | 'limit';
  readonly value: number;
  /** The time of the message that the id of `after` names, in milliseconds since the epoch. */
  readonly time?: number;
}

export interface ConnectionOptions {
  readonly user: { readonly id: number; readonly token: string };
  readonly chat: ChatAddress;
  /** The query that says where the history begins; undefined for none. */
  readonly start: SessionBegin | undefined;
  /** The client ends the connection after about this long. */
  readonly leaveAfterMs: number | undefined;
  /** The client stops reading now and then. */
  readonly isSlow: boolean;
  /** Whether it asks for changes of messages. */
  readonly view: View;
  /** A number that no other socket of a client has. */
  readonly reader: number;
  readonly random: Random;
}

/** Called in this order: `opened` and then any number of `received`, or `refused`; in the end `closed`, once. */
export interface ConnectionListener {
  opened(): void;
  received(frame: ServerFrame): void;
  /** The upgrade was answered with this status. */
  refused(status: number): void;
  /** `code` is 0 when the client cut the connection. */
  closed(code: number): void;
}

/** A change of a message. `duplicate`: it was made before, and this is the answer to its repetition. */
interface SeenChange {
  readonly id: number;
  readonly message_id: number;
  readonly time: string;
  readonly client_id?: string;
  readonly duplicate?: boolean;
}

export type ChangeFrame =
  | (SeenChange & {
      readonly type: 'edited';
      readonly text: string;
      readonly version: number;
      readonly reactions?: readonly SeenReaction[];
    })
  | (SeenChange & { readonly type: 'deleted' })
  | (SeenChange & {
      readonly type: 'reaction';
      readonly author: { readonly id: number };
      readonly emoji: string;
      readonly on: boolean;
      readonly count: number;
    })
  | (SeenChange & { readonly type: 'reactions'; readonly reactions: readonly SeenReaction[] });

/** A message, live or in a history, or the place of one that was deleted. */
export type MessageFrame = { readonly type: 'message'; readonly duplicate?: boolean } & (
  | SeenMessage
  | SeenTombstone
);

/** The frames that a client of the checker looks at. */
export type ServerFrame =
  | {
      readonly type: 'history';
      readonly messages: readonly (MessageFrame | ChangeFrame)[];
      readonly more?: boolean;
    }
  | MessageFrame
  | ChangeFrame
  | ({ readonly type: 'last_message' } & (SeenMessage | SeenTombstone))
  | { readonly type: 'error'; readonly code: string; readonly client_id?: string };

const HANDSHAKE_MS = 10_000;
const PAUSE_EVERY_MS = 2000;
const PAUSE_MS_MAX = 3000;

/** One connection of a client. In the history it is a session of its own. */
export class Connection {
  /** Its number, which no other connection of this process has. */
  readonly session: number;
  readonly #context: RunContext;
  readonly #options: ConnectionOptions;
  readonly #listener: ConnectionListener;
  readonly #ws: WebSocket;
  readonly #timers = new Set<NodeJS.Timeout>();
  #isPaused = false;
  #isSteady = false;
  #hasEnded = false;
  static #sessions = 0;

  constructor(context: RunContext, options: ConnectionOptions, listener: ConnectionListener) {
    this.#context = context;
    this.#options = options;
    this.#listener = listener;
    this.session = ++Connection.#sessions;
    context.tally.sessions += 1;
    const { user, chat, start, reader, view } = options;
    const { how, value } = start ?? { how: 'limit', value: 0 };
    context.history.add(Event.connecting, this.session, user.id, chat.id, how, value, reader, view);
    const proof = start?.time === undefined ? '' : `@${start.time}`;
    const parameters = [
      ...(start === undefined ? [] : [`${how}=${value}${proof}`]),
      ...(view === 'full' ? ['features=1'] : []),
    ];
    const query = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
    this.#ws = new context.WebSocket(`${context.url.replace(/^http/, 'ws')}${chat.path}${query}`, {
      headers: { authorization: `Bearer ${user.token}` },
      perMessageDeflate: false,
      skipUTF8Validation: true,
      handshakeTimeout: HANDSHAKE_MS,
    });
    this.#listen();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Sends a frame when the connection is open. */
  send(frame: string): void {
    if (this.#isOpen) this.#ws.send(frame);
  }

  /** Ends the connection without a close frame, as a lost network does. */
  cut(): void {
    this.#context.tally.cuts += 1;
    this.#ws.terminate();
    this.#ended(0); // Frames that still lie in buffers are not looked at.
  }

  /** The client neither leaves nor stops reading from here on. */
  holdSteady(): void {
    this.#isSteady = true;
  }

  /** Ends the connection; its listener is told nothing more. */
  stop(): void {
    this.#hasEnded = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#ws.terminate();
  }

  get #isOpen(): boolean {
    return this.#ws.readyState === this.#context.WebSocket.OPEN;
  }

  #listen(): void {
    const ws = this.#ws;
    ws.on('open', () => this.#opened());
    ws.on('message', (data: Buffer) => {
      if (!this.#hasEnded) this.#listener.received(JSON.parse(data.toString()) as ServerFrame);
    });
    ws.on('close', (code) => this.#ended(code));
    ws.on('error', () => undefined); // `close` follows.
    ws.on('unexpected-response', (_request, response) => {
      if (!this.#hasEnded) this.#listener.refused(response.statusCode ?? 0);
      response.resume();
      ws.terminate();
    });
  }

  #opened(): void {
    const { leaveAfterMs, isSlow, random } = this.#options;
    this.#context.history.add(Event.open, this.session);
    this.#listener.opened();
    if (leaveAfterMs !== undefined) this.#later(leaveAfterMs * (0.5 + random.next()), () => this.#leave());
    if (isSlow) this.#later(PAUSE_EVERY_MS * random.next(), () => this.#pause());
  }

  /** One half of the clients that leave send a close frame. */
  #leave(): void {
    if (this.#isSteady) return;
    if (this.#options.random.chance(0.5)) this.cut();
    else this.#ws.close();
  }

  #pause(): void {
    if (this.#isSteady || !this.#isOpen) return;
    const { random } = this.#options;
    this.#context.history.add(Event.paused, this.session);
    this.#ws.pause();
    this.#isPaused = true;
    this.#later(PAUSE_MS_MAX * random.next(), () => {
      this.#ws.resume();
      this.#isPaused = false;
      this.#later(PAUSE_EVERY_MS * (1 + random.next()), () => this.#pause());
    });
  }

  #ended(code: number): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#context.history.add(Event.closed, this.session, code);
    this.#listener.closed(code);
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }
}
