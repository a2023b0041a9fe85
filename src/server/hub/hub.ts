import { changeJson, messageJson } from '../../api/encode.js';
import { Close, closeCodeOf } from '../../api/status.js';
import { type Chat, type ChatType, chatNotFound } from '../../chat/chats.js';
import {
  assertNever,
  type ChatEntry,
  type ChatRead,
  type Entry,
  type GroupChange,
  isChatEntry,
  isGroupChange,
  type MessageChange,
} from '../../chat/entries.js';
import { ChatError } from '../../chat/errors.js';
import { isDeleted, type Message, type View } from '../../chat/messages.js';
import { type Caller, callerOf } from '../../chat/users.js';
import type { Bus } from '../../link/bus.js';
import { mapLoaded } from '../../store/loading.js';
import type { Loaded, LogPage, Quotes, ReadStore } from '../../store/read-store.js';
import { Revocations } from '../auth/revocations.js';
import { Audiences } from './audiences.js';
import { Backpressure } from './backpressure.js';
import { Caches, type Profile } from './caches.js';
import { Follower } from './follower.js';
import { LastMessages } from './last-messages.js';
import { MainFeed } from './main-feed.js';
import { EncodedPages } from './pages.js';
import { Publisher } from './publisher.js';
import type { ChatSocket, Socket } from './sockets.js';
import { changesTopic, chatTopic, type Topics } from './topics.js';

/** Listens to entries that pass. */
export interface Passing {
  /** A message of this user or the user's removal passes, so the user has stopped typing. */
  stoppedTyping(chatId: number, userId: number): void;
}

/**
 * Holds the worker's sockets, and applies the entries of the log to them in order. A message is encoded once and published
 * to its topics. A removal ends sockets in the very tick in which it passes, so that nothing later reaches them.
 */
export class Hub {
  readonly store: ReadStore;
  readonly caches = new Caches();
  readonly pages: Readonly<Record<View, EncodedPages>> = {
    plain: new EncodedPages('plain'),
    full: new EncodedPages('full'),
  };
  readonly #allPages = Object.values(this.pages);
  readonly backpressure: Backpressure;
  readonly follower: Follower;
  readonly revocations: Revocations;
  readonly audiences: Audiences;
  readonly #publisher: Publisher;
  readonly #feed: MainFeed;
  readonly #lastMessages: LastMessages;
  readonly #failed: (error: unknown) => void;
  #passing: Passing | undefined;
  #onBehind: (socket: Socket) => void = () => undefined;
  #onRead: (entry: ChatRead) => void = () => undefined;

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
    this.audiences = new Audiences(bus);
    this.#failed = failed;
    this.backpressure = new Backpressure({
      everyone: () => this.everyone(),
      lags: (socket) => this.#leaveLive(socket),
    });
    this.#publisher = new Publisher(topics, this.backpressure);
    this.#lastMessages = new LastMessages(this.audiences, this.caches, this.#publisher);
    this.#feed = new MainFeed(this, this.#publisher);
    this.follower = new Follower(store, position, {
      pass: (entry, page) => this.#pass(entry, page),
      author: (entry) => this.#isHeard(entry) && !this.caches.hasUser(entry.authorId),
      chat: (entry) => this.#lacksChat(entry),
      partners: () => this.#feed.isOn,
      failed,
    });
    bus.onNewest((id) => this.follower.hint(id));
  }

  onPassing(passing: Passing): void {
    this.#passing = passing;
  }

  /** Sets the listener for entries that say how far a user has read. */
  onRead(listener: (entry: ChatRead) => void): void {
    this.#onRead = listener;
  }

  /** Open sockets of a chat on this worker, in every state. */
  room(chatId: number): ReadonlySet<ChatSocket> {
    return this.audiences.room(chatId)?.sockets ?? EMPTY;
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
      if (chat?.type !== type) throw chatNotFound(type);
      this.caches.addChat(chat, position);
      return chat;
    });
  }

  add(socket: Socket): void {
    this.audiences.add(socket);
  }

  remove(socket: Socket): void {
    socket.state = 'closed';
    this.audiences.remove(socket);
  }

  /**
   * Subscribes a socket to its topics. To be called in the tick in which nothing is left between the socket and the
   * position. `groups` are those of a main socket's user at the position.
   */
  goLive(socket: Socket, groups: readonly number[]): void {
    socket.state = 'live';
    if (socket.kind === 'chat') {
      socket.subscribe(chatTopic(socket.chatId));
      if (socket.view === 'full') socket.subscribe(changesTopic(socket.chatId));
      return;
    }
    const feed = socket.view === 'full' ? this.#feed : this.#lastMessages;
    feed.subscribe(socket, groups);
  }

  /** Every open socket, as it is at this moment. */
  everyone(): Socket[] {
    return this.audiences.everyone();
  }

  close(): void {
    this.follower.close();
    this.#feed.close();
    this.backpressure.close();
  }

  /** Brings a live socket once more from the position to the end of the log. */
  catchUpAgain(socket: Socket): void {
    this.#leaveLive(socket);
    this.#onBehind(socket);
  }

  /** Sets the listener for sockets that are to catch up at once. */
  onBehind(listener: (socket: Socket) => void): void {
    this.#onBehind = listener;
  }

  /** Everything up to the position was published to the socket. What follows it gets in pages of its own. */
  #leaveLive(socket: Socket): void {
    socket.unsubscribeAll();
    socket.state = 'behind';
    socket.continueAfter(this.follower.position);
    socket.movedAt = performance.now();
    socket.leastBuffered = socket.buffered;
  }

  /** Whether a socket of this worker may have to be sent an entry. */
  #isHeard({ kind, chatId }: ChatEntry): boolean {
    const isHeardByMains = kind === 'message' ? this.audiences.hasMains : this.#feed.isOn;
    return isHeardByMains || this.audiences.room(chatId) !== undefined;
  }

  #lacksChat(entry: ChatEntry | GroupChange): boolean {
    // Of a group that changes, main sockets are told what it is like now.
    if (isGroupChange(entry)) return this.#feed.isOn;
    return this.audiences.hasMains && this.caches.chat(entry.chatId) === undefined;
  }

  #pass(entry: Entry, page: LogPage): number {
    this.#cacheBrought(entry, page);
    this.caches.passed(entry, page.users);
    if (entry.kind !== 'message') for (const pages of this.#allPages) pages.passed(entry);
    this.#act(entry, page.quotes);
    this.#feed.passed(entry, page);
    return this.#publisher.takeBytes();
  }

  /** Adds to the caches what the page brought for a message or a change of one. */
  #cacheBrought(entry: Entry, { users, chats }: LogPage): void {
    if (!isChatEntry(entry)) return;
    const { id, authorId, chatId } = entry;
    const author = users.get(authorId);
    if (author !== undefined && !this.caches.hasUser(authorId)) this.caches.addUser(author, id);
    const chat = chats.get(chatId);
    if (chat !== undefined && this.caches.chat(chatId) === undefined) this.caches.addChat(chat, id);
  }

  #act(entry: Entry, quotes: Quotes): void {
    switch (entry.kind) {
      case 'message':
        return this.#posted(entry, quotes);
      case 'message_edited':
      case 'message_deleted':
      case 'reaction_changed':
        return this.#changed(entry);
      case 'chat_read':
        return this.#onRead(entry);
      case 'group_created':
      case 'members_added':
        return this.#lastMessages.joined(entry.chatId, entry.users);
      case 'members_removed':
        return this.#left(entry.chatId, entry.users);
      case 'group_deleted':
        return this.#deleted(entry.chatId);
      case 'tokens_revoked':
        return this.#tokensRevoked(entry.claim, entry.before);
      case 'chat_opened':
      case 'group_changed': // The API has no frame for it. A client that asks for the group sees the change.
      case 'user_created':
      case 'user_changed':
      case 'unknown':
        return;
      default:
        return assertNever(entry);
    }
  }

  #posted(message: Message, quotes: Quotes): void {
    const { chatId, authorId } = message;
    this.#passing?.stoppedTyping(chatId, authorId);
    const replyTo = message.extra?.replyTo;
    const quote = replyTo === undefined ? undefined : quotes.get(replyTo);
    const room = this.audiences.room(chatId);
    const feeds = this.#feed.topicsOf(chatId);
    const isNeeded = room !== undefined || feeds.length > 0;
    const frame = isNeeded ? messageJson(message, this.caches.nameJson(authorId), quote) : undefined;
    // It may have been deleted before it was read here: sockets that know nothing of changes are not told of it.
    const isShown = !isDeleted(message);
    if (frame !== undefined) {
      if (room !== undefined && isShown)
        this.#publisher.publish(chatTopic(chatId), frame, room, room.sockets.size);
      else this.publishChange(chatId, frame);
      this.#feed.publish(feeds, frame);
    }
    this.pages.plain.messagePassed(message, isShown ? frame : undefined, quotes);
    this.pages.full.messagePassed(message, frame, quotes);
    if (isShown) this.#lastMessages.posted(message);
  }

  #changed(change: MessageChange): void {
    // The text of an edit is gone when the message was deleted since, as follows further on in the log.
    if (change.kind === 'message_edited' && change.text === '') return;
    const { chatId, authorId } = change;
    const feeds = this.#feed.topicsOf(chatId);
    if (feeds.length === 0 && this.#publisher.receivers(changesTopic(chatId)) === 0) return;
    const frame = changeJson(change, this.caches.nameJson(authorId));
    this.publishChange(chatId, frame);
    this.#feed.publish(feeds, frame);
  }

  /** Publishes to the sockets of a chat that ask for changes. */
  publishChange(chatId: number, frame: string): void {
    const room = this.audiences.room(chatId);
    const topic = changesTopic(chatId);
    const receivers = this.#publisher.receivers(topic);
    if (room !== undefined && receivers > 0) this.#publisher.publish(topic, frame, room, receivers);
  }

  #left(groupId: number, users: readonly number[]): void {
    for (const userId of users) this.#passing?.stoppedTyping(groupId, userId);
    this.#lastMessages.left(groupId, users);
    const gone = new Set(users);
    for (const socket of [...this.room(groupId)]) {
      if (gone.has(socket.userId)) socket.end(Close.removed, 'removed');
    }
  }

  #deleted(groupId: number): void {
    this.#lastMessages.deleted(groupId);
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
}

const EMPTY: ReadonlySet<ChatSocket> = new Set();
