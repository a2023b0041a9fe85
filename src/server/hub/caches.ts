import { LRUCache } from 'lru-cache';
import { authorName, profileView } from '../../api/encode.js';
import type { Chat } from '../../chat/chats.js';
import { assertNever, type Entry } from '../../chat/entries.js';
import type { Message } from '../../chat/messages.js';
import type { User } from '../../chat/users.js';
import type { Known, Users } from '../../store/read-store.js';

const ENTRIES_MAX = 20_000;
/** Texts of newest messages may be long: all together at most this much. */
const NEWEST_CHARACTERS_MAX = 8 * 1024 * 1024;

/** What is needed of a user, encoded when it is read: it is asked for far more often than it changes. */
export interface Profile {
  readonly photo: string | null;
  /** The name alone, for frames. */
  readonly nameJson: string;
  /** All of it, as the API shows it. */
  readonly json: string;
}

/**
 * What a worker remembers of the store, exact as of its position: filled from answers of the store, changed only by
 * entries passing. Users and chats may be filled from an answer that is ahead of the position, because the entries in
 * between put them right again; newest messages only from one that is true at the position. That something does not
 * exist is never remembered.
 */
export class Caches implements Known {
  readonly #users = new LRUCache<number, Profile>({ max: ENTRIES_MAX });
  readonly #subjects = new LRUCache<string, number>({ max: ENTRIES_MAX });
  readonly #chats = new LRUCache<number, Chat>({ max: ENTRIES_MAX });
  readonly #newest = new LRUCache<number, Message>({
    max: ENTRIES_MAX,
    maxSize: NEWEST_CHARACTERS_MAX,
    sizeCalculation: ({ text }) => text.length + 1,
  });

  profile(id: number): Profile | undefined {
    return this.#users.get(id);
  }

  hasUser(id: number): boolean {
    return this.#users.get(id) !== undefined;
  }

  /** A user's name as JSON, for frames; empty for one whom nobody has asked the store about. */
  nameJson(id: number): string {
    return this.#users.get(id)?.nameJson ?? '""';
  }

  userOfSubject(subject: string): number | undefined {
    return this.#subjects.get(subject);
  }

  chat(id: number): Chat | undefined {
    return this.#chats.get(id);
  }

  newestMessage(chatId: number): Message | undefined {
    return this.#newest.get(chatId);
  }

  addUser(user: User): Profile {
    const profile = {
      photo: user.photo,
      nameJson: authorName(user.name),
      json: JSON.stringify(profileView(user)),
    };
    this.#users.set(user.id, profile);
    return profile;
  }

  addUsers(users: Users): void {
    for (const user of users.values()) this.addUser(user);
  }

  addSubject(subject: string, id: number): void {
    this.#subjects.set(subject, id);
  }

  addChat(chat: Chat): void {
    this.#chats.set(chat.id, chat);
  }

  /** It is the newest of its chat as of the worker's position. */
  addNewest(message: Message): void {
    this.#newest.set(message.chatId, message);
  }

  /** `changed` holds the users who changed, as they are now. */
  passed(entry: Entry, changed: Users): void {
    switch (entry.kind) {
      case 'message': {
        const newest = this.#newest.peek(entry.chatId);
        if (newest !== undefined && newest.id < entry.id) this.#newest.set(entry.chatId, entry);
        return;
      }
      case 'user_changed': {
        const user = changed.get(entry.userId);
        if (user !== undefined && this.#users.has(user.id)) this.addUser(user);
        else this.#users.delete(entry.userId);
        return;
      }
      case 'user_created':
      case 'chat_opened':
      case 'group_created':
      case 'tokens_revoked':
        return;
      case 'members_added':
      case 'members_removed':
      case 'group_changed':
        this.#chats.delete(entry.chatId);
        return;
      case 'group_deleted':
        this.#chats.delete(entry.chatId);
        this.#newest.delete(entry.chatId);
        return;
      case 'unknown':
        for (const cache of [this.#users, this.#subjects, this.#chats, this.#newest]) cache.clear();
        return;
      default:
        assertNever(entry);
    }
  }
}
