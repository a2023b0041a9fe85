import type { Connection } from '../database.js';

/** A repeat is recognised among this many newest messages of its author in the chat. */
const REPEATS_PER_AUTHOR = 64;
/** After a restart or an eviction, repeats are recognised among this many newest messages of the chat. */
const REPEATS_LOADED = 1000;
/** Authors and client ids remembered of all chats together. */
const REMEMBERED_MAX = 1_000_000;
const HEADS_MAX = 500_000;

/** What the writer remembers of a chat between messages. */
interface CachedChat {
  readonly chatId: number;
  /** Messages in the chat so far. */
  n: number;
  readonly authors: Map<number, Author>;
  /** Whether client ids were loaded, as they are when the first message with one comes. */
  loaded: boolean;
  /** Authors and their client ids. */
  remembered: number;
  /** The turn in which it was last put at the end, as the most recently used. */
  turn: number;
}

/** What the writer remembers of a user in a chat. */
export interface Author {
  readonly id: number;
  readonly chat: CachedChat;
  /** Known to be in the chat. False says nothing. */
  isMember: boolean;
  /** Client id → message id, oldest first; made when there is one. */
  repeats: Map<string, number> | undefined;
}

/**
 * The newest end of every chat that is being written to: who posts there, its message count and the client ids
 * that would be a repeat. Least recently used chats are forgotten. After a rollback everything is (`clear`): what
 * is kept here may be ahead of the database only within one transaction.
 */
export class ChatWriteCache {
  readonly #chats = new Map<number, CachedChat>();
  readonly #chatsMax: number;
  readonly #mayPost;
  readonly #newestNumber;
  readonly #newestClientIds;
  #remembered = 0;
  #turn = 0;
  #loadMs = 0;

  constructor(db: Connection, headsMax = HEADS_MAX) {
    this.#chatsMax = headsMax;
    this.#mayPost = db
      .prepare<[number, number], number>(
        `SELECT 1 FROM member m JOIN chat c ON c.id = m.chat_id
         WHERE m.chat_id = ? AND m.user_id = ? AND c.deleted_at IS NULL`,
      )
      .pluck();
    this.#newestNumber = db
      .prepare<[number], number>(
        'SELECT n FROM entry WHERE chat_id = ? AND visibility = 1 ORDER BY id DESC LIMIT 1',
      )
      .pluck();
    this.#newestClientIds = db.prepare<[number], { id: number; author: number; clientId: string | null }>(
      `SELECT id, author_id AS author, client_id AS clientId FROM entry
       WHERE chat_id = ? AND visibility = 1 ORDER BY id DESC LIMIT ${REPEATS_LOADED}`,
    );
  }

  /**
   * The user as an author of the chat, or undefined when they may not post there. To be used before the next
   * command is. Membership is remembered, as only this ledger changes it: `left` and `forget` go with that.
   */
  authorIn(chatId: number, userId: number): Author | undefined {
    const known = this.#chats.get(chatId);
    if (known !== undefined) {
      this.#touch(known);
      const author = known.authors.get(userId);
      if (author?.isMember) return author;
    }
    if (this.#mayPost.get(chatId, userId) === undefined) return undefined;
    const author = this.#author(known ?? this.#add(chatId), userId);
    author.isMember = true;
    return author;
  }

  /** The id of the message that the author sent under this client id, if it is remembered. */
  repeatOf(author: Author, clientId: string): number | undefined {
    if (!author.chat.loaded) this.#load(author.chat);
    return author.repeats?.get(clientId);
  }

  /** The number of the chat's next message. */
  nextNumber({ chat }: Author): number {
    return chat.n + 1;
  }

  /** Takes note of a message that was just written. */
  wrote(author: Author, clientId: string | undefined, id: number): void {
    author.chat.n += 1;
    if (clientId !== undefined && author.chat.loaded) this.#remember(author, clientId, id);
  }

  /** These users are not in the chat any more. */
  left(chatId: number, users: readonly number[]): void {
    const authors = this.#chats.get(chatId)?.authors;
    for (const user of users) {
      const author = authors?.get(user);
      if (author !== undefined) author.isMember = false;
    }
  }

  forget(chatId: number): void {
    const chat = this.#chats.get(chatId);
    if (chat === undefined) return;
    this.#remembered -= chat.remembered;
    this.#chats.delete(chatId);
  }

  clear(): void {
    this.#chats.clear();
    this.#remembered = 0;
  }

  /** Milliseconds spent on loading since the last call: the writer bounds them for each batch. */
  takeLoadMs(): number {
    const ms = this.#loadMs;
    this.#loadMs = 0;
    return ms;
  }

  /**
   * A Map keeps the order of insertion: the first is the least recently used, to within half as many turns as there
   * are chats. Each use is a turn, and so is each chat that is added.
   */
  #touch(chat: CachedChat): void {
    this.#turn += 1;
    if (this.#turn - chat.turn < this.#chats.size / 2) return;
    chat.turn = this.#turn;
    this.#chats.delete(chat.chatId);
    this.#chats.set(chat.chatId, chat);
  }

  #add(chatId: number): CachedChat {
    this.#evict();
    this.#turn += 1;
    const n = this.#newestNumber.get(chatId) ?? 0;
    const chat = { chatId, n, authors: new Map(), loaded: false, remembered: 0, turn: this.#turn };
    this.#chats.set(chatId, chat);
    return chat;
  }

  #author(chat: CachedChat, id: number): Author {
    let author = chat.authors.get(id);
    if (author === undefined) {
      author = { id, chat, isMember: false, repeats: undefined };
      chat.authors.set(id, author);
      this.#count(chat, 1);
    }
    return author;
  }

  #load(chat: CachedChat): void {
    this.#evict(chat.chatId);
    const start = performance.now();
    chat.loaded = true;
    for (const row of this.#newestClientIds.all(chat.chatId).reverse()) {
      if (row.clientId !== null) this.#remember(this.#author(chat, row.author), row.clientId, row.id);
    }
    this.#loadMs += performance.now() - start;
  }

  #remember(author: Author, clientId: string, id: number): void {
    author.repeats ??= new Map();
    const { chat, repeats } = author;
    repeats.set(clientId, id);
    if (repeats.size <= REPEATS_PER_AUTHOR) return this.#count(chat, 1);
    const [oldest = ''] = repeats.keys();
    repeats.delete(oldest);
  }

  #count(chat: CachedChat, more: number): void {
    chat.remembered += more;
    this.#remembered += more;
  }

  #evict(except?: number): void {
    for (const chatId of this.#chats.keys()) {
      if (this.#remembered < REMEMBERED_MAX && this.#chats.size < this.#chatsMax) return;
      if (chatId !== except) this.forget(chatId);
    }
  }
}
