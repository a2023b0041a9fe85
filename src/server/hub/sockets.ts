import { readJson } from '../../api/encode.js';
import type { View } from '../../chat/messages.js';

/** What the hub needs of an engine's WebSocket. After its end every call throws. */
export interface Wire {
  send(frame: string): unknown;
  /** Sends a close frame after what was sent and published before, and calls the close handler at once. */
  end(code: number, reason: string): void;
  subscribe(topic: string): unknown;
  unsubscribe(topic: string): unknown;
  getTopics(): string[];
  getBufferedAmount(): number;
  /** Joins everything that is sent within `use` into few writes. */
  cork(use: () => void): unknown;
}

/**
 * `opening`: the socket has not been sent its whole history. `behind`: it could not keep up, and is sent pages of its own.
 * `live`: it is subscribed to its topics, and gets everything that the log brings. `closed`: it has ended.
 */
export type SocketState = 'opening' | 'behind' | 'live' | 'closed';

/** A socket of a user. After its end its methods do nothing. */
export abstract class UserSocket {
  state: SocketState = 'opening';
  /** The socket is about to be ended: frames from its client are ignored, as if they came after the close frame. */
  leaving = false;
  /** While not live: the store is asked for its next page. */
  isReading = false;
  /** How many of its messages were taken and have no answer yet. */
  unanswered = 0;
  readonly userId: number;
  /** When its token expires, in whole seconds since the epoch; undefined: never. (V8 allocates memory for Infinity.) */
  endsAt: number | undefined;
  /** When its token was issued, as in Identity. */
  issuedAt = 0;
  /** While not live: the least that was buffered since its last page. */
  leastBuffered = 0;
  /** While not live: when its peer last took something (performance.now()). */
  movedAt = 0;
  /** The value of `buffered` when it was last read. */
  lastBuffered = 0;
  readonly view: View;
  /** While not live: the newest id up to which it was sent everything. */
  position: number;
  /** While not live, in the full view: the id that its pages began after … */
  pagesFrom: number;
  /** … and the position of the first of them; undefined before that. */
  pagesAt: number | undefined;
  readonly #wire: Wire;

  constructor(wire: Wire, userId: number, after: number, view: View) {
    this.#wire = wire;
    this.userId = userId;
    this.view = view;
    this.position = after;
    this.pagesFrom = after;
  }

  /** It has been sent everything up to this position; pages that it needs begin there. */
  continueAfter(position: number): void {
    this.position = position;
    this.pagesFrom = position;
    this.pagesAt = undefined;
  }

  /** Replaces its token when the other one expires later. The socket ends when the token that it has is revoked. */
  stayFor({ endsAt, issuedAt }: { readonly endsAt: number | undefined; readonly issuedAt: number }): void {
    const end = endsAt ?? Number.POSITIVE_INFINITY;
    const ownEnd = this.endsAt ?? Number.POSITIVE_INFINITY;
    if (end < ownEnd) return;
    this.issuedAt = end > ownEnd ? issuedAt : Math.max(issuedAt, this.issuedAt);
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

/** Where a socket begins: at the newest messages, or after a message that the client has seen. */
export type Start = { readonly limit: number; readonly offset: number } | Resume;

export interface Resume {
  /** 0 is the beginning. */
  readonly after: number;
  /** The time of the message, by which the client proves that it is the same; absent when the client does not say it. */
  readonly time?: number | undefined;
}

export type Socket = ChatSocket | MainSocket;

/** How many messages a client may send before it has its history. More are refused. */
const EARLY_MAX = 64;

/** A socket of one chat. */
export class ChatSocket extends UserSocket {
  readonly kind = 'chat';
  readonly chatId: number;
  readonly start: Start;
  /** How far its client was told that the user has read. Only those are told who ask for changes. */
  readId = 0;
  /** Made when it is needed, because most sockets are sent nothing for hours. */
  #early: (() => void)[] | undefined;

  constructor(wire: Wire, userId: number, chatId: number, start: Start, view: View = 'plain') {
    super(wire, userId, 'after' in start ? start.after : 0, view);
    this.chatId = chatId;
    this.start = start;
  }

  /**
   * Runs `take` when the socket has its page of newest messages, or at once when it does not wait for one. A message that
   * is stored before that could be too old for the page, and would never be shown to its sender. Returns false without
   * running it when too many wait already.
   */
  afterHistory(take: () => void): boolean {
    if (this.state !== 'opening' || 'after' in this.start) {
      take();
      return true;
    }
    this.#early ??= [];
    if (this.#early.length >= EARLY_MAX) return false;
    this.#early.push(take);
    return true;
  }

  /** To be called when the socket has left `opening`. */
  historySent(): void {
    const early = this.#early;
    this.#early = undefined;
    for (const take of early ?? []) take();
  }
}

/** Tells the client how far the user has read, unless it knows. */
export function tellRead(socket: ChatSocket, readId: number): void {
  if (socket.view !== 'full' || readId <= socket.readId) return;
  socket.readId = readId;
  socket.send(readJson(socket.chatId, readId));
}

/** A socket that is told of all the user's chats. */
export class MainSocket extends UserSocket {
  readonly kind = 'main';
  readonly after: number | undefined;
  /** While not live: the chats of this round that are left to be sent, the next one last. */
  chatsLeft: number[] = [];
  /** The position at which this round began: it sends messages up to that one. */
  roundEnd = 0;
  /** In the full view, while not live: chats that were sent with their newest page, and the position of that. */
  readonly sentWhole = new Map<number, number>();
  /** In the full view: the chats that its client looks at, the latest last. */
  readonly watched = new Set<number>();

  constructor(wire: Wire, userId: number, after: number | undefined, view: View = 'plain') {
    super(wire, userId, after ?? 0, view);
    this.after = after;
  }

  override continueAfter(position: number): void {
    super.continueAfter(position);
    this.sentWhole.clear();
  }
}
