import type { ChangedMessage, PageEntry } from '../../../chat/entries.js';
import { type Message, QUOTE_CHARACTERS_MAX, type Quote, type View } from '../../../chat/messages.js';
import { NO_QUOTES, NO_REACTIONS } from '../../loading.js';
import {
  type OwnReactions,
  type PageBounds,
  type Place,
  type Quotes,
  type Reacted,
  reactionKey,
} from '../../read-store.js';
import type { Connection } from '../database.js';
import { type MessageRow, messageOf } from '../entry-rows.js';
import { PIECE, SQL } from './sql.js';
import { unreadCounter } from './unread.js';

interface Numbered {
  readonly id: number;
  readonly n: number;
}

/** A change, and the message that it is about. */
type ChangeRow = readonly [id: number, authorId: number, time: number, ...message: MessageRow];

export type MessageQueries = ReturnType<typeof messageQueries>;

/** Makes the queries for the messages of chats and their changes. */
export function messageQueries(db: Connection) {
  const newestMessage = db.prepare<[number], MessageRow>(SQL.newestMessage).raw();
  const hasMessageAfter = db.prepare<[number, number, number], number>(SQL.hasMessageAfter).pluck();
  const newestMessageId = db.prepare<[number], number>(SQL.newestMessageId).pluck();
  const newestNumber = db.prepare<[number], Numbered>(SQL.newestNumber);
  const numberFrom = db.prepare<[number, number], Numbered>(SQL.numberFrom);
  const messagesDown = db.prepare<[number, number, number], MessageRow>(SQL.messagesDown).raw();
  const messagesUp = db.prepare<[number, number, number], MessageRow>(SQL.messagesUp).raw();
  const anyDown = db.prepare<[number, number, number, number, number], MessageRow>(SQL.anyMessageDown).raw();
  const anyUp = db.prepare<[number, number, number, number, number], MessageRow>(SQL.anyMessageUp).raw();
  const newestTombstone = db.prepare<[number], Numbered>(SQL.newestTombstone);
  const tombstonesNumbered = db.prepare<[number, number, number], number>(SQL.tombstonesNumbered).pluck();
  const newestChange = db.prepare<[number], number>(SQL.newestChange).pluck();
  const changesUp = db.prepare<[number, number, number], ChangeRow>(SQL.changesUp).raw();
  const quote = db.prepare<[number], Quote>(SQL.quote);
  const unread = unreadCounter(db);
  const reactors = db.prepare<[number, string, number, number], { id: number; name: string }>(SQL.reactors);
  const hasReacted = db.prepare<[number, string, number], number>(SQL.hasReacted).pluck();

  /** Gives the number of the message that `offset` others come after, of which `newest` is the last; below 1 when there is none. */
  function numberAtOffset(chatId: number, offset: number, newest: number): number {
    // Deleted messages keep their numbers, so that each of them that is passed leads one number further back.
    let from = newest;
    let number = newest - offset;
    for (;;) {
      const deleted = tombstonesNumbered.get(chatId, number, from) ?? 0;
      if (deleted === 0) return number;
      from = number;
      number -= deleted;
    }
  }

  /** Finds the message that `offset` others of the chat come after. Returns undefined when there is none. */
  function idAtOffset(chatId: number, offset: number): number | undefined {
    const newest = newestNumber.get(chatId);
    if (newest === undefined || offset >= newest.n) return undefined;
    const number = numberAtOffset(chatId, offset, newest.n);
    if (number < 1) return undefined;
    // Ids grow at least as fast as n, which bounds the id on both sides for the bisection.
    let low = number;
    let high = newest.id - (newest.n - number);
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const found = numberFrom.get(chatId, middle);
      if (found?.n === number) return found.id;
      if (found === undefined || found.n > number) high = middle;
      else low = found.id + 1;
    }
    return low;
  }

  function down(view: View, chatId: number, from: number, bounds: PageBounds) {
    const next =
      view === 'full'
        ? (id: number, count: number) => anyDown.all(chatId, id, chatId, id, count)
        : (id: number, count: number) => messagesDown.all(chatId, id, count);
    const read = (row: MessageRow) => messageOf(chatId, row);
    return collect(from, bounds, next, read, textOf, (id) => id - 1);
  }

  function up(view: View, chatId: number, after: number, bounds: PageBounds) {
    const next =
      view === 'full'
        ? (id: number, count: number) => anyUp.all(chatId, id, chatId, id, count)
        : (id: number, count: number) => messagesUp.all(chatId, id, count);
    const read = (row: MessageRow) => messageOf(chatId, row);
    return collect(after, bounds, next, read, textOf, (id) => id);
  }

  function changes(chatId: number, after: number, bounds: PageBounds) {
    const next = (id: number, count: number) => changesUp.all(chatId, id, count);
    const read = ([id, authorId, time, ...row]: ChangeRow): ChangedMessage => {
      return { kind: 'message_changed', id, chatId, authorId, time, message: messageOf(chatId, row) };
    };
    return collect(
      after,
      bounds,
      next,
      read,
      ({ message }) => message.text,
      (id) => id,
    );
  }

  return {
    newestMessage(chatId: number): Message | undefined {
      const row = newestMessage.get(chatId);
      return row && messageOf(chatId, row);
    },
    hasMessageAfter: (chatId: number, authorId: number, after: number) =>
      hasMessageAfter.get(chatId, after, authorId) !== undefined,
    /** The number of the newest message, deleted or not; 0 when there is none. */
    newestNumber: (chatId: number) =>
      Math.max(newestNumber.get(chatId)?.n ?? 0, newestTombstone.get(chatId)?.n ?? 0),

    /** Gives the page that ends `offset` messages before the newest, oldest first. */
    messagesBefore(view: View, chatId: number, offset: number, bounds: PageBounds) {
      const top = offset === 0 ? Number.MAX_SAFE_INTEGER : idAtOffset(chatId, offset);
      if (top === undefined) return { messages: [], more: false };
      const { entries, cut } = down(view, chatId, top, bounds);
      return { messages: entries.reverse(), more: cut };
    },

    /** Gives the newest id that sockets of a view are to hear of, 0 when there is none. */
    newestId(view: View, chatId: number): number {
      const message = newestMessageId.get(chatId) ?? 0;
      if (view === 'plain') return message;
      return Math.max(message, newestTombstone.get(chatId)?.id ?? 0, newestChange.get(chatId) ?? 0);
    },

    /** Gives messages and changes in the order of the log. Changes are few, and have an index of their own. */
    entriesAfter(view: View, chatId: number, after: number, bounds: PageBounds) {
      const messages = up(view, chatId, after, bounds);
      const changed = view === 'full' ? changes(chatId, after, bounds) : NO_CHANGES;
      // What follows after the end of either belongs to the next page.
      const end = Math.min(messages.end, changed.end);
      if (changed.entries.length === 0) return { entries: messages.entries, isWhole: end === NO_END };
      const all: PageEntry[] = [...messages.entries, ...changed.entries].sort((a, b) => a.id - b.id);
      const entries = within(
        bounds,
        all.filter(({ id }) => id <= end),
      );
      return { entries, isWhole: entries.length === all.length && end === NO_END };
    },

    /** Counts what a member has not read. `newest` is the chat's newest message. */
    unread,

    /** Gives the messages at a place, deleted ones too, oldest first. One more of each side is looked for. */
    messagesAt(chatId: number, { side, id }: Place, { max, maxBytes }: PageBounds) {
      const olderMax = side === 'before' ? max : side === 'after' ? 0 : Math.floor(max / 2);
      const newerMax = side === 'before' ? 0 : max - olderMax;
      const upTo = side === 'after' ? id : id - 1;
      const older = down('full', chatId, upTo, { max: olderMax + 1, maxBytes });
      const newer = up('full', chatId, upTo, { max: newerMax + 1, maxBytes });
      const before = older.entries.slice(0, olderMax).reverse();
      return {
        messages: [...before, ...newer.entries.slice(0, newerMax)],
        older: before.length,
        moreBefore: older.cut || older.entries.length > olderMax,
        moreAfter: newer.cut || newer.entries.length > newerMax,
      };
    },

    reactors(messageId: number, emoji: string, limit: number, offset: number) {
      return reactors.all(messageId, emoji, limit, offset);
    },

    /** Gives what the messages quote. */
    quotes(entries: readonly (PageEntry | { readonly kind: string })[]): Quotes {
      let found: Map<number, Quote> | undefined;
      for (const entry of entries) {
        const message = messageIn(entry);
        const replyTo = message?.extra?.replyTo;
        if (replyTo === undefined || found?.has(replyTo)) continue;
        const quoted = quote.get(replyTo);
        if (quoted === undefined) continue;
        found ??= new Map();
        found.set(replyTo, { ...quoted, text: shortened(quoted.text) });
      }
      return found ?? NO_QUOTES;
    },

    /** Gives the user's own reactions to messages. */
    own(userId: number, reacted: readonly Reacted[]): OwnReactions {
      if (reacted.length === 0) return NO_REACTIONS;
      const own = new Set<string>();
      for (const { messageId, reactions } of reacted) {
        for (const { emoji } of reactions) {
          if (hasReacted.get(messageId, emoji, userId) !== undefined) own.add(reactionKey(messageId, emoji));
        }
      }
      return own;
    },
  };
}

const NO_END = Number.POSITIVE_INFINITY;
const NO_CHANGES: Collected<ChangedMessage> = { entries: [], cut: false, end: NO_END };

/** The message that an entry is, or is about. */
function messageIn(entry: PageEntry | { readonly kind: string }): Message | undefined {
  if (entry.kind === 'message') return entry as Message;
  return entry.kind === 'message_changed' ? (entry as ChangedMessage).message : undefined;
}

function textOf({ text }: Message): string {
  return text;
}

function shortened(text: string): string {
  const characters = [...text];
  return characters.length > QUOTE_CHARACTERS_MAX
    ? `${characters.slice(0, QUOTE_CHARACTERS_MAX).join('')}…`
    : text;
}

/** As many of the entries as have room together, and one at least. */
function within({ max, maxBytes }: PageBounds, entries: readonly PageEntry[]): PageEntry[] {
  let bytes = 0;
  const end = entries.findIndex((entry, index) => {
    bytes += Buffer.byteLength(messageIn(entry)?.text ?? '');
    return index >= max || (index > 0 && bytes > maxBytes);
  });
  return entries.slice(0, end === -1 ? entries.length : end);
}

interface Collected<T> {
  readonly entries: T[];
  /** Their bytes ended the page. */
  readonly cut: boolean;
  /** The id of the last entry when others may follow; infinite when none do. */
  readonly end: number;
}

/** Reads entries piece by piece as long as they are within the bounds. */
function collect<Row extends readonly unknown[], T extends { readonly id: number }>(
  start: number,
  { max, maxBytes }: PageBounds,
  next: (from: number, count: number) => Row[],
  read: (row: Row) => T,
  text: (entry: T) => string,
  continueFrom: (id: number) => number,
): Collected<T> {
  const entries: T[] = [];
  let bytes = 0;
  let from = start;
  while (entries.length < max) {
    const wanted = Math.min(PIECE, max - entries.length);
    const piece = next(from, wanted);
    for (const row of piece) {
      const entry = read(row);
      bytes += Buffer.byteLength(text(entry));
      if (bytes > maxBytes && entries.length > 0)
        return { entries, cut: true, end: entries.at(-1)?.id ?? start };
      entries.push(entry);
      from = continueFrom(entry.id);
    }
    if (piece.length < wanted) return { entries, cut: false, end: NO_END };
  }
  return { entries, cut: false, end: entries.at(-1)?.id ?? start };
}
