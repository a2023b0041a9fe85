import { lastMessageJson, messageJson } from '../../api/frames.js';
import { Close, closeCodeOf } from '../../api/status.js';
import type { Chat, ChatType } from '../../chat/chats.js';
import { type Entry, EntryKind } from '../../chat/entries.js';
import { ChatError } from '../../chat/errors.js';
import { type Caller, callerOf } from '../../chat/users.js';
import type { Bus } from '../../link/bus.js';
import type { ReadStore, ReadView } from '../../store/read-store.js';
import { Revocations } from '../auth/revocations.js';
import { Audience, Backpressure } from './backpressure.js';
import { Caches, messageOf } from './caches.js';
import { Follower } from './follower.js';
import { EncodedPages } from './pages.js';
import type { ChatSocket, MainSocket, Socket } from './sockets.js';

/** The engine's topics: one encoded frame for all local sockets that joined. */
export interface Topics {
  publish(topic: string, frame: string): void;
  numSubscribers(topic: string): number;
}

/** Who else wants to know that an entry passes. */
export interface Passing {
  /** A message of this author, or their removal, passes: they are no longer typing. */
  stoppedTyping(chatId: number, userId: number, view: ReadView): void;
}

const chatTopic = (chatId: number) => `c${chatId}`;
/** A user's private chats; one for all of them. */
const userTopic = (userId: number) => `u${userId}`;
const groupTopic = (groupId: number) => `m${groupId}`;

/**
 * The worker's sockets, and what the log brings them. Entries act in the order of the log: a message is
 * encoded once and published to its topics; a removal ends sockets in the very tick in which it passes, so
 * nothing later reaches them.
 */
export class Hub {
  readonly caches = new Caches();
  readonly pages = new EncodedPages(this.caches);
  readonly backpressure: Backpressure;
  readonly follower: Follower;
  readonly revocations: Revocations;
  readonly #topics: Topics;
  readonly #bus: Bus;
  readonly #rooms = new Map<number, Audience<ChatSocket>>();
  readonly #mains = new Map<number, Set<MainSocket>>();
  /** Every main socket. */
  readonly #mainAudience = new Audience<MainSocket>();
  /** By the entry that is passing. */
  #publishedBytes = 0;
  #passing: Passing | undefined;

  /** `failed` as in Follower. */
  constructor(store: ReadStore, topics: Topics, bus: Bus, failed: (error: unknown) => void) {
    this.#topics = topics;
    this.#bus = bus;
    this.backpressure = new Backpressure({
      everyone: () => this.everyone(),
      lags: (socket) => this.#leaveLive(socket),
    });
    this.follower = new Follower(store, (entry, view) => this.#pass(entry, view), failed);
    // After the follower has its position: what is revoked in between passes later, and is read once more.
    this.revocations = store.snapshot((view) => new Revocations(view));
    bus.onNewest((id) => this.follower.hint(id));
  }

  onPassing(passing: Passing): void {
    this.#passing = passing;
  }

  /** Open sockets of a chat on this worker, in every state. */
  room(chatId: number): ReadonlySet<ChatSocket> {
    return this.#rooms.get(chatId)?.sockets ?? EMPTY;
  }

  /** The caller's user id; undefined when a subject has no profile. A number says nothing about a profile. */
  userOf(view: ReadView, caller: Caller): number | undefined {
    return 'id' in caller ? caller.id : this.caches.userOfSubject(view, caller.subject);
  }

  /** A chat of that type which the user is in. Errors: chat_not_found, group_not_found, for strangers too. */
  chatFor(view: ReadView, userId: number | undefined, chatId: number, type: ChatType): Chat {
    // Membership first: whether there is such a chat, of what type, takes no time of those who are not in it.
    const isMember = userId !== undefined && view.isMember(chatId, userId);
    const chat = isMember ? this.caches.chat(view, chatId) : undefined;
    if (chat?.type !== type) throw new ChatError(type === 'group' ? 'group_not_found' : 'chat_not_found');
    return chat;
  }

  add(socket: Socket): void {
    if (socket.kind === 'main') {
      const own = this.#mains.get(socket.userId) ?? new Set();
      this.#mains.set(socket.userId, own.add(socket));
      this.#mainAudience.sockets.add(socket);
      return;
    }
    let room = this.#rooms.get(socket.chatId);
    if (room === undefined) {
      room = new Audience<ChatSocket>();
      this.#rooms.set(socket.chatId, room);
      this.#bus.subscribe(socket.chatId);
    }
    room.sockets.add(socket);
  }

  remove(socket: Socket): void {
    socket.state = 'closed';
    if (socket.kind === 'main') {
      const own = this.#mains.get(socket.userId);
      own?.delete(socket);
      if (own?.size === 0) this.#mains.delete(socket.userId);
      this.#mainAudience.sockets.delete(socket);
      return;
    }
    const room = this.#rooms.get(socket.chatId);
    room?.sockets.delete(socket);
    if (room?.sockets.size !== 0) return;
    this.#rooms.delete(socket.chatId);
    this.#bus.unsubscribe(socket.chatId);
  }

  /** Joins the topics. To be called in the tick in which nothing is left between the socket and the position. */
  goLive(socket: Socket, view: ReadView): void {
    socket.state = 'live';
    if (socket.kind === 'chat') return socket.subscribe(chatTopic(socket.chatId));
    socket.subscribe(userTopic(socket.userId));
    for (const groupId of view.groupsOf(socket.userId)) socket.subscribe(groupTopic(groupId));
  }

  /** Every open socket, as it is at this moment. */
  everyone(): Socket[] {
    const everyone: Socket[] = [...this.#mainAudience.sockets];
    for (const { sockets } of this.#rooms.values()) for (const socket of sockets) everyone.push(socket);
    return everyone;
  }

  close(): void {
    this.follower.close();
    this.backpressure.close();
  }

  /** Everything up to the position was published to it; from here on it reads by itself. */
  #leaveLive(socket: Socket): void {
    socket.unsubscribeAll();
    socket.state = 'behind';
    socket.position = this.follower.position;
    socket.movedAt = performance.now();
    socket.leastBuffered = socket.buffered;
  }

  #pass(entry: Entry, view: ReadView): number {
    this.#publishedBytes = 0;
    this.#act(entry, view);
    return this.#publishedBytes;
  }

  #act(entry: Entry, view: ReadView): void {
    this.caches.passed(entry);
    this.pages.passed(entry);
    switch (entry.kind) {
      case EntryKind.message:
        return this.#message(entry, view);
      case EntryKind.groupCreated:
      case EntryKind.membersAdded:
        return this.#joined(entry.chatId, entry.users);
      case EntryKind.membersRemoved:
        return this.#left(entry.chatId, entry.users, view);
      case EntryKind.groupDeleted:
        return this.#deleted(entry.chatId);
      case EntryKind.tokensRevoked:
        return this.#tokensRevoked(entry.text, view);
    }
  }

  #message(entry: Entry, view: ReadView): void {
    const { chatId, authorId } = entry;
    const message = messageOf(entry);
    const room = this.#rooms.get(chatId);
    if (room === undefined) this.pages.messagePassed(chatId, undefined);
    else {
      this.#passing?.stoppedTyping(chatId, authorId, view);
      const frame = messageJson(message, this.caches.nameJson(view, authorId));
      this.#publish(chatTopic(chatId), frame, room, room.sockets.size);
      this.pages.messagePassed(chatId, frame);
    }
    if (this.#mains.size === 0) return;
    // One that is not there is deleted further on in the log, so it is a group.
    const { pair = null, type = 'group' } = this.caches.chat(view, chatId) ?? {};
    const topics =
      pair === null
        ? [groupTopic(chatId)].filter((topic) => this.#topics.numSubscribers(topic) > 0)
        : pair.filter((userId) => this.#mains.has(userId)).map(userTopic);
    if (topics.length === 0) return;
    const frame = lastMessageJson(message, this.caches.nameJson(view, authorId), type);
    for (const topic of topics) {
      this.#publish(topic, frame, this.#mainAudience, this.#topics.numSubscribers(topic));
    }
  }

  #publish(topic: string, frame: string, audience: Audience, receivers: number): void {
    const bytes = Buffer.byteLength(frame);
    this.#topics.publish(topic, frame);
    this.#publishedBytes += bytes;
    this.backpressure.published(audience, bytes, receivers);
  }

  #joined(groupId: number, users: readonly number[]): void {
    for (const socket of this.#liveMainsOf(users)) socket.subscribe(groupTopic(groupId));
  }

  #left(groupId: number, users: readonly number[], view: ReadView): void {
    for (const userId of users) this.#passing?.stoppedTyping(groupId, userId, view);
    for (const socket of this.#liveMainsOf(users)) socket.unsubscribe(groupTopic(groupId));
    const gone = new Set(users);
    for (const socket of [...this.room(groupId)]) {
      if (gone.has(socket.userId)) socket.end(Close.removed, 'removed');
    }
  }

  #deleted(groupId: number): void {
    if (this.#topics.numSubscribers(groupTopic(groupId)) > 0) {
      for (const sockets of this.#mains.values()) {
        for (const socket of sockets) socket.unsubscribe(groupTopic(groupId));
      }
    }
    for (const socket of [...this.room(groupId)]) socket.end(Close.groupDeleted, 'group deleted');
  }

  #tokensRevoked(claim: string, view: ReadView): void {
    const before = this.revocations.read(view, claim);
    const caller = callerOf(claim);
    const userId = caller && this.userOf(view, caller);
    for (const socket of this.everyone()) {
      if (socket.userId === userId && socket.issuedAt < before)
        socket.end(closeCodeOf('unauthorized'), 'token revoked');
    }
  }

  /** Sockets that are not live yet read their groups when they go live. */
  *#liveMainsOf(users: readonly number[]): Generator<MainSocket> {
    for (const userId of users) {
      for (const socket of this.#mains.get(userId) ?? []) if (socket.state === 'live') yield socket;
    }
  }
}

const EMPTY: ReadonlySet<ChatSocket> = new Set();
