import { LRUCache } from 'lru-cache';
import { messageJson } from '../../api/encode.js';
import { HISTORY_BYTES_MAX, HISTORY_MESSAGES_MAX } from '../../api/frames.js';
import { assertNever, type ChatEntry, type Entry } from '../../chat/entries.js';
import type { PageBounds } from '../../store/read-store.js';

/** What the store is asked for. A text takes at least as many bytes in a frame, so everything that fits is in the page. */
export const PAGE_BOUNDS: PageBounds = { max: HISTORY_MESSAGES_MAX, maxBytes: HISTORY_BYTES_MAX };
/** The bytes that surround the messages in a history frame. */
const ENVELOPE_BYTES = 64;
const CACHE_BYTES_MAX = 32 * 1024 * 1024;
const CACHED_PAGES_PER_CHAT_MAX = 16;
/** How many newest messages of a chat stay encoded. */
const RECENT_MESSAGES_MAX = 100;

/** Consecutive messages of a chat, encoded, oldest first. */
export interface EncodedPage {
  readonly frames: readonly string[];
  readonly bytes: number;
  readonly more: boolean;
}

/** Everything of a chat after `from` up to `last`. */
interface CachedPage {
  readonly chatId: number;
  readonly from: number;
  readonly last: number;
  /** The entry of each frame. */
  readonly ids: readonly number[];
  readonly frames: readonly string[];
  readonly authors: ReadonlySet<number>;
  readonly bytes: number;
}

/** The newest messages of a chat as of the position, oldest first. */
interface Recent {
  readonly frames: string[];
  readonly authors: Set<number>;
  bytes: number;
  /** The bytes as they were read. What follows may double them. */
  readonly bytesRead: number;
  /** Whether the chat has no other messages. */
  whole: boolean;
}

/**
 * Keeps messages of chats as the frames that they are sent in, as of the worker's position. What was read for one socket
 * is kept for the next: a thousand sockets that catch up with the same chat come to the same pages, wherever each began,
 * and reading and encoding 100 messages is half of what a connection costs.
 */
export class EncodedPages {
  readonly #chats = new Map<number, CachedPage[]>();
  readonly #pages = new LRUCache<CachedPage, true>({
    maxSize: CACHE_BYTES_MAX,
    sizeCalculation: (_true, { bytes }) => bytes + ENVELOPE_BYTES,
    dispose: (_true, page) => this.#removeFromIndexes(page),
  });

  readonly #recent = new LRUCache<number, Recent>({
    maxSize: CACHE_BYTES_MAX,
    sizeCalculation: ({ bytesRead }) => bytesRead,
    dispose: ({ authors }, chatId) => this.#recentOf.delete(authors, chatId),
  });

  /** The pages and chats that show an author's name. */
  readonly #pagesOf = new AuthorIndex<CachedPage>();
  readonly #recentOf = new AuthorIndex<number>();

  /** A chat's newest messages, if they are kept. */
  recent(chatId: number, count: number): EncodedPage | undefined {
    const known = this.#recent.get(chatId);
    if (known === undefined || (!known.whole && known.frames.length < count)) return undefined;
    const from = Math.max(0, known.frames.length - count);
    return { frames: known.frames.slice(from), bytes: known.bytes, more: false };
  }

  /** Keeps a chat's newest messages, as they were asked for with `count`. */
  keepRecent(chatId: number, page: EncodedPage, authors: Set<number>, count: number): void {
    const { frames, bytes, more } = page;
    if (more || frames.length === 0 || count > RECENT_MESSAGES_MAX) return;
    const whole = frames.length < count;
    this.#recent.set(chatId, { frames: [...frames], authors, bytes, bytesRead: bytes, whole });
    if (this.#recent.has(chatId)) this.#recentOf.add(authors, chatId);
  }

  /** A message of a chat passes. `frame` is undefined when it was not encoded. */
  messagePassed(chatId: number, authorId: number, frame: string | undefined): void {
    const recent = this.#recent.peek(chatId);
    if (recent === undefined) return;
    recent.bytes += frame === undefined ? 0 : Buffer.byteLength(frame) + 1;
    if (frame === undefined || recent.bytes > 2 * recent.bytesRead || recent.bytes > HISTORY_BYTES_MAX) {
      this.#recent.delete(chatId);
      return;
    }
    recent.frames.push(frame);
    if (!recent.authors.has(authorId)) {
      recent.authors.add(authorId);
      this.#recentOf.add([authorId], chatId);
    }
    if (recent.frames.length <= RECENT_MESSAGES_MAX) return;
    recent.bytes -= Buffer.byteLength(recent.frames.shift() ?? '') + 1;
    recent.whole = false;
  }

  /** Gives what follows after an id, if that is kept. `last` is the id at which the page ends. */
  after(chatId: number, from: number): (Omit<EncodedPage, 'more'> & { readonly last: number }) | undefined {
    const page = this.#chats.get(chatId)?.findLast((known) => known.from <= from && from < known.last);
    if (page === undefined) return undefined;
    this.#pages.get(page);
    const begin = page.from === from ? 0 : page.ids.findIndex((id) => id > from);
    return { frames: begin === -1 ? [] : page.frames.slice(begin), bytes: page.bytes, last: page.last };
  }

  keep(page: CachedPage): void {
    const known = this.#chats.get(page.chatId) ?? [];
    this.#chats.set(page.chatId, known);
    known.push(page);
    this.#pagesOf.add(page.authors, page);
    this.#pages.set(page, true);
    const [oldest] = known;
    if (known.length > CACHED_PAGES_PER_CHAT_MAX && oldest !== undefined) this.#pages.delete(oldest);
  }

  /** Drops what an entry makes wrong. */
  passed(entry: Entry): void {
    switch (entry.kind) {
      case 'message': // See `messagePassed`.
      case 'user_created':
      case 'chat_opened':
      case 'group_created':
      case 'group_changed':
      case 'members_added':
      case 'members_removed':
      case 'tokens_revoked':
        return;
      case 'user_changed':
        return this.#dropAuthor(entry.userId);
      case 'group_deleted':
        this.#recent.delete(entry.chatId);
        for (const page of [...(this.#chats.get(entry.chatId) ?? [])]) this.#pages.delete(page);
        return;
      case 'unknown':
        this.#pages.clear();
        this.#recent.clear();
        return;
      default:
        assertNever(entry);
    }
  }

  /** Drops the frames that carry the name of this author. */
  #dropAuthor(userId: number): void {
    for (const page of this.#pagesOf.of(userId)) this.#pages.delete(page);
    for (const chatId of this.#recentOf.of(userId)) this.#recent.delete(chatId);
  }

  #removeFromIndexes(page: CachedPage): void {
    this.#pagesOf.delete(page.authors, page);
    const known = this.#chats.get(page.chatId);
    const index = known?.indexOf(page) ?? -1;
    if (known === undefined || index === -1) return;
    known.splice(index, 1);
    if (known.length === 0) this.#chats.delete(page.chatId);
  }
}

/** Finds what shows an author's name, so that a change of a name costs no walk through the caches. */
class AuthorIndex<T> {
  readonly #things = new Map<number, Set<T>>();

  /** Gives a copy, so that the things may be deleted meanwhile. */
  of(author: number): readonly T[] {
    return [...(this.#things.get(author) ?? [])];
  }

  add(authors: Iterable<number>, thing: T): void {
    for (const author of authors) {
      const things = this.#things.get(author);
      if (things === undefined) this.#things.set(author, new Set([thing]));
      else things.add(thing);
    }
  }

  delete(authors: Iterable<number>, thing: T): void {
    for (const author of authors) {
      const things = this.#things.get(author);
      things?.delete(thing);
      if (things?.size === 0) this.#things.delete(author);
    }
  }
}

/** Gives the frame that a chat's sockets are sent of an entry; undefined when they are sent none. */
export function frameOf(entry: ChatEntry, nameJson: (userId: number) => string): string | undefined {
  switch (entry.kind) {
    case 'message':
      return messageJson(entry, nameJson(entry.authorId));
    case 'group_changed':
      return undefined; // The API has no frame for it. A client that asks for the group sees the change.
    default:
      return assertNever(entry);
  }
}

/** Collects frames as long as they fit into one history frame. The first frame always does. */
export class FrameCollector {
  readonly frames: string[] = [];
  bytes = ENVELOPE_BYTES;

  /** Returns false without taking the frame when there is no room. */
  add(frame: string): boolean {
    const bytes = Buffer.byteLength(frame) + 1;
    if (this.frames.length > 0 && this.bytes + bytes > HISTORY_BYTES_MAX) return false;
    this.bytes += bytes;
    this.frames.push(frame);
    return true;
  }
}
