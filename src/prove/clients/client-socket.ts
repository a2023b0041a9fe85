import { Event } from '../history.js';
import type { View } from '../message.js';
import type { Random } from '../random.js';
import type { RunContext } from '../run-context.js';
import {
  type ChangeFrame,
  type ChatAddress,
  Connection,
  type ConnectionOptions,
  type MessageFrame,
  type ServerFrame,
} from './connection.js';
import { isNotAMember, isRefusal, isTryLater } from './expected-answers.js';
import { FrameRecorder } from './frame-recorder.js';

/** How a client connects again after its connection has ended, and what else it does. */
export interface SocketPolicy {
  /**
   * Where the history of a connection begins: after the highest id that the client was shown (`after`), after the
   * id 0 (`beginning`), or with a page of this many of the newest messages.
   */
  readonly start: 'after' | 'beginning' | number;
  /** The client ends each connection after about this long. */
  readonly leaveAfterMs?: number;
  /** The client stops reading now and then. */
  readonly isSlow?: boolean;
  /** The client asks for changes of messages. */
  readonly view?: View;
}

/** What a socket tells the sender that sends on it. */
export interface SocketListener {
  /** A connection is open; its history has yet to come. */
  opened(): void;
  /** The history is complete, and the connection is live. */
  ready(): void;
  /** The server showed a message: in a history, live, or as the answer to a duplicate. */
  message(message: MessageFrame): void;
  /** The server showed a change, or answered that it was made before. */
  change(change: ChangeFrame): void;
  /** An error frame came; `clientId` names what it refuses, where it names something. */
  refused(code: string, clientId: string | undefined): void;
  closed(): void;
}

/** Whether the socket's user is a member, as far as the client knows; `changing` while a request for it runs. */
export type Membership = 'in' | 'out' | 'changing';

const RECONNECT_MS = 20;
const RECONNECT_MS_MAX = 800;

/** A client's socket of one chat or of `main`, which connects again whenever its connection has ended. */
export class ClientSocket {
  readonly user: ConnectionOptions['user'];
  readonly #chat: ChatAddress;
  readonly #policy: SocketPolicy;
  readonly #context: RunContext;
  readonly #random: Random;
  readonly #recorder: FrameRecorder;
  /** A number that no other socket of this process has. */
  readonly #reader: number;
  static #readers = 0;
  listener: SocketListener | undefined;
  #connection: Connection | undefined;
  #session = 0;
  #membership: Membership = 'in';
  /** The user has been a member since before the client began to connect, so the server must not refuse it. */
  #isEntitled = true;
  #highest = 0;
  /** The time of the message or change with that id, by which it is proven to the server. */
  #highestTime = '';
  #isReady = false;
  #readyMs = 0;
  #failures = 0;
  #isSteady = false;
  #isStopped = false;
  #reconnecting: NodeJS.Timeout | undefined;

  constructor(
    context: RunContext,
    user: ConnectionOptions['user'],
    chat: ChatAddress,
    policy: SocketPolicy,
    random: Random,
  ) {
    this.#context = context;
    this.user = user;
    this.#chat = chat;
    this.#policy = policy;
    this.#random = random;
    this.#recorder = new FrameRecorder(context, this.view);
    this.#reader = ++ClientSocket.#readers;
  }

  /** How much it is told of the chat. */
  get view(): View {
    return this.#policy.view ?? 'plain';
  }

  /** The chat's id, or 0 for `main`. */
  get chatId(): number {
    return this.#chat.id;
  }

  /** True when the history is complete and the connection is live. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** True when the socket is ready and the client reads what comes. */
  get isReading(): boolean {
    return this.#isReady && this.#connection?.isPaused === false;
  }

  /** The number of its newest connection. */
  get session(): number {
    return this.#session;
  }

  /** When it was ready for the last time, in milliseconds of the run; 0 when it never was. */
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

  /** The highest id of a message or change that it was shown. */
  get highest(): number {
    return this.#highest;
  }

  connect(): void {
    if (this.#connection !== undefined || this.#isStopped || this.#membership === 'out') return;
    this.#isEntitled = this.#membership === 'in';
    const options = {
      user: this.user,
      chat: this.#chat,
      start: this.#start(),
      leaveAfterMs: this.#policy.leaveAfterMs,
      isSlow: this.#policy.isSlow ?? false,
      view: this.view,
      reader: this.#reader,
      random: this.#random,
    };
    this.#connection = new Connection(this.#context, options, {
      opened: () => this.#opened(),
      received: (frame) => this.#received(frame),
      refused: (status) => this.#refused(status, `status ${status} of an upgrade`),
      closed: (code) => this.#closed(code),
    });
    this.#session = this.#connection.session;
    if (this.#isSteady) this.#connection.holdSteady();
  }

  /** Sends a frame when there is an open connection. */
  send(frame: string): void {
    this.#connection?.send(frame);
  }

  /** Cuts the connection as a lost network does; the client connects again. */
  cut(): void {
    this.#connection?.cut();
  }

  /** The client neither leaves nor stops reading from here on. */
  holdSteady(): void {
    this.#isSteady = true;
    this.#connection?.holdSteady();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#reconnecting);
    this.#connection?.stop();
  }

  #start(): ConnectionOptions['start'] {
    const { start } = this.#policy;
    const isMain = this.#chat.id === 0;
    if (typeof start === 'number') return isMain ? undefined : { how: 'limit', value: start };
    const after = start === 'after' ? this.#highest : 0;
    // A main socket that was shown nothing yet has nothing to resume after.
    if (isMain && after === 0) return undefined;
    return { how: 'after', value: after, ...(after > 0 && { time: Date.parse(this.#highestTime) }) };
  }

  #opened(): void {
    this.#failures = 0;
    if (this.#chat.id === 0) this.#setReady();
    this.listener?.opened();
  }

  #setReady(): void {
    this.#isReady = true;
    this.#readyMs = this.#context.now();
  }

  #received(frame: ServerFrame): void {
    switch (frame.type) {
      case 'history':
        for (const entry of frame.messages) this.#saw(entry);
        this.#context.history.add(Event.page, this.#session, frame.messages.length, frame.more ? 1 : 0);
        if (frame.more && typeof this.#policy.start !== 'number') return;
        this.#setReady();
        return this.listener?.ready();
      case 'message':
      case 'edited':
      case 'deleted':
      case 'reaction':
      case 'reactions':
        if ('duplicate' in frame && frame.duplicate) return this.#tell(frame);
        return this.#saw(frame);
      case 'last_message':
        if (frame.deleted) return this.#context.tally.unexpected('frame', 'a deleted last_message');
        this.#recorder.message(this.#session, frame);
        return this.#reached(frame);
      case 'error':
        if (this.listener === undefined) this.#context.tally.unexpected('frame', frame.code);
        else this.listener.refused(frame.code, frame.client_id);
    }
  }

  #saw(entry: MessageFrame | ChangeFrame): void {
    if (entry.type === 'message') this.#recorder.message(this.#session, entry);
    else this.#recorder.change(this.#session, entry);
    this.#reached(entry);
    this.#tell(entry);
  }

  #reached({ id, time }: { readonly id: number; readonly time: string }): void {
    if (id <= this.#highest) return;
    this.#highest = id;
    this.#highestTime = time;
  }

  #tell(entry: MessageFrame | ChangeFrame): void {
    if (entry.type === 'message') this.listener?.message(entry);
    else this.listener?.change(entry);
  }

  #closed(code: number): void {
    this.#connection = undefined;
    this.#isReady = false;
    this.listener?.closed();
    if (isRefusal(code)) this.#refused(code, `close ${code}`);
    this.#failures += 1;
    const wait = Math.min(RECONNECT_MS * 2 ** this.#failures, RECONNECT_MS_MAX);
    this.#reconnecting = setTimeout(() => this.connect(), wait * (0.5 + this.#random.next()));
  }

  /** The server refused or ended the connection with this status or close code. */
  #refused(statusOrClose: number, what: string): void {
    const { tally } = this.#context;
    if (isTryLater(statusOrClose)) return tally.refused(what);
    if (isNotAMember(statusOrClose) && !this.#isEntitled) return;
    tally.unexpected(`session_${this.#session}`, what);
  }
}
