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

/** The engine's topics, each of which sends one encoded frame to all sockets of this worker that subscribed. */
export interface Topics {
  publish(topic: string, frame: string): void;
  numSubscribers(topic: string): number;
}

/** Listens to entries that pass. */
export interface Passing {
  /** A message of this user or the user's removal passes, so the user has stopped typing. */
  stoppedTyping(chatId: number, userId: number): void;
}

const chatTopic = (chatId: number) => `c${chatId}`;
/** One topic for all private chats of a user. */
const userTopic = (userId: number) => `u${userId}`;
const groupTopic = (groupId: number) => `m${groupId}`;

/**
 * Holds the worker's sockets, and applies the entries of the log to them in order. A message is encoded once and published
 * to its topics. A removal ends sockets in the very tick in which it passes, so that nothing later reaches them.
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
  /** How many bytes the entry that is passing has published. */
  #publishedBytes = 0;
  #passing: Passing | undefined;

  /** `failed` as in FollowerEvents. */
  static async open(
    store: ReadStore,
    topics: Topics,
    bus: Bus,
    failed: (error: unknown) => void,
  ): Promise<Hub> {
    // Later revocations come as entries that pass.
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

  /**
   * The caller's user id; undefined when a subject has no profile. A caller who is a number may have no profile either.
   */
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
   * Subscribes a socket to its topics. To be called in the tick in which nothing is left between the socket and the
   * position. `groups` are those of a main socket's user at the position.
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

  /** Everything up to the position was published to the socket. What follows it gets in pages of its own. */
  #leaveLive(socket: Socket): void {
    socket.unsubscribeAll();
    socket.state = 'behind';
    socket.position = this.follower.position;
    socket.movedAt = performance.now();
    socket.leastBuffered = socket.buffered;
  }

  /** Whether a socket of this worker may have to be sent a message. */
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

  /** Adds to the caches what the page brought for a message. */
  #cacheBrought({ id, authorId, chatId }: Message, users: Users, chats: LogPage['chats']): void {
    const author = users.get(authorId);
    if (author !== undefined && !this.caches.hasUser(authorId)) this.caches.addUser(author, id);
    const chat = chats.get(chatId);
    if (chat !== undefined && this.caches.chat(chatId) === undefined) this.caches.addChat(chat, id);
  }

  #act(entry: Entry): void {
    switch (entry.kind) {
      case 'message':
        return this.#posted(entry);
      case 'group_changed':
        this.#publishToRoom(entry);
        return;
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

  #posted(message: Message): void {
    const { chatId, authorId } = message;
    this.#passing?.stoppedTyping(chatId, authorId);
    const frame = this.#publishToRoom(message);
    this.pages.messagePassed(chatId, authorId, frame);
    this.#publishToMains(message);
  }

  /** Returns the frame; undefined when the entry has none, or this worker has no socket of the chat. */
  #publishToRoom(entry: ChatEntry): string | undefined {
    const room = this.#rooms.get(entry.chatId);
    if (room === undefined) return undefined;
    const frame = frameOf(entry, this.#nameJson);
    if (frame !== undefined) this.#publish(chatTopic(entry.chatId), frame, room, room.sockets.size);
    return frame;
  }

  #publishToMains(message: Message): void {
    if (this.#mains.size === 0) return;
    const { chatId, authorId } = message;
    // A chat that is not cached has just changed, or is deleted further on in the log, so it is a group.
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
    // A user with a socket here came with the subject, so it is cached in all likelihood.
    const userId = 'id' in caller ? caller.id : this.caches.userOfSubject(caller.subject);
    if (userId !== undefined) return endSockets(userId);
    this.follower.readSoon(
      () => this.loadUserId(caller),
      endSockets,
      (error) => {
        if (!(error instanceof ChatError)) this.#failed(error); // A follower that is closed refuses to read.
      },
    );
  }

  /** Gives live sockets only, because the others get their groups when they go live. */
  *#liveMainsOf(users: readonly number[]): Generator<MainSocket> {
    for (const userId of users) {
      for (const socket of this.#mains.get(userId) ?? []) if (socket.state === 'live') yield socket;
    }
  }
}

const EMPTY: ReadonlySet<ChatSocket> = new Set();
