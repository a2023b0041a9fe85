import type { ChatEntry } from '../../../chat/entries.js';
import type { Message } from '../../../chat/messages.js';
import type { PageBounds } from '../../read-store.js';
import type { Connection } from '../database.js';
import { type EntryRow, entryOf, isChatEntry } from '../entry-rows.js';
import { type MessageRow, PIECE, SQL } from './sql.js';

interface Numbered {
  readonly id: number;
  readonly n: number;
}

/** Makes the queries for the messages and changes of chats. */
export function messageQueries(db: Connection) {
  const newestMessage = db.prepare<[number], MessageRow>(SQL.newestMessage).raw();
  const hasMessageAfter = db.prepare<[number, number, number], number>(SQL.hasMessageAfter).pluck();
  const newestMessageId = db.prepare<[number], number>(SQL.newestMessageId).pluck();
  const newestNumber = db.prepare<[number], Numbered>(SQL.newestNumber);
  const numberFrom = db.prepare<[number, number], Numbered>(SQL.numberFrom);
  const messagesDown = db.prepare<[number, number, number], MessageRow>(SQL.messagesDown).raw();
  const messagesUp = db.prepare<[number, number, number], MessageRow>(SQL.messagesUp).raw();
  const newestChange = db.prepare<[number], number>(SQL.newestChange).pluck();
  const changesUp = db.prepare<[number, number, number], EntryRow>(SQL.changesUp).raw();

  /** Finds the message that `offset` others of the chat come after. Returns undefined when there is none. */
  function idAtOffset(chatId: number, offset: number): number | undefined {
    const last = newestNumber.get(chatId);
    if (last === undefined || offset >= last.n) return undefined;
    const target = last.n - offset;
    // Ids grow at least as fast as n, which bounds the target's id on both sides for the bisection.
    let low = target;
    let high = last.id - offset;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const found = numberFrom.get(chatId, middle);
      if (found?.n === target) return found.id;
      if (found === undefined || found.n > target) high = middle;
      else low = found.id + 1;
    }
    return numberFrom.get(chatId, low)?.id;
  }

  return {
    newestMessage(chatId: number): Message | undefined {
      const row = newestMessage.get(chatId);
      return row && messageOf(chatId, row);
    },
    hasMessageAfter: (chatId: number, authorId: number, after: number) =>
      hasMessageAfter.get(chatId, after, authorId) !== undefined,

    /** Gives the page that ends `offset` messages before the newest, oldest first. */
    messagesBefore(chatId: number, offset: number, bounds: PageBounds) {
      const top = offset === 0 ? Number.MAX_SAFE_INTEGER : idAtOffset(chatId, offset);
      if (top === undefined) return { messages: [], more: false };
      const next = (from: number, count: number) => messagesDown.all(chatId, from, count);
      const { messages, cut } = collect(chatId, top, bounds, next, (id) => id - 1);
      return { messages: messages.reverse(), more: cut };
    },

    /** Gives the newest id of a message or change, 0 when there is none. */
    newestId: (chatId: number) => Math.max(newestMessageId.get(chatId) ?? 0, newestChange.get(chatId) ?? 0),

    /** Gives messages and changes in the order of the log. Changes are few, and have an index of their own. */
    entriesAfter(chatId: number, after: number, bounds: PageBounds): ChatEntry[] {
      const next = (from: number, count: number) => messagesUp.all(chatId, from, count);
      const { messages, cut } = collect(chatId, after, bounds, next, (id) => id);
      const changes = changesUp.all(chatId, after, bounds.max);
      if (changes.length === 0) return messages;
      // A change after the last message belongs to the next page: of a page that was cut, and of one that is full.
      const end = cut ? (messages.at(-1)?.id ?? after) : Number.POSITIVE_INFINITY;
      const read = changes.map(entryOf).filter(isChatEntry);
      const whole = [...messages, ...read.filter(({ id }) => id < end)].sort((a, b) => a.id - b.id);
      return whole.slice(0, bounds.max);
    },
  };
}

function messageOf(chatId: number, [id, authorId, text, time, clientId]: MessageRow): Message {
  return { kind: 'message', id, chatId, authorId, text, time, clientId };
}

/** Reads messages piece by piece as long as they are within the bounds. `cut` says whether their bytes ended that. */
function collect(
  chatId: number,
  start: number,
  { max, maxBytes }: PageBounds,
  next: (from: number, count: number) => MessageRow[],
  continueFrom: (id: number) => number,
): { messages: Message[]; cut: boolean } {
  const messages: Message[] = [];
  let bytes = 0;
  let from = start;
  while (messages.length < max) {
    const wanted = Math.min(PIECE, max - messages.length);
    const piece = next(from, wanted);
    for (const row of piece) {
      const message = messageOf(chatId, row);
      bytes += Buffer.byteLength(message.text);
      if (bytes > maxBytes && messages.length > 0) return { messages, cut: true };
      messages.push(message);
      from = continueFrom(message.id);
    }
    if (piece.length < wanted) break;
  }
  return { messages, cut: false };
}
