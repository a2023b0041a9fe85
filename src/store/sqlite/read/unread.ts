import { LRUCache } from 'lru-cache';
import { UNREAD_MAX } from '../../../chat/messages.js';
import type { Unread } from '../../read-store.js';
import type { Connection } from '../database.js';
import { EVERYBODY } from '../entry-rows.js';
import { SQL } from './sql.js';

/** Messages are counted in pieces of UNREAD_MAX + 1. The member's own are in there, so that one may not be enough. */
const PIECES_MAX = 5;
const MENTIONS_LOOKED_AT_MAX = PIECES_MAX * UNREAD_MAX;
/** Fewer messages are counted again as fast as they are looked up. */
const REMEMBERED_MIN = 20;
const REMEMBERED_MAX = 50_000;

/** What was counted of a chat for a member. */
interface Counted {
  readonly readId: number;
  /** The newest change of the chat's messages at that time. A deletion would be a newer one. */
  readonly changeId: number;
  /** Up to this id messages are counted. */
  upTo: number;
  messages: number;
}

/**
 * Makes the function that counts what a member has not read. Those who never say what they read, as clients of the
 * original API, would have up to UNREAD_MAX messages of each of their chats counted in every list. That is why counts are
 * remembered: the next one goes on where the last one ended.
 */
export function unreadCounter(db: Connection) {
  const endOfPiece = db.prepare<[number, number, number], number>(SQL.unreadEnd).pluck();
  const count = db.prepare<[number, number, number, number], number>(SQL.unread).pluck();
  const mentioned = db.prepare<[number, number, number, number, number], number>(SQL.mentioned).pluck();
  const newestChange = db.prepare<[number], number>(SQL.newestChange).pluck();
  const remembered = new LRUCache<string, Counted>({ max: REMEMBERED_MAX });

  function counted(chatId: number, userId: number, readId: number, newest: number): Counted {
    const key = `${chatId} ${userId}`;
    const changeId = newestChange.get(chatId) ?? 0;
    const before = remembered.get(key);
    const isValid = before?.readId === readId && before.changeId === changeId;
    const now = isValid ? before : { readId, changeId, upTo: readId, messages: 0 };
    let pieces = 0;
    while (now.upTo < newest && now.messages <= UNREAD_MAX && pieces < PIECES_MAX) {
      const end = endOfPiece.get(chatId, now.upTo, UNREAD_MAX) ?? newest;
      now.messages += count.get(chatId, now.upTo, end, userId) ?? 0;
      now.upTo = end;
      pieces += 1;
    }
    if (now.messages >= REMEMBERED_MIN || pieces > 1) remembered.set(key, now);
    return now;
  }

  /** `newest` is the chat's newest message. */
  return (chatId: number, userId: number, readId: number, newest: number): Unread => {
    if (newest <= readId) return { readId, messages: 0, more: false, mentions: 0 };
    const { messages, upTo } = counted(chatId, userId, readId, newest);
    let mentions = 0;
    for (const user of [userId, EVERYBODY])
      mentions += mentioned.get(userId, chatId, user, readId, MENTIONS_LOOKED_AT_MAX) ?? 0;
    return {
      readId,
      messages: Math.min(messages, UNREAD_MAX),
      more: messages > UNREAD_MAX || upTo < newest,
      mentions: Math.min(mentions, UNREAD_MAX),
    };
  };
}
