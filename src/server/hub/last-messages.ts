import { lastMessageJson } from '../../api/encode.js';
import type { Message } from '../../chat/messages.js';
import type { Audiences } from './audiences.js';
import type { Caches } from './caches.js';
import type { Publisher } from './publisher.js';
import type { MainSocket } from './sockets.js';
import { groupTopic, userTopic } from './topics.js';

/** What live main sockets of the original API are sent: the `last_message` of each chat of their users. */
export class LastMessages {
  readonly #audiences: Audiences;
  readonly #caches: Caches;
  readonly #publisher: Publisher;

  constructor(audiences: Audiences, caches: Caches, publisher: Publisher) {
    this.#audiences = audiences;
    this.#caches = caches;
    this.#publisher = publisher;
  }

  subscribe(socket: MainSocket, groups: readonly number[]): void {
    socket.subscribe(userTopic(socket.userId));
    for (const groupId of groups) socket.subscribe(groupTopic(groupId));
  }

  posted(message: Message): void {
    if (this.#audiences.mains.sockets.size === 0) return;
    const { chatId, authorId } = message;
    // A chat that is not cached has just changed, or is deleted further on in the log, so it is a group.
    const { pair = null, type = 'group' } = this.#caches.chat(chatId) ?? {};
    const all = pair === null ? [groupTopic(chatId)] : pair.map(userTopic);
    const topics = all.filter((topic) => this.#publisher.receivers(topic) > 0);
    if (topics.length === 0) return;
    const frame = lastMessageJson(message, this.#caches.nameJson(authorId), type);
    for (const topic of topics) this.#publisher.publish(topic, frame, this.#audiences.mains);
  }

  joined(groupId: number, users: readonly number[]): void {
    for (const socket of this.#audiences.liveMainsOf(users)) {
      if (socket.view === 'plain') socket.subscribe(groupTopic(groupId));
    }
  }

  left(groupId: number, users: readonly number[]): void {
    for (const socket of this.#audiences.liveMainsOf(users)) {
      if (socket.view === 'plain') socket.unsubscribe(groupTopic(groupId));
    }
  }

  deleted(groupId: number): void {
    const topic = groupTopic(groupId);
    if (this.#publisher.receivers(topic) === 0) return;
    for (const socket of this.#audiences.mains.sockets) socket.unsubscribe(topic);
  }
}
