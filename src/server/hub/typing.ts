import { randomUUID } from 'node:crypto';
import { authorName, typingJson } from '../../api/encode.js';
import type { Chat } from '../../chat/chats.js';
import { ChatError } from '../../chat/errors.js';
import type { Bus, Typing } from '../../link/bus.js';
import type { MaybePromise } from '../../maybe-promise.js';
import type { Hub } from './hub.js';
import type { Socket } from './sockets.js';

/** The worker of a user who does not renew the signal ends it after this time. */
const OWN_EXPIRY_MS = 6000;
/** Every other worker ends it after this time, because the user's own worker may be gone. */
const SHOWN_EXPIRY_MS = 8000;
const SWEEP_EVERY_MS = 500;
const LOOK_BACK_ENTRIES_MAX = 10_000;

/** A user who is typing, on the socket that said so last. */
interface Own {
  readonly socket: Socket;
  readonly at: number;
}

/** The newest signal about a user in a chat. One that ends the typing is remembered as long, as late ones may follow. */
interface Shown {
  on: boolean;
  nameJson: string;
  worker: string;
  sequence: number;
  /** When it came, in milliseconds of the clock. */
  at: number;
}

/**
 * Knows who is typing where. Signals are not stored, and may be lost, repeated or late. So each worker drops repeats by
 * their sequence, drops the signal of an author whose newer message is stored already, and ends by itself what is not
 * renewed: a worker that dies leaves nobody typing.
 */
export class TypingIndicators {
  readonly #hub: Hub;
  readonly #bus: Bus;
  readonly #membersMax: number;
  readonly #now: () => number;
  readonly #worker = randomUUID();
  readonly #timer: NodeJS.Timeout;
  #sequence = 0;
  /** This worker's users who are typing: by chat, by user, the socket that said so last. */
  readonly #own = new Map<number, Map<number, Own>>();
  readonly #shown = new Map<number, Map<number, Shown>>();

  constructor(hub: Hub, bus: Bus, membersMax: number, now: () => number) {
    this.#hub = hub;
    this.#bus = bus;
    this.#membersMax = membersMax;
    this.#now = now;
    this.#timer = setInterval(() => this.#sweep(), SWEEP_EVERY_MS);
    bus.onTyping((typing) => this.#receive(typing));
    hub.onPassing({ stoppedTyping: (chatId, userId) => this.#stopped(chatId, userId) });
  }

  /** Whether a user is typing in a chat, on any socket of this worker. */
  isOwn(chatId: number, userId: number): boolean {
    return this.#own.get(chatId)?.has(userId) ?? false;
  }

  /**
   * Passes on what a socket's frame says, except in groups that are larger than the limit. Errors: those of the store;
   * chat_not_found, where the user is not in the chat.
   */
  typed(socket: Socket, chatId: number, on: boolean): MaybePromise<void> {
    const { userId, kind } = socket;
    if (!on) {
      // The user is known to be in the chats that the socket looks at, and in no others.
      if (socket.kind === 'main' && !socket.watched.has(chatId)) return;
      // Published in any case: the user may have begun on a socket of another worker.
      this.#removeOwn(chatId, userId);
      return this.#publish(chatId, userId, false);
    }
    const { follower, caches, store } = this.#hub;
    return follower.read(
      () => {
        // Only a chat's own sockets are known to be of members.
        const known = kind === 'chat' ? caches.chat(chatId) : undefined;
        return known === undefined ? store.chatFor(chatId, userId) : follower.here(known);
      },
      (chat) => this.#begin(socket, chatId, chat),
    );
  }

  /** Ends the typing of a socket that closed. */
  socketClosed(socket: Socket): void {
    const { userId } = socket;
    for (const chatId of socket.kind === 'chat' ? [socket.chatId] : [...socket.watched]) {
      if (this.#own.get(chatId)?.get(userId)?.socket !== socket) continue;
      this.#removeOwn(chatId, userId);
      this.#publish(chatId, userId, false);
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #publish(chatId: number, userId: number, on: boolean): void {
    const { position } = this.#hub.follower;
    this.#sequence += 1;
    this.#bus.publish({ chatId, userId, on, worker: this.#worker, sequence: this.#sequence, position });
  }

  #begin(socket: Socket, chatId: number, chat: Chat | undefined): void {
    const { userId } = socket;
    if (chat === undefined) {
      // A chat's own socket is about to end for it.
      if (socket.kind === 'chat') return;
      throw new ChatError('chat_not_found');
    }
    // Who types there looks at it, and is told who else types.
    if (socket.kind === 'main') this.#hub.audiences.watch(socket, chatId);
    const tooMany = this.#membersMax > 0 && chat.membersCount > this.#membersMax;
    if (socket.state === 'closed' || (chat.type === 'group' && tooMany)) return;
    const own = this.#own.get(chatId) ?? new Map<number, Own>();
    own.set(userId, { socket, at: this.#now() });
    this.#own.set(chatId, own);
    this.#publish(chatId, userId, true);
  }

  #receive(typing: Typing): void {
    const { chatId, userId, on, position } = typing;
    const { follower, store } = this.#hub;
    // While the worker is far behind the log, signals are dropped, because they must not pile up.
    if (!this.#hub.audiences.isWatched(chatId) || follower.isBehind) return;
    const known = this.#shown.get(chatId)?.get(userId);
    if (known?.worker === typing.worker && known.sequence >= typing.sequence) return;
    if (!on) return this.#show(typing, known?.nameJson ?? '');
    // A forged position must not make the store look far back.
    const since = Math.max(position, follower.position - LOOK_BACK_ENTRIES_MAX);
    const shown = follower.read(
      () => store.memberFor(chatId, userId, since),
      (member) => {
        if (member !== undefined && !member.wrote) this.#show(typing, authorName(member.user.name));
      },
    );
    if (shown instanceof Promise) shown.catch(() => undefined); // A store that cannot be read ends the worker anyway.
  }

  #stopped(chatId: number, userId: number): void {
    this.#removeOwn(chatId, userId);
    const shown = this.#shown.get(chatId)?.get(userId);
    if (shown?.on !== true) return;
    shown.on = false;
    this.#deliver(chatId, userId, shown);
  }

  #show({ chatId, userId, on, worker, sequence }: Typing, nameJson: string): void {
    const users = this.#shown.get(chatId) ?? new Map<number, Shown>();
    // A newer signal may have come while the store was asked about this one.
    const known = users.get(userId);
    if (known?.worker === worker && known.sequence >= sequence) return;
    const isChange = on || known?.on === true;
    const shown = { on, nameJson, worker, sequence, at: this.#now() };
    users.set(userId, shown);
    this.#shown.set(chatId, users);
    if (isChange) this.#deliver(chatId, userId, shown);
  }

  /** Tells the chat's other users on this worker, and none of the author's own sockets. */
  #deliver(chatId: number, userId: number, { on, nameJson }: Shown): void {
    const frame = typingJson(chatId, userId, nameJson, on);
    for (const socket of [...this.#hub.room(chatId), ...this.#hub.audiences.watchers(chatId)]) {
      if (socket.userId !== userId && socket.state === 'live') socket.send(frame);
    }
  }

  #sweep(): void {
    const now = this.#now();
    for (const [chatId, users] of this.#own) {
      for (const [userId, { at }] of users) {
        if (now - at < OWN_EXPIRY_MS) continue;
        this.#removeOwn(chatId, userId);
        this.#publish(chatId, userId, false);
      }
    }
    for (const [chatId, users] of this.#shown) {
      for (const [userId, shown] of users) {
        if (now - shown.at < SHOWN_EXPIRY_MS) continue;
        users.delete(userId);
        if (shown.on) this.#deliver(chatId, userId, { ...shown, on: false });
      }
      if (users.size === 0) this.#shown.delete(chatId);
    }
  }

  #removeOwn(chatId: number, userId: number): void {
    const users = this.#own.get(chatId);
    users?.delete(userId);
    if (users?.size === 0) this.#own.delete(chatId);
  }
}
