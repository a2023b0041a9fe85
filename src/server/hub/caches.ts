import { LRUCache } from 'lru-cache';
import { authorName, profileView } from '../../api/encode.js';
import type { Chat } from '../../chat/chats.js';
import { assertNever, type Entry } from '../../chat/entries.js';
import { isDeleted, type Message } from '../../chat/messages.js';
import type { User } from '../../chat/users.js';
import type { Known, Users } from '../../store/read-store.js';

const ENTRIES_MAX = 20_000;
/** All texts of newest messages together, since each may be long. */
const NEWEST_CHARACTERS_MAX = 8 * 1024 * 1024;

/** What is needed of a user. It is encoded once, as it is asked for far more often than it changes. */
export interface Profile {
  readonly id: number;
  readonly photo: string | null;
  readonly readReceipts: boolean;
  /** The name alone, for frames. */
  readonly nameJson: string;
  /** As the API shows it, but for what is signed for its viewer. */
  readonly json: string;
}

/**
 * What a worker remembers of the store as of its position. Answers of the store fill it, and entries that pass keep it
 * right. Users and chats are taken from an answer that is ahead of the position too, because the entries in between
 * correct them, but not from one that is older. It never remembers that something does not exist.
 */
export class Caches implements Known {
  /** The last entry that passed. */
  #position = 0;
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

  /** A user's name as JSON, for frames; empty for a user who is not cached. */
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

  /** Takes what an answer brought that is true at `position`. */
  add({ users, chats }: { readonly users: Users; readonly chats?: readonly Chat[] }, position: number): void {
    for (const user of users.values()) this.addUser(user, position);
    for (const chat of chats ?? []) this.addChat(chat, position);
  }

  /** Returns the profile, whether it is remembered or came too late for that. */
  addUser(user: User, position: number): Profile {
    const profile = profileOf(user);
    if (position >= this.#position) this.#users.set(user.id, profile);
    return profile;
  }

  addSubject(subject: string, id: number): void {
    this.#subjects.set(subject, id);
  }

  addChat(chat: Chat, position: number): void {
    if (position >= this.#position) this.#chats.set(chat.id, chat);
  }

  /** The message must be the newest of its chat at the worker's position. */
  addNewest(message: Message): void {
    this.#newest.set(message.chatId, message);
  }

  /** Takes note of an entry. `changed` holds the users who changed, as the store has them. */
  passed(entry: Entry, changed: Users): void {
    this.#position = entry.id;
    switch (entry.kind) {
      case 'message': {
        const newest = this.#newest.peek(entry.chatId);
        if (newest !== undefined && newest.id < entry.id && !isDeleted(entry))
          this.#newest.set(entry.chatId, entry);
        return;
      }
      case 'message_edited':
      case 'message_deleted':
        if (this.#newest.peek(entry.chatId)?.id === entry.messageId) this.#newest.delete(entry.chatId);
        return;
      case 'user_changed': {
        const user = changed.get(entry.userId);
        if (user !== undefined && this.#users.has(user.id)) this.addUser(user, entry.id);
        else this.#users.delete(entry.userId);
        return;
      }
      case 'reaction_changed': // Where a newest message is shown, its reactions are not.
      case 'user_created':
      case 'chat_opened':
      case 'chat_read':
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

function profileOf(user: User): Profile {
  return {
    id: user.id,
    photo: user.photo,
    readReceipts: user.readReceipts,
    nameJson: authorName(user.name),
    json: JSON.stringify(profileView(user)),
  };
}
