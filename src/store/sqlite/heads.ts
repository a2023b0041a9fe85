import type { Connection } from './database.js';

/** A repeat is recognised among this many newest messages of its author in the chat. */
const REPEATS_PER_AUTHOR = 64;
/** After a restart or an eviction, repeats are recognised among this many newest messages of the chat. */
const REPEATS_LOADED = 1000;
const REPEATS_MAX = 1_000_000;
const HEADS_MAX = 500_000;

/** What the writer remembers of a chat between messages. */
interface Head {
  /** Messages in the chat so far. */
  n: number;
  /** By author: client id → message id, oldest first. Loaded when the first message with a client id comes. */
  repeats: Map<number, Map<string, number>> | undefined;
  repeatsCount: number;
}

/**
 * The newest end of every chat that is being written to: its message count and the client ids that would be
 * a repeat. Least recently used chats are forgotten. After a rollback everything is (`clear`): what is kept
 * here may be ahead of the database only within one transaction.
 */
export class Heads {
  readonly #heads = new Map<number, Head>();
  readonly #newestNumber;
  readonly #newestClientIds;
  #repeatsCount = 0;
  #loadMs = 0;

  constructor(db: Connection) {
    this.#newestNumber = db
      .prepare<[number], number>(
        'SELECT n FROM entry WHERE chat_id = ? AND kind = 1 ORDER BY id DESC LIMIT 1',
      )
      .pluck();
    this.#newestClientIds = db.prepare<[number], { id: number; author: number; clientId: string | null }>(
      `SELECT id, author_id AS author, client_id AS clientId FROM entry
       WHERE chat_id = ? AND kind = 1 ORDER BY id DESC LIMIT ${REPEATS_LOADED}`,
    );
  }

  /** The number of the chat's next message. */
  nextNumber(chatId: number): number {
    return this.#head(chatId).n + 1;
  }

  /** The id of the message that the author sent to the chat under this client id, if it is remembered. */
  repeatOf(chatId: number, authorId: number, clientId: string): number | undefined {
    const head = this.#head(chatId);
    head.repeats ??= this.#load(chatId, head);
    return head.repeats.get(authorId)?.get(clientId);
  }

  /** Takes note of a message that was just written. */
  wrote(chatId: number, authorId: number, clientId: string | undefined, id: number): void {
    const head = this.#head(chatId);
    head.n += 1;
    if (clientId === undefined || head.repeats === undefined) return;
    this.#remember(head, head.repeats, authorId, clientId, id);
  }

  forget(chatId: number): void {
    const head = this.#heads.get(chatId);
    if (head === undefined) return;
    this.#repeatsCount -= head.repeatsCount;
    this.#heads.delete(chatId);
  }

  clear(): void {
    this.#heads.clear();
    this.#repeatsCount = 0;
  }

  /** Milliseconds spent on loading since the last call: the writer bounds them for each batch. */
  takeLoadMs(): number {
    const ms = this.#loadMs;
    this.#loadMs = 0;
    return ms;
  }

  #head(chatId: number): Head {
    let head = this.#heads.get(chatId);
    if (head === undefined) {
      this.#evict();
      head = { n: this.#newestNumber.get(chatId) ?? 0, repeats: undefined, repeatsCount: 0 };
    } else {
      this.#heads.delete(chatId);
    }
    this.#heads.set(chatId, head); // A Map keeps the order of insertion: the first is the least recently used.
    return head;
  }

  #load(chatId: number, head: Head): Map<number, Map<string, number>> {
    this.#evict(chatId);
    const start = performance.now();
    const repeats = new Map<number, Map<string, number>>();
    for (const row of this.#newestClientIds.all(chatId).reverse()) {
      if (row.clientId !== null) this.#remember(head, repeats, row.author, row.clientId, row.id);
    }
    this.#loadMs += performance.now() - start;
    return repeats;
  }

  #remember(
    head: Head,
    repeats: Map<number, Map<string, number>>,
    author: number,
    clientId: string,
    id: number,
  ): void {
    const own = repeats.get(author) ?? new Map<string, number>();
    repeats.set(author, own);
    own.set(clientId, id);
    const [oldest] = own.keys();
    if (own.size > REPEATS_PER_AUTHOR && oldest !== undefined) {
      own.delete(oldest);
      return;
    }
    head.repeatsCount += 1;
    this.#repeatsCount += 1;
  }

  #evict(except?: number): void {
    for (const chatId of this.#heads.keys()) {
      if (chatId === except) continue;
      if (this.#repeatsCount < REPEATS_MAX && this.#heads.size < HEADS_MAX) return;
      this.forget(chatId);
    }
  }
}
