import {
  chatChangedJson,
  cursorJson,
  profileChangedJson,
  removedJson,
  unreadJson,
} from '../../api/encode-main.js';
import { type ChatRead, type Entry, type GroupChange, isGroupChange } from '../../chat/entries.js';
import { opaqueCursor } from '../../chat/ids.js';
import type { LogPage, ReadStore } from '../../store/read-store.js';
import type { Audiences } from './audiences.js';
import type { Caches } from './caches.js';
import type { Follower } from './follower.js';
import type { Publisher } from './publisher.js';
import type { MainSocket } from './sockets.js';
import { CURSOR_TOPIC, feedTopic, groupFeedTopic } from './topics.js';

const CURSOR_EVERY_MS = 1000;
const NO_TOPICS: readonly string[] = [];

/** What the feed needs of the hub. */
interface FeedHub {
  readonly audiences: Audiences;
  readonly caches: Caches;
  readonly store: ReadStore;
  readonly follower: Follower;
  catchUpAgain(socket: MainSocket): void;
}

/**
 * What live main sockets are sent that ask for changes: messages and changes of all chats of their users, once encoded and
 * published to topics, and what happens to the chats themselves. A user who comes into a chat is sent its newest page, for
 * which the sockets catch up once more.
 */
export class MainFeed {
  readonly #hub: FeedHub;
  readonly #publisher: Publisher;
  readonly #timer: NodeJS.Timeout;
  /** The id and the time of the last entry that passed; 0 before the first. */
  #lastId = 0;
  #lastTime = 0;
  #publishedId = 0;

  constructor(hub: FeedHub, publisher: Publisher) {
    this.#hub = hub;
    this.#publisher = publisher;
    this.#timer = setInterval(() => this.#publishCursor(), CURSOR_EVERY_MS).unref();
  }

  /** Whether anybody listens on this worker. */
  get isOn(): boolean {
    return this.#hub.audiences.fullMains.sockets.size > 0;
  }

  subscribe(socket: MainSocket, groups: readonly number[]): void {
    socket.subscribe(feedTopic(socket.userId));
    for (const groupId of groups) socket.subscribe(groupFeedTopic(groupId));
    socket.subscribe(CURSOR_TOPIC);
  }

  /** The topics of a chat that are heard on this worker. */
  topicsOf(chatId: number): readonly string[] {
    if (!this.isOn) return NO_TOPICS;
    // A chat that is not cached has just changed, or is deleted further on in the log, so it is a group.
    const pair = this.#hub.caches.chat(chatId)?.pair ?? null;
    const topics = pair === null ? [groupFeedTopic(chatId)] : pair.map(feedTopic);
    return topics.filter((topic) => this.#publisher.receivers(topic) > 0);
  }

  publish(topics: readonly string[], frame: string): void {
    for (const topic of topics) this.#publish(topic, frame);
  }

  /** An entry passes. Messages and their changes are published by `publish`. */
  passed(entry: Entry, page: LogPage): void {
    this.#lastId = entry.id;
    this.#lastTime = entry.time;
    if (!this.isOn) return;
    switch (entry.kind) {
      case 'chat_opened':
      case 'group_created':
        return this.#joined(entry.users);
      case 'members_added':
        this.#joined(entry.users);
        return this.#groupChanged(entry, page);
      case 'members_removed':
        this.#left(entry.id, entry.chatId, entry.users);
        return this.#groupChanged(entry, page);
      case 'group_changed':
        return this.#groupChanged(entry, page);
      case 'group_deleted':
        return this.#deleted(entry.id, entry.chatId);
      case 'user_changed':
        return this.#userChanged(entry.id, entry.userId, page);
      case 'chat_read':
        return this.#read(entry);
      default:
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #publish(topic: string, frame: string): void {
    if (this.#publisher.receivers(topic) > 0)
      this.#publisher.publish(topic, frame, this.#hub.audiences.fullMains);
  }

  #joined(users: readonly number[]): void {
    for (const socket of [...this.#hub.audiences.liveMainsOf(users)]) {
      if (socket.view === 'full') this.#hub.catchUpAgain(socket);
    }
  }

  #left(id: number, chatId: number, users: readonly number[]): void {
    for (const userId of users) this.#publish(feedTopic(userId), removedJson(id, chatId));
    const gone = new Set(users);
    for (const socket of [...this.#hub.audiences.watchers(chatId)])
      if (gone.has(socket.userId)) this.#hub.audiences.unwatch(socket, chatId);
    for (const socket of this.#hub.audiences.liveMainsOf(users)) socket.unsubscribe(groupFeedTopic(chatId));
  }

  #deleted(id: number, chatId: number): void {
    for (const socket of [...this.#hub.audiences.watchers(chatId)])
      this.#hub.audiences.unwatch(socket, chatId);
    const topic = groupFeedTopic(chatId);
    if (this.#publisher.receivers(topic) === 0) return;
    this.#publish(topic, removedJson(id, chatId));
    for (const socket of this.#hub.audiences.fullMains.sockets) socket.unsubscribe(topic);
  }

  #groupChanged({ id, chatId }: GroupChange, { chats, entries }: LogPage): void {
    // What the group is like after a later change is not for those who leave before that.
    const isLast = !entries.some((entry) => entry.id > id && isGroupChange(entry) && entry.chatId === chatId);
    const group = isLast ? chats.get(chatId) : undefined;
    // A group that is deleted further on in the log is not there any more.
    if (group !== undefined) this.#publish(groupFeedTopic(chatId), chatChangedJson(id, group));
  }

  /** The user's own sockets and those of the other users of private chats, which are named after the user. */
  #userChanged(id: number, userId: number, { users, partners }: LogPage): void {
    const user = users.get(userId);
    if (user === undefined) return;
    this.#publish(feedTopic(userId), profileChangedJson(id, user));
    for (const partner of partners.get(userId) ?? []) {
      const topic = feedTopic(partner.userId);
      const isHeard = partner.since < id && this.#publisher.receivers(topic) > 0;
      if (isHeard) this.#publish(topic, profileChangedJson(id, user, partner.chatId));
    }
  }

  #read({ chatId, authorId }: ChatRead): void {
    if (this.#publisher.receivers(feedTopic(authorId)) === 0) return;
    const { follower, store } = this.#hub;
    follower.readSoon(
      () => store.unreadFor(chatId, authorId),
      (unread) => {
        if (unread !== undefined) this.#publish(feedTopic(authorId), unreadJson([[chatId, unread]], false));
      },
      () => undefined,
    );
  }

  /** Everything up to the last entry has been published, so a client that gets this frame may resume there. */
  #publishCursor(): void {
    if (this.#lastId === this.#publishedId) return;
    this.#publishedId = this.#lastId;
    this.#publish(CURSOR_TOPIC, cursorJson(opaqueCursor({ id: this.#lastId, time: this.#lastTime })));
  }
}
