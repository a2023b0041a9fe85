import type { Chat } from '../../../chat/chats.js';
import { otherOf } from '../../../chat/chats.js';
import type { PageEntry } from '../../../chat/entries.js';
import type { Message } from '../../../chat/messages.js';
import type { Replay, ReplayBounds, ReplayItem } from '../../read-store.js';
import type { Connection } from '../database.js';
import { merged } from './merged.js';
import type { MessageQueries } from './messages.js';
import type { Profiles } from './profiles.js';
import { PIECE, SQL } from './sql.js';

interface Membership {
  readonly chatId: number;
  readonly readId: number;
  readonly joinedId: number;
  readonly changedId: number;
  readonly type: Chat['type'];
  readonly userA: number | null;
  readonly userB: number | null;
}

/** An item that is not read yet. */
interface Event {
  readonly id: number;
  /** Undefined for one that is gone since. */
  read(): ReplayItem | undefined;
}

export interface ReplayItems {
  readonly items: ReplayItem[];
  readonly last: number;
  readonly isWhole: boolean;
  readonly groups: number[];
  readonly unread: Replay['unread'];
}

/**
 * Makes the reader of what happened in the chats of a user. A page costs a few seeks for each chat, and a chat's entries are
 * found by their ids alone before those that the page has room for are read.
 */
export function replayReader(db: Connection, profiles: Profiles, messages: MessageQueries) {
  const membershipsOf = db.prepare<[number], Membership>(SQL.membershipsOf);
  const departures = db.prepare<[number, number], { chatId: number; id: number }>(SQL.departures);
  const deletedGroups = db.prepare<[number, number], { chatId: number; id: number }>(SQL.deletedGroups);
  const userChangedId = db.prepare<[number], number>(SQL.userChangedId).pluck();
  const entryId = db
    .prepare<[number, number, number, number, number, number, number], number>(SQL.entryId)
    .pluck();

  function withNewestPage(
    kind: 'added' | 'limited',
    id: number,
    of: Membership,
    userId: number,
    count: number,
  ) {
    const { chatId, readId } = of;
    const chat = profiles.chat(chatId);
    if (chat === undefined) return undefined;
    const bounds = { max: count + 1, maxBytes: NEWEST_BYTES_MAX };
    const page = messages.messagesBefore('full', chatId, 0, bounds);
    const more = page.more || page.messages.length > count;
    const newest = messages.newestMessage(chatId)?.id ?? 0;
    const unread = messages.unread(chatId, userId, readId, newest);
    return { kind, id, chat, messages: page.messages.slice(-count), more, unread };
  }

  function chatEvent({ chatId, changedId: id }: Membership, after: number): Event[] {
    if (id <= after) return [];
    return [
      {
        id,
        read() {
          const chat = profiles.chat(chatId);
          return chat && { kind: 'chat', id, chat };
        },
      },
    ];
  }

  /** What was said and changed in a chat that the user was in all the time. */
  function* messageEvents(of: Membership, userId: number, after: number, bounds: ReplayBounds) {
    const { chatId } = of;
    const idAt = (offset: number) => entryId.get(chatId, after, chatId, after, chatId, after, offset);
    const first = idAt(0);
    if (first === undefined) return;
    // Nothing else is read of a chat whose turn does not come within the page.
    let isLimited: boolean | undefined;
    let piece: readonly PageEntry[] = [];
    yield {
      id: first,
      read(): ReplayItem | undefined {
        isLimited = idAt(bounds.perChatMax) !== undefined;
        if (isLimited) return withNewestPage('limited', first, of, userId, bounds.newest);
        piece = messages.entriesAfter('full', chatId, after, { ...bounds, max: PIECE_MIN }).entries;
        return itemOf(piece[0]);
      },
    };
    if (isLimited) return;
    for (let max = PIECE_MIN; piece.length > 0; max = Math.min(2 * max, PIECE)) {
      const last = piece.at(-1)?.id ?? first;
      for (const entry of piece) if (entry.id !== first) yield { id: entry.id, read: () => itemOf(entry) };
      piece = messages.entriesAfter('full', chatId, last, { ...bounds, max }).entries;
    }
  }

  function profileEvent(userId: number, after: number, chatId?: number): Event[] {
    const id = userChangedId.get(userId) ?? 0;
    if (id <= after) return [];
    return [
      {
        id,
        read() {
          const user = profiles.user(userId);
          return user && { kind: 'profile', id, user, chatId };
        },
      },
    ];
  }

  /** `sent` has the chats that were sent with their newest page, up to which position. */
  function eventsOf(
    memberships: readonly Membership[],
    userId: number,
    after: number,
    sent: ReadonlyMap<number, number>,
    bounds: ReplayBounds,
  ): Iterable<Event> {
    const single: Event[] = [...profileEvent(userId, after)];
    const ofChats: Iterator<Event>[] = [];
    for (const of of memberships) {
      const { chatId, joinedId, userA, userB } = of;
      const from = Math.max(after, sent.get(chatId) ?? 0);
      if (joinedId > from) {
        const read = () => withNewestPage('added', joinedId, of, userId, bounds.newest);
        single.push({ id: joinedId, read });
        continue;
      }
      // A newest page does not say everything of its group.
      single.push(...chatEvent(of, after));
      ofChats.push(messageEvents(of, userId, from, bounds));
      if (userA !== null && userB !== null)
        single.push(...profileEvent(otherOf([userA, userB], userId), after, chatId));
    }
    for (const ended of [departures, deletedGroups]) {
      for (const { chatId, id } of ended.all(userId, after))
        single.push({ id, read: () => ({ kind: 'removed', id, chatId }) });
    }
    single.sort((a, b) => a.id - b.id);
    return merged([single.values(), ...ofChats]);
  }

  function unreadOf(memberships: readonly Membership[], userId: number): Replay['unread'] {
    return memberships
      .map(({ chatId, readId }) => {
        const newest = messages.newestId('plain', chatId);
        return [chatId, messages.unread(chatId, userId, readId, newest)] as const;
      })
      .filter(([, unread]) => unread.messages > 0 || unread.more);
  }

  return (
    userId: number,
    after: number,
    sent: ReadonlyMap<number, number>,
    bounds: ReplayBounds,
  ): ReplayItems => {
    const memberships = membershipsOf.all(userId);
    const groups = memberships.filter(({ type }) => type === 'group').map(({ chatId }) => chatId);
    const events = eventsOf(memberships, userId, after, sent, bounds);
    const cut = () => ({ items, last, isWhole: false, groups, unread: [] });
    const items: ReplayItem[] = [];
    let bytes = 0;
    let last = after;
    for (const event of events) {
      // Several things may have one id, and a page ends between ids.
      const mayEnd = items.length > 0 && event.id > last;
      if (mayEnd && items.length >= bounds.max) return cut();
      const item = event.read();
      if (item === undefined) continue;
      bytes += bytesOf(item);
      if (mayEnd && bytes > bounds.maxBytes) return cut();
      items.push(item);
      last = event.id;
    }
    return { items, last, isWhole: true, groups, unread: unreadOf(memberships, userId) };
  };
}

/** A newest page is cut here. */
const NEWEST_BYTES_MAX = 64 * 1024;
/** A chat's entries are read in pieces, since those of many chats share a page. */
const PIECE_MIN = 4;

// About how many bytes a frame has beside its text, when all of these are long.
const MESSAGE_BYTES = 300;
const QUOTE_BYTES = 1000;
const REACTION_BYTES = 80;
const MENTION_BYTES = 16;

function itemOf(entry: PageEntry | undefined): ReplayItem | undefined {
  return entry && { kind: 'entry', id: entry.id, entry };
}

/** About how many bytes an item is sent as. */
function bytesOf(item: ReplayItem): number {
  switch (item.kind) {
    case 'entry':
      return messageBytes(item.entry.kind === 'message' ? item.entry : item.entry.message);
    case 'added':
    case 'limited':
      return item.messages.reduce((sum, message) => sum + messageBytes(message), MESSAGE_BYTES);
    default:
      return MESSAGE_BYTES;
  }
}

function messageBytes({ text, extra }: Message): number {
  const { replyTo, reactions = [], mentions = [] } = extra ?? {};
  const quote = replyTo === undefined ? 0 : QUOTE_BYTES;
  const marks = reactions.length * REACTION_BYTES + mentions.length * MENTION_BYTES;
  // What is escaped takes up to six bytes.
  return Buffer.byteLength(JSON.stringify(text)) + MESSAGE_BYTES + quote + marks;
}
