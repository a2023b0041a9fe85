import { NEVER } from '../auth/identity.js';

/** What the hub needs of an engine's WebSocket. Every call after its end throws. */
export interface Wire {
  send(frame: string): unknown;
  /** Sends a close frame after what was sent and published before, and calls the close handler at once. */
  end(code: number, reason: string): void;
  subscribe(topic: string): unknown;
  unsubscribe(topic: string): unknown;
  getTopics(): string[];
  getBufferedAmount(): number;
  /** Joins what is sent within `use` into few writes. */
  cork(use: () => void): unknown;
}

/**
 * `opening`: its history is not whole yet; `behind`: could not keep up, and reads pages of its own; `live`: on
 * its topics, all that the log brings reaches it; `closed`.
 */
export type SocketState = 'opening' | 'behind' | 'live' | 'closed';

/** One open socket of a user. What is asked of it after its end does nothing. */
export abstract class UserSocket {
  state: SocketState = 'opening';
  /** About to be ended: what it sends from here on is not taken, as if the close frame had met it. */
  leaving = false;
  /** While not live: its next page is being asked for. */
  isReading = false;
  /** Messages that were taken and whose fate it has not been told. */
  unanswered = 0;
  readonly userId: number;
  /** When the token that it stays for expires, in whole seconds since the epoch. */
  endsAt = NEVER;
  /** When that was issued, as in Identity. */
  issuedAt = 0;
  /** While not live: the least that it had still to take since its last page, and when that was (performance.now()). */
  leastBuffered = 0;
  movedAt = 0;
  /** What `buffered` was when it was asked last. */
  lastBuffered = 0;
  readonly #wire: Wire;

  constructor(wire: Wire, userId: number) {
    this.#wire = wire;
    this.userId = userId;
  }

  /** Of its token and another one it stays for the one that expires later: when that is revoked, it ends. */
  stayFor({ endsAt, issuedAt }: { readonly endsAt: number; readonly issuedAt: number }): void {
    if (endsAt < this.endsAt) return;
    this.issuedAt = endsAt > this.endsAt ? issuedAt : Math.max(issuedAt, this.issuedAt);
    this.endsAt = endsAt;
  }

  send(frame: string): void {
    if (this.state !== 'closed') this.#wire.send(frame);
  }

  sendAll(frames: readonly string[]): void {
    if (this.state === 'closed') return;
    this.#wire.cork(() => {
      for (const frame of frames) this.#wire.send(frame);
    });
  }

  end(code: number, reason: string): void {
    if (this.state !== 'closed') this.#wire.end(code, reason);
  }

  subscribe(topic: string): void {
    if (this.state !== 'closed') this.#wire.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    if (this.state !== 'closed') this.#wire.unsubscribe(topic);
  }

  unsubscribeAll(): void {
    if (this.state === 'closed') return;
    for (const topic of this.#wire.getTopics()) this.#wire.unsubscribe(topic);
  }

  /** Bytes that the peer has not taken yet, without what was published in this tick. */
  get buffered(): number {
    this.lastBuffered = this.state === 'closed' ? 0 : this.#wire.getBufferedAmount();
    return this.lastBuffered;
  }
}

/** Where a socket begins: at the newest messages, or after one that the client has seen. */
export type Start = { readonly limit: number; readonly offset: number } | { readonly after: number };

export type Socket = ChatSocket | MainSocket;

/** What a client may say before its history is there; more is refused. */
const SAID_EARLY_MAX = 64;

/** A socket of one chat. */
export class ChatSocket extends UserSocket {
  readonly kind = 'chat';
  readonly chatId: number;
  readonly start: Start;
  /** While not live: the newest id that it was sent. */
  position: number;
  /** Made when there is something in it: most sockets wait for their first word for hours. */
  #early: (() => void)[] | undefined;

  constructor(wire: Wire, userId: number, chatId: number, start: Start) {
    super(wire, userId);
    this.chatId = chatId;
    this.start = start;
    this.position = 'after' in start ? start.after : 0;
  }

  /**
   * Runs `take` when the socket has its page of newest messages: a message that is stored before it could be too
   * old for the page, and would never be shown to the one who sent it. At once when there is none to wait for.
   * False, and it is not run, when too much waits already.
   */
  afterHistory(take: () => void): boolean {
    if (this.state !== 'opening' || 'after' in this.start) {
      take();
      return true;
    }
    this.#early ??= [];
    if (this.#early.length >= SAID_EARLY_MAX) return false;
    this.#early.push(take);
    return true;
  }

  /** To be called when the socket is no longer `opening`. */
  historySent(): void {
    const early = this.#early;
    this.#early = undefined;
    for (const take of early ?? []) take();
  }
}

/** A socket that hears of all the user's chats. */
export class MainSocket extends UserSocket {
  readonly kind = 'main';
  readonly after: number | undefined;
  /** While not live: chats whose newest message has an id up to this one have been sent. */
  position: number;
  /** While not live: the chats of this round that are left to be sent, the next one last. */
  chatsLeft: number[] = [];
  /** The position at which this round began: it sends messages up to that one. */
  roundEnd = 0;

  constructor(wire: Wire, userId: number, after: number | undefined) {
    super(wire, userId);
    this.after = after;
    this.position = after ?? 0;
  }
}
