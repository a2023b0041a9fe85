import { lastMessageJson } from '../../api/encode.js';
import { Close, closeCodeOf } from '../../api/status.js';
import type { Chat, ChatType } from '../../chat/chats.js';
import { assertNever, type ChatEntry, type Entry } from '../../chat/entries.js';
import { ChatError } from '../../chat/errors.js';
import type { Message } from '../../chat/messages.js';
import { type Caller, callerOf } from '../../chat/users.js';
import type { Bus } from '../../link/bus.js';
import { mapLoaded } from '../../store/loading.js';
import type { Loaded, LogPage, ReadStore, Users } from '../../store/read-store.js';
import { Revocations } from '../auth/revocations.js';
import { Audience, Backpressure } from './backpressure.js';
import { Caches, type Profile } from './caches.js';
import { Follower } from './follower.js';
import { EncodedPages, frameOf } from './pages.js';
import type { ChatSocket, MainSocket, Socket } from './sockets.js';

/** The engine's topics: one encoded frame for all local sockets that joined. */
export interface Topics {
  publish(topic: string, frame: string): void;
  numSubscribers(topic: string): number;
}

/** Who else wants to know that an entry passes. */
export interface Passing {
  /** A message of this author, or their removal, passes: they are no longer typing. */
  stoppedTyping(chatId: number, userId: number): void;
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
  readonly store: ReadStore;
  readonly caches = new Caches();
  readonly pages = new EncodedPages();
  readonly backpressure: Backpressure;
  readonly follower: Follower;
  readonly revocations: Revocations;
  readonly #topics: Topics;
  readonly #bus: Bus;
  readonly #failed: (error: unknown) => void;
  readonly #rooms = new Map<number, Audience<ChatSocket>>();
  readonly #mains = new Map<number, Set<MainSocket>>();
  readonly #nameJson = (userId: number) => this.caches.nameJson(userId);
  /** Every main socket. */
  readonly #mainAudience = new Audience<MainSocket>();
  /** By the entry that is passing. */
  #publishedBytes = 0;
  #passing: Passing | undefined;

  /** `failed` as in FollowerEvents. */
  static async open(
    store: ReadStore,
    topics: Topics,
    bus: Bus,
    failed: (error: unknown) => void,
  ): Promise<Hub> {
    // What is revoked after this passes.
    const { value, position } = await store.revocations();
    return new Hub(store, position, new Revocations(value), topics, bus, failed);
  }

  private constructor(
    store: ReadStore,
    position: number,
    revocations: Revocations,
    topics: Topics,
    bus: Bus,
    failed: (error: unknown) => void,
  ) {
    this.store = store;
    this.revocations = revocations;
    this.#topics = topics;
    this.#bus = bus;
    this.#failed = failed;
    this.backpressure = new Backpressure({
      everyone: () => this.everyone(),
      lags: (socket) => this.#leaveLive(socket),
    });
    this.follower = new Follower(store, position, {
      pass: (entry, page) => this.#pass(entry, page),
      author: (message) => this.#isHeard(message) && !this.caches.hasUser(message.authorId),
      chat: ({ chatId }) => this.#mains.size > 0 && this.caches.chat(chatId) === undefined,
      failed,
    });
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
  loadUserId(caller: Caller): Loaded<number | undefined> {
    if ('id' in caller) return this.follower.here(caller.id);
    const { subject } = caller;
    const known = this.caches.userOfSubject(subject);
    if (known !== undefined) return this.follower.here(known);
    return mapLoaded(this.store.userOfSubject(subject), (id) => {
      if (id !== undefined) this.caches.addSubject(subject, id);
      return id;
    });
  }

  loadProfile(userId: number): Loaded<Profile | undefined> {
    const known = this.caches.profile(userId);
    if (known !== undefined) return this.follower.here(known);
    return mapLoaded(
      this.store.user(userId),
      (user, position) => user && this.caches.addUser(user, position),
    );
  }

  /** A chat of that type which the user is in. Errors: chat_not_found, group_not_found, for strangers too. */
  loadChat(userId: number | undefined, chatId: number, type: ChatType): Loaded<Chat> {
    return mapLoaded(this.store.chatFor(chatId, userId ?? 0), (chat, position) => {
      if (chat?.type !== type) throw new ChatError(type === 'group' ? 'group_not_found' : 'chat_not_found');
      this.caches.addChat(chat, position);
      return chat;
    });
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

  /**
   * Joins the topics. To be called in the tick in which nothing is left between the socket and the position. `groups`
   * are those of a main socket's user at the position.
   */
  goLive(socket: Socket, groups: readonly number[]): void {
    socket.state = 'live';
    if (socket.kind === 'chat') return socket.subscribe(chatTopic(socket.chatId));
    socket.subscribe(userTopic(socket.userId));
    for (const groupId of groups) socket.subscribe(groupTopic(groupId));
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

  /** Whether anybody on this worker may have to be told of a message. */
  #isHeard({ chatId }: Message): boolean {
    return this.#mains.size > 0 || this.#rooms.has(chatId);
  }

  #pass(entry: Entry, { users, chats }: LogPage): number {
    this.#publishedBytes = 0;
    if (entry.kind === 'message') this.#cacheBrought(entry, users, chats);
    this.caches.passed(entry, users);
    this.pages.passed(entry);
    this.#act(entry);
    return this.#publishedBytes;
  }

  /** Takes what the page brought for a message. */
  #cacheBrought({ id, authorId, chatId }: Message, users: Users, chats: LogPage['chats']): void {
    const author = users.get(authorId);
    if (author !== undefined && !this.caches.hasUser(authorId)) this.caches.addUser(author, id);
    const chat = chats.get(chatId);
    if (chat !== undefined && this.caches.chat(chatId) === undefined) this.caches.addChat(chat, id);
  }

  #act(entry: Entry): void {
    switch (entry.kind) {
      case 'message':
        this.#publishToRoom(entry);
        return this.#publishToMains(entry);
      case 'group_changed':
        return this.#publishToRoom(entry);
      case 'group_created':
      case 'members_added':
        return this.#joined(entry.chatId, entry.users);
      case 'members_removed':
        return this.#left(entry.chatId, entry.users);
      case 'group_deleted':
        return this.#deleted(entry.chatId);
      case 'tokens_revoked':
        return this.#tokensRevoked(entry.claim, entry.before);
      case 'chat_opened':
      case 'user_created':
      case 'user_changed':
      case 'unknown':
        return;
      default:
        return assertNever(entry);
    }
  }

  #publishToRoom(entry: ChatEntry): void {
    const { chatId, authorId } = entry;
    const room = this.#rooms.get(chatId);
    const isMessage = entry.kind === 'message';
    if (room === undefined) {
      if (isMessage) this.pages.messagePassed(chatId, authorId, undefined);
      return;
    }
    if (isMessage) this.#passing?.stoppedTyping(chatId, authorId);
    const frame = frameOf(entry, this.#nameJson);
    if (frame !== undefined) this.#publish(chatTopic(chatId), frame, room, room.sockets.size);
    if (isMessage) this.pages.messagePassed(chatId, authorId, frame);
  }

  #publishToMains(message: Message): void {
    if (this.#mains.size === 0) return;
    const { chatId, authorId } = message;
    // One that is not there is deleted further on in the log, so it is a group.
    const { pair = null, type = 'group' } = this.caches.chat(chatId) ?? {};
    const topics =
      pair === null
        ? [groupTopic(chatId)].filter((topic) => this.#topics.numSubscribers(topic) > 0)
        : pair.filter((userId) => this.#mains.has(userId)).map(userTopic);
    if (topics.length === 0) return;
    const frame = lastMessageJson(message, this.caches.nameJson(authorId), type);
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

  #left(groupId: number, users: readonly number[]): void {
    for (const userId of users) this.#passing?.stoppedTyping(groupId, userId);
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

  #tokensRevoked(claim: string, before: number): void {
    this.revocations.add(claim, before);
    const caller = callerOf(claim);
    if (caller === undefined) return;
    const endSockets = (userId: number | undefined) => {
      for (const socket of this.everyone()) {
        if (socket.userId === userId && socket.issuedAt < before)
          socket.end(closeCodeOf('unauthorized'), 'token revoked');
      }
    };
    // Whoever has a socket here came with the subject, which the worker remembers in all likelihood.
    const userId = 'id' in caller ? caller.id : this.caches.userOfSubject(caller.subject);
    if (userId !== undefined) return endSockets(userId);
    this.follower.readSoon(() => this.loadUserId(caller), endSockets, this.#failed);
  }

  /** Sockets that are not live yet read their groups when they go live. */
  *#liveMainsOf(users: readonly number[]): Generator<MainSocket> {
    for (const userId of users) {
      for (const socket of this.#mains.get(userId) ?? []) if (socket.state === 'live') yield socket;
    }
  }
}

const EMPTY: ReadonlySet<ChatSocket> = new Set();
