import { LRUCache } from 'lru-cache';
import type { Connection } from '../database.js';
import type { Profiles } from '../read/profiles.js';
import { SQL } from '../read/sql.js';

/** A repeat is recognised among this many newest messages of its author in the chat, or as many changes of messages. */
const CLIENT_IDS_PER_AUTHOR_MAX = 64;
/** After a restart or an eviction, repeats are recognised among this many newest messages or changes of the chat. */
const ENTRIES_LOADED = 1000;
/** Bounds of what is cached of all chats together. */
const AUTHORS_AND_CLIENT_IDS_MAX = 1_000_000;
const CHATS_MAX = 500_000;

/** What the ledger caches of a chat between messages. */
interface CachedChat {
  readonly chatId: number;
  messagesCount: number;
  readonly authors: Map<number, Author>;
  /** Whether client ids were loaded, as they are when the first message with one comes. */
  hasClientIds: boolean;
  /** How many authors and client ids are cached. */
  size: number;
}

/** An entry that its author gave a name. */
interface Named {
  readonly id: number;
  readonly author: number;
  readonly clientId: string | null;
  readonly isChange: 0 | 1;
}

/** What the ledger caches of a user in a chat. */
export interface Author {
  readonly id: number;
  readonly chat: CachedChat;
  /** True when the user is known to be in the chat; false says nothing. */
  isMember: boolean;
  /** Ids by client ids, oldest first; made when there is one. A message and a change may have the same client id. */
  messageIds: Map<string, number> | undefined;
  changeIds: Map<string, number> | undefined;
}

/**
 * Caches what a message is checked against, of the chats that are written to: who posts there, the count of messages,
 * and the client ids that would be a repeat. The least recently used chats are evicted. The cache may be ahead of the
 * database only within one transaction, so a rollback has to clear it.
 */
export class ChatWriteCache {
  readonly #chats: LRUCache<number, CachedChat>;
  readonly #isMember: Profiles['isMember'];
  readonly #newestNumber;
  readonly #newestClientIds;
  #size = 0;
  #loadMs = 0;

  constructor(db: Connection, { isMember }: Pick<Profiles, 'isMember'>, chatsMax = CHATS_MAX) {
    this.#chats = new LRUCache({
      // `max` would allocate room for all chats at once, which takes 14 MB and delays the ledger's start.
      maxSize: chatsMax,
      sizeCalculation: () => 1,
      dispose: (chat) => {
        this.#size -= chat.size;
      },
    });
    this.#isMember = isMember;
    const numbers = [SQL.newestNumber, SQL.newestTombstone].map((sql) =>
      db.prepare<[number], { n: number }>(sql),
    );
    this.#newestNumber = (chatId: number) => Math.max(...numbers.map((newest) => newest.get(chatId)?.n ?? 0));
    const named = [
      ...[SQL.clientIdsOfMessages, SQL.clientIdsOfTombstones],
      ...[SQL.clientIdsOfChanges, SQL.clientIdsOfSuperseded],
    ].map((sql) => db.prepare<[number, number], Named>(sql));
    this.#newestClientIds = (chatId: number) => named.flatMap((newest) => newest.all(chatId, ENTRIES_LOADED));
  }

  /**
   * The user as an author of the chat, or undefined when they may not post there. The result holds until the next
   * command. Membership is cached because only this ledger changes it: `dropMembers` and `dropChat` go with that.
   */
  authorIn(chatId: number, userId: number): Author | undefined {
    const cached = this.#chats.get(chatId);
    const author = cached?.authors.get(userId);
    if (author?.isMember) return author;
    if (!this.#isMember(chatId, userId)) return undefined;
    const member = this.#author(cached ?? this.#addChat(chatId), userId);
    member.isMember = true;
    return member;
  }

  /** The id of the message that the author sent under this client id, if it is cached. */
  repeatOf(author: Author, clientId: string): number | undefined {
    return this.#clientIds(author, 'messageIds')?.get(clientId);
  }

  /** The number of the chat's next message. */
  nextNumber({ chat }: Author): number {
    return chat.messagesCount + 1;
  }

  /** Adds a message that was just written. */
  addMessage(author: Author, clientId: string | undefined, id: number): void {
    author.chat.messagesCount += 1;
    if (clientId !== undefined && author.chat.hasClientIds)
      this.#addClientId(author, 'messageIds', clientId, id);
  }

  /** Whether the author sent a change under this client id, if it is cached. */
  isRepeatedChange(author: Author, clientId: string): boolean {
    return this.#clientIds(author, 'changeIds')?.has(clientId) ?? false;
  }

  /** Adds a change that was just written. */
  addChange(author: Author, clientId: string, id: number): void {
    if (author.chat.hasClientIds) this.#addClientId(author, 'changeIds', clientId, id);
  }

  /** These users left the chat. Their client ids stay, since they may come back. */
  dropMembers(chatId: number, users: readonly number[]): void {
    const authors = this.#chats.peek(chatId)?.authors;
    for (const user of users) {
      const author = authors?.get(user);
      if (author !== undefined) author.isMember = false;
    }
  }

  dropChat(chatId: number): void {
    this.#chats.delete(chatId);
  }

  clear(): void {
    this.#chats.clear();
  }

  /** Milliseconds spent on loading client ids since the last call: the ledger bounds them for each commit. */
  takeLoadMs(): number {
    const ms = this.#loadMs;
    this.#loadMs = 0;
    return ms;
  }

  #addChat(chatId: number): CachedChat {
    this.#evict(0);
    const messagesCount = this.#newestNumber(chatId);
    const chat = { chatId, messagesCount, authors: new Map(), hasClientIds: false, size: 0 };
    this.#chats.set(chatId, chat);
    return chat;
  }

  #author(chat: CachedChat, id: number): Author {
    let author = chat.authors.get(id);
    if (author === undefined) {
      author = { id, chat, isMember: false, messageIds: undefined, changeIds: undefined };
      chat.authors.set(id, author);
      this.#grow(chat);
    }
    return author;
  }

  #clientIds(author: Author, of: 'messageIds' | 'changeIds'): ReadonlyMap<string, number> | undefined {
    if (!author.chat.hasClientIds) this.#loadClientIds(author.chat);
    return author[of];
  }

  #loadClientIds(chat: CachedChat): void {
    this.#evict(1); // This chat is the most recently used one.
    const start = performance.now();
    chat.hasClientIds = true;
    const loaded = this.#newestClientIds(chat.chatId).sort((a, b) => a.id - b.id);
    for (const { id, author, clientId, isChange } of loaded) {
      if (clientId === null) continue;
      this.#addClientId(this.#author(chat, author), isChange ? 'changeIds' : 'messageIds', clientId, id);
    }
    this.#loadMs += performance.now() - start;
  }

  #addClientId(author: Author, of: 'messageIds' | 'changeIds', clientId: string, id: number): void {
    const ids = author[of] ?? new Map<string, number>();
    author[of] = ids;
    ids.set(clientId, id);
    if (ids.size <= CLIENT_IDS_PER_AUTHOR_MAX) return this.#grow(author.chat);
    const [oldest = ''] = ids.keys();
    ids.delete(oldest);
  }

  #grow(chat: CachedChat): void {
    chat.size += 1;
    this.#size += 1;
  }

  /** Makes room by evicting the least recently used chats, but for so many that stay. */
  #evict(chatsLeft: number): void {
    while (this.#size >= AUTHORS_AND_CLIENT_IDS_MAX && this.#chats.size > chatsLeft) this.#chats.pop();
  }
}
