import { LRUCache } from 'lru-cache';
import { authorName } from '../../api/frames.js';
import { profileJson } from '../../api/profile.js';
import type { Chat } from '../../chat/chats.js';
import { type Entry, EntryKind } from '../../chat/entries.js';
import type { Message } from '../../chat/messages.js';
import type { ReadView } from '../../store/read-store.js';

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
 * What a worker remembers of the store, exact as of its position: filled on demand, changed only by entries
 * passing. An entry drops what it concerns rather than changing it, so a cache filled from a view that is
 * ahead of the position is right as well. That something does not exist is never remembered.
 */
export class Caches {
  readonly #users = new LRUCache<number, Profile>({ max: ENTRIES_MAX });
  readonly #subjects = new LRUCache<string, number>({ max: ENTRIES_MAX });
  readonly #chats = new LRUCache<number, Chat>({ max: ENTRIES_MAX });
  readonly #newest = new LRUCache<number, Message>({
    max: ENTRIES_MAX,
    maxSize: NEWEST_CHARACTERS_MAX,
    sizeCalculation: ({ text }) => text.length + 1,
  });

  user(view: ReadView, id: number): Profile | undefined {
    return this.#through(this.#users, id, () => {
      const user = view.user(id);
      return user && { photo: user.photo, nameJson: authorName(user.name), json: profileJson(user) };
    });
  }

  /** A user's name as JSON, for frames. */
  nameJson(view: ReadView, id: number): string {
    return this.user(view, id)?.nameJson ?? '""';
  }

  userOfSubject(view: ReadView, subject: string): number | undefined {
    return this.#through(this.#subjects, subject, () => view.userOfSubject(subject));
  }

  chat(view: ReadView, id: number): Chat | undefined {
    return this.#through(this.#chats, id, () => view.chat(id));
  }

  newestMessage(view: ReadView, chatId: number): Message | undefined {
    return this.#through(this.#newest, chatId, () => view.newestMessage(chatId));
  }

  passed(entry: Entry): void {
    switch (entry.kind) {
      case EntryKind.message: {
        const newest = this.#newest.peek(entry.chatId);
        if (newest !== undefined && newest.id < entry.id) this.#newest.set(entry.chatId, messageOf(entry));
        return;
      }
      case EntryKind.userCreated:
      case EntryKind.chatOpened:
      case EntryKind.groupCreated:
      case EntryKind.tokensRevoked:
        return;
      case EntryKind.membersAdded:
      case EntryKind.membersRemoved:
        this.#chats.delete(entry.chatId);
        return;
      case EntryKind.groupDeleted:
        this.#chats.delete(entry.chatId);
        this.#newest.delete(entry.chatId);
        return;
      default:
        this.#clear();
    }
  }

  #through<K extends {}, V extends {}>(
    cache: LRUCache<K, V>,
    key: K,
    read: () => V | undefined,
  ): V | undefined {
    const known = cache.get(key);
    if (known !== undefined) return known;
    const value = read();
    if (value !== undefined) cache.set(key, value);
    return value;
  }

  #clear(): void {
    for (const cache of [this.#users, this.#subjects, this.#chats, this.#newest]) cache.clear();
  }
}

/** The message that an entry of that kind is. */
export function messageOf(entry: Entry): Message {
  const { id, chatId, authorId, text, time, clientId } = entry;
  return { id, chatId, authorId, text, time, clientId };
}
