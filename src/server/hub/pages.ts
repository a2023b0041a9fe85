import { LRUCache } from 'lru-cache';
import { changedMessageJson, messageJson, withReactions } from '../../api/encode.js';
import { HISTORY_BYTES_MAX, HISTORY_MESSAGES_MAX } from '../../api/frames.js';
import { assertNever, type Entry, type PageEntry } from '../../chat/entries.js';
import { isDeleted, type Message, type Reaction, type View } from '../../chat/messages.js';
import {
  type OwnReactions,
  type PageBounds,
  type Quotes,
  type Reacted,
  reactionKey,
} from '../../store/read-store.js';

/** What the store is asked for. A text takes at least as many bytes in a frame, so everything that fits is in the page. */
export const PAGE_BOUNDS: PageBounds = { max: HISTORY_MESSAGES_MAX, maxBytes: HISTORY_BYTES_MAX };
/** The bytes that surround the messages in a history frame. */
const ENVELOPE_BYTES = 64;
const CACHE_BYTES_MAX = 32 * 1024 * 1024;
const CACHED_PAGES_PER_CHAT_MAX = 16;
/** How many newest messages of a chat stay encoded. */
const RECENT_MESSAGES_MAX = 100;

/** An entry of a page as the frame that it is sent in, the same for all readers. */
export interface EncodedEntry {
  readonly id: number;
  readonly frame: string;
  /** How many bytes a reader is sent of it, at most. */
  readonly bytes: number;
  /** The message that it is, or that changed. */
  readonly messageId: number;
  /** Each reader is sent these with their own marked. Undefined when the frame has no reactions. */
  readonly reactions: readonly Reaction[] | undefined;
  /** The message that it quotes. */
  readonly replyTo: number | undefined;
}

/** Consecutive entries of a chat, encoded, oldest first. */
export interface EncodedPage {
  readonly entries: readonly EncodedEntry[];
  readonly bytes: number;
  readonly more: boolean;
}

/** Everything of a chat after `from` up to `last`. */
interface CachedPage {
  readonly chatId: number;
  readonly from: number;
  readonly last: number;
  readonly entries: readonly EncodedEntry[];
  /** Whose names are in it. */
  readonly authors: ReadonlySet<number>;
  readonly bytes: number;
}

/** The newest messages of a chat as of the position, oldest first. */
interface Recent {
  readonly entries: EncodedEntry[];
  readonly authors: Set<number>;
  bytes: number;
  /** The bytes as they were read. What follows may double them. */
  readonly bytesRead: number;
  /** Whether the chat has no other messages. */
  whole: boolean;
}

/**
 * Keeps messages of chats as the frames that readers of one view are sent, as of the worker's position. What was read for
 * one socket is kept for the next: a thousand sockets that catch up with the same chat come to the same pages, wherever each
 * began, and reading and encoding 100 messages is half of what a connection costs.
 */
export class EncodedPages {
  readonly #view: View;
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

  constructor(view: View) {
    this.#view = view;
  }

  /** A chat's newest messages, if they are kept. */
  recent(chatId: number, count: number): EncodedPage | undefined {
    const known = this.#recent.get(chatId);
    if (known === undefined || (!known.whole && known.entries.length < count)) return undefined;
    const from = Math.max(0, known.entries.length - count);
    return { entries: known.entries.slice(from), bytes: known.bytes, more: false };
  }

  /** Keeps a chat's newest messages, as they were asked for with `count`. */
  keepRecent(chatId: number, page: EncodedPage, authors: Set<number>, count: number): void {
    const { entries, bytes, more } = page;
    if (more || entries.length === 0 || count > RECENT_MESSAGES_MAX) return;
    const whole = entries.length < count;
    this.#recent.set(chatId, { entries: [...entries], authors, bytes, bytesRead: bytes, whole });
    if (this.#recent.has(chatId)) this.#recentOf.add(authors, chatId);
  }

  /** A message of a chat passes. `frame` is undefined when it was not encoded. */
  messagePassed(message: Message, frame: string | undefined, quotes: Quotes): void {
    const { chatId, id, extra } = message;
    const recent = this.#recent.peek(chatId);
    if (recent === undefined) return;
    const bytes = frame === undefined ? 0 : Buffer.byteLength(frame) + 1;
    recent.bytes += bytes;
    if (frame === undefined || recent.bytes > 2 * recent.bytesRead || recent.bytes > HISTORY_BYTES_MAX) {
      this.#recent.delete(chatId);
      return;
    }
    recent.entries.push({ id, frame, bytes, messageId: id, reactions: undefined, replyTo: extra?.replyTo });
    for (const author of namesIn(message, quotes)) {
      if (recent.authors.has(author)) continue;
      recent.authors.add(author);
      this.#recentOf.add([author], chatId);
    }
    if (recent.entries.length <= RECENT_MESSAGES_MAX) return;
    recent.bytes -= recent.entries.shift()?.bytes ?? 0;
    recent.whole = false;
  }

  /** Gives what follows after an id, if that is kept. `last` is the id at which the page ends. */
  after(chatId: number, from: number): (Omit<EncodedPage, 'more'> & { readonly last: number }) | undefined {
    const page = this.#chats.get(chatId)?.findLast((known) => known.from <= from && from < known.last);
    if (page === undefined) return undefined;
    this.#pages.get(page);
    const begin = page.from === from ? 0 : page.entries.findIndex(({ id }) => id > from);
    const entries = begin === -1 ? [] : page.entries.slice(begin);
    return { entries, bytes: page.bytes, last: page.last };
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
      case 'chat_read':
      case 'group_created':
      case 'group_changed':
      case 'members_added':
      case 'members_removed':
      case 'tokens_revoked':
        return;
      case 'message_edited':
      case 'message_deleted':
        return this.#dropMessage(entry.chatId, entry.messageId);
      case 'reaction_changed':
        if (this.#view === 'full') this.#dropMessage(entry.chatId, entry.messageId);
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

  /** Drops what shows a message, or quotes it. */
  #dropMessage(chatId: number, messageId: number): void {
    const isShown = (entry: EncodedEntry) => entry.messageId === messageId || entry.replyTo === messageId;
    if (this.#recent.peek(chatId)?.entries.some(isShown)) this.#recent.delete(chatId);
    for (const page of [...(this.#chats.get(chatId) ?? [])]) {
      if (page.entries.some(isShown)) this.#pages.delete(page);
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

/** What the frame of an entry needs beside the entry. */
export interface EncodingContext {
  /** The name of a user, as JSON. */
  nameJson(userId: number): string;
  readonly quotes: Quotes;
}

/** Encodes an entry of a page for all readers of a view. */
export function encodeEntry(
  entry: PageEntry,
  view: View,
  { nameJson, quotes }: EncodingContext,
): EncodedEntry {
  const { id } = entry;
  if (entry.kind === 'message_changed') {
    const { message } = entry;
    const frame = changedMessageJson(entry, nameJson);
    // A deleted message has none; of any other, the client is told also that there are none.
    const reactions = isDeleted(message) ? undefined : (message.extra?.reactions ?? []);
    return {
      id,
      frame,
      bytes: bytesOf(frame, reactions),
      messageId: message.id,
      reactions,
      replyTo: undefined,
    };
  }
  const replyTo = entry.extra?.replyTo;
  const quote = replyTo === undefined ? undefined : quotes.get(replyTo);
  const frame = messageJson(entry, nameJson(entry.authorId), quote);
  const reactions = view === 'full' && entry.extra?.reactions?.length ? entry.extra.reactions : undefined;
  return { id, frame, bytes: bytesOf(frame, reactions), messageId: id, reactions, replyTo };
}

function bytesOf(frame: string, reactions: readonly Reaction[] | undefined): number {
  return (
    Buffer.byteLength(reactions === undefined ? frame : withReactions(frame, reactions, () => false)) + 1
  );
}

/** The users whose names are in the frame of an entry. */
export function namesIn(entry: PageEntry, quotes: Quotes): number[] {
  const message = entry.kind === 'message' ? entry : entry.message;
  const quoted = quotes.get(message.extra?.replyTo ?? 0)?.authorId;
  return quoted === undefined
    ? [entry.authorId, message.authorId]
    : [entry.authorId, message.authorId, quoted];
}

/** The frame of an entry for a reader with these reactions. */
export function frameFor({ frame, messageId, reactions }: EncodedEntry, own: OwnReactions): string {
  if (reactions === undefined) return frame;
  return withReactions(frame, reactions, (emoji) => own.has(reactionKey(messageId, emoji)));
}

/** The entries among these with reactions. */
export function reactedAmong(entries: readonly EncodedEntry[]): Reacted[] {
  const reacted: Reacted[] = [];
  for (const { messageId, reactions } of entries)
    if (reactions !== undefined) reacted.push({ messageId, reactions });
  return reacted;
}

/** Collects what fits into one history frame. The first entry always does. */
export class FrameCollector<T extends { readonly bytes: number }> {
  readonly entries: T[] = [];
  bytes = ENVELOPE_BYTES;

  /** Returns false without taking the entry when there is no room. */
  add(entry: T): boolean {
    if (this.entries.length > 0 && this.bytes + entry.bytes > HISTORY_BYTES_MAX) return false;
    this.bytes += entry.bytes;
    this.entries.push(entry);
    return true;
  }
}
