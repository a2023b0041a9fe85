import { LRUCache } from 'lru-cache';
import { HISTORY_BYTES_MAX, messageJson } from '../../api/frames.js';
import { type Entry, EntryKind } from '../../chat/entries.js';
import type { Message } from '../../chat/messages.js';
import type { ReadView } from '../../store/read-store.js';
import type { Caches } from './caches.js';

/** Messages of one page at most. */
export const PAGE_MESSAGES_MAX = 1000;
/** Room for what surrounds the messages in a history frame. */
const ENVELOPE_BYTES = 64;
const CACHE_BYTES_MAX = 32 * 1024 * 1024;
const CACHED_PAGES_PER_CHAT_MAX = 16;
/** Of a chat that somebody connected to, so many newest messages stay encoded. */
const RECENT_MESSAGES_MAX = 100;

/** Consecutive messages of a chat, encoded, oldest first. */
export interface EncodedPage {
  readonly frames: readonly string[];
  readonly bytes: number;
  /** The newest id in it; where it was asked to begin, when it is empty. */
  readonly last: number;
  /** Messages after it exist. */
  readonly more: boolean;
}

/** All messages of a chat after `from` up to the last of `ids`. They never change. */
interface CachedPage {
  readonly chatId: number;
  readonly from: number;
  readonly ids: readonly number[];
  readonly frames: readonly string[];
  readonly bytes: number;
}

/** The newest messages of a chat as of the position, oldest first. */
interface Recent {
  readonly frames: string[];
  bytes: number;
  /** As it was read; what follows may double it. */
  readonly bytesRead: number;
  /** It is all that the chat has. */
  whole: boolean;
}

/**
 * The messages of chats as the frames that they are sent in. What was read for one socket is kept for the
 * next: a thousand that catch up with the same chat end up on the same pages, wherever each began.
 */
export class EncodedPages {
  readonly #caches: Caches;
  readonly #chats = new Map<number, CachedPage[]>();
  readonly #pages = new LRUCache<CachedPage, true>({
    maxSize: CACHE_BYTES_MAX,
    sizeCalculation: (_true, { bytes }) => bytes + ENVELOPE_BYTES,
    dispose: (_true, page) => this.#forget(page),
  });

  readonly #recent = new LRUCache<number, Recent>({
    maxSize: CACHE_BYTES_MAX,
    sizeCalculation: ({ bytesRead }) => bytesRead,
  });

  constructor(caches: Caches) {
    this.#caches = caches;
  }

  /**
   * The newest messages but `offset`, as many as fit, oldest first. The view's end of the log is the worker's position. What
   * is read once is kept, and kept up to date: reading and encoding 100 is half of what a connection costs.
   */
  newest(view: ReadView, chatId: number, offset: number, count: number): Omit<EncodedPage, 'last'> {
    const known = offset === 0 ? this.#recent.get(chatId) : undefined;
    if (known !== undefined && (known.whole || known.frames.length >= count)) {
      const from = Math.max(0, known.frames.length - count);
      return { frames: known.frames.slice(from), bytes: known.bytes, more: false };
    }
    const encoder = this.encoder(view);
    const { more } = view.messagesBefore(chatId, offset, count, encoder.fits);
    const { bytes } = encoder;
    const frames = encoder.frames.reverse();
    if (offset === 0 && !more && frames.length > 0 && count <= RECENT_MESSAGES_MAX) {
      const whole = frames.length < count;
      this.#recent.set(chatId, { frames: [...frames], bytes, bytesRead: bytes, whole });
    }
    return { frames, bytes, more };
  }

  /** A message passes: as its frame, when it was encoded. */
  messagePassed(chatId: number, frame: string | undefined): void {
    const recent = this.#recent.peek(chatId);
    if (recent === undefined) return;
    recent.bytes += frame === undefined ? 0 : Buffer.byteLength(frame) + 1;
    if (frame === undefined || recent.bytes > 2 * recent.bytesRead || recent.bytes > HISTORY_BYTES_MAX) {
      this.#recent.delete(chatId);
      return;
    }
    recent.frames.push(frame);
    if (recent.frames.length <= RECENT_MESSAGES_MAX) return;
    recent.bytes -= Buffer.byteLength(recent.frames.shift() ?? '') + 1;
    recent.whole = false;
  }

  /** The messages after an id, as many as fit. The view's end of the log is the worker's position. */
  after(view: ReadView, chatId: number, from: number): EncodedPage {
    const newest = this.#caches.newestMessage(view, chatId)?.id ?? 0;
    if (newest <= from) return { frames: [], bytes: 0, last: from, more: false };
    const page = this.#cached(chatId, from) ?? this.#read(view, chatId, from);
    const begin = page.from === from ? 0 : page.ids.findIndex((id) => id > from);
    const last = page.ids.at(-1) ?? from;
    return { frames: page.frames.slice(begin), bytes: page.bytes, last, more: newest > last };
  }

  /** What an entry makes wrong is dropped. */
  passed(entry: Entry): void {
    if (entry.kind === EntryKind.groupDeleted) {
      this.#recent.delete(entry.chatId);
      for (const page of [...(this.#chats.get(entry.chatId) ?? [])]) this.#pages.delete(page);
    } else if (!KNOWN.has(entry.kind)) {
      this.#pages.clear();
      this.#recent.clear();
    }
  }

  #cached(chatId: number, from: number): CachedPage | undefined {
    const page = this.#chats.get(chatId)?.findLast((known) => known.from <= from && from < last(known));
    if (page !== undefined) this.#pages.get(page);
    return page;
  }

  #read(view: ReadView, chatId: number, from: number): CachedPage {
    const encoder = this.encoder(view);
    const { messages } = view.messagesAfter(chatId, from, PAGE_MESSAGES_MAX, encoder.fits);
    const ids = messages.map(({ id }) => id);
    const page: CachedPage = { chatId, from, ids, frames: encoder.frames, bytes: encoder.bytes };
    const known = this.#chats.get(chatId) ?? [];
    this.#chats.set(chatId, known);
    known.push(page);
    this.#pages.set(page, true);
    const [oldest] = known;
    if (known.length > CACHED_PAGES_PER_CHAT_MAX && oldest !== undefined) this.#pages.delete(oldest);
    return page;
  }

  /** Encodes messages as they are in history, as long as they fit. */
  encoder(view: ReadView): FrameEncoder {
    return new FrameEncoder((message) => messageJson(message, this.#caches.nameJson(view, message.authorId)));
  }

  #forget(page: CachedPage): void {
    const known = this.#chats.get(page.chatId);
    const index = known?.indexOf(page) ?? -1;
    if (known === undefined || index === -1) return;
    known.splice(index, 1);
    if (known.length === 0) this.#chats.delete(page.chatId);
  }
}

const KNOWN: ReadonlySet<number> = new Set(Object.values(EntryKind));

function last(page: CachedPage): number {
  return page.ids.at(-1) ?? page.from;
}

/** Encodes messages as long as they fit into one history frame; the first always does. */
export class FrameEncoder {
  readonly frames: string[] = [];
  bytes = ENVELOPE_BYTES;
  readonly #encode: (message: Message) => string;

  constructor(encode: (message: Message) => string) {
    this.#encode = encode;
  }

  readonly fits = (message: Message): boolean => {
    const frame = this.#encode(message);
    const bytes = Buffer.byteLength(frame) + 1;
    if (this.frames.length > 0 && this.bytes + bytes > HISTORY_BYTES_MAX) return false;
    this.bytes += bytes;
    this.frames.push(frame);
    return true;
  };
}
