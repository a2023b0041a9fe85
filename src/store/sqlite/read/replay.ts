import type { Chat } from '../../../chat/chats.js';
import { otherOf } from '../../../chat/chats.js';
import type { PageEntry } from '../../../chat/entries.js';
import type { Replay, ReplayBounds, ReplayItem } from '../../read-store.js';
import type { Connection } from '../database.js';
import type { MessageQueries } from './messages.js';
import type { Profiles } from './profiles.js';
import { SQL } from './sql.js';

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
  const entryIds = db
    .prepare<[number, number, number, number, number, number, number], number>(SQL.entryIds)
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

  /** What happened in a chat that the user was in all the time. */
  function messageEvents(of: Membership, userId: number, after: number, bounds: ReplayBounds): Event[] {
    const { chatId } = of;
    const events: Event[] = [];
    if (messages.newestId('full', chatId) <= after) return events;
    const ids = entryIds.all(chatId, after, chatId, after, chatId, after, bounds.perChatMax + 1);
    const [first = 0] = ids;
    if (ids.length > bounds.perChatMax) {
      events.push({ id: first, read: () => withNewestPage('limited', first, of, userId, bounds.newest) });
      return events;
    }
    let loaded: ReadonlyMap<number, PageEntry> | undefined;
    const entryOf = (id: number) => {
      if (loaded === undefined) {
        const page = messages.entriesAfter('full', chatId, after, { max: ids.length, maxBytes: MANY_BYTES });
        loaded = new Map(page.entries.map((entry) => [entry.id, entry]));
      }
      return loaded.get(id);
    };
    for (const id of ids) {
      events.push({
        id,
        read() {
          const entry = entryOf(id);
          return entry && { kind: 'entry', id, entry };
        },
      });
    }
    return events;
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
  ): Event[] {
    const events: Event[] = [...profileEvent(userId, after)];
    for (const of of memberships) {
      const { chatId, joinedId, userA, userB } = of;
      const from = Math.max(after, sent.get(chatId) ?? 0);
      if (joinedId > from) {
        events.push({
          id: joinedId,
          read: () => withNewestPage('added', joinedId, of, userId, bounds.newest),
        });
        continue;
      }
      // A newest page does not say everything of its group.
      events.push(...chatEvent(of, after), ...messageEvents(of, userId, from, bounds));
      if (userA !== null && userB !== null)
        events.push(...profileEvent(otherOf([userA, userB], userId), after, chatId));
    }
    for (const ended of [departures, deletedGroups]) {
      for (const { chatId, id } of ended.all(userId, after))
        events.push({ id, read: () => ({ kind: 'removed', id, chatId }) });
    }
    return events.sort((a, b) => a.id - b.id);
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
      bytes += textBytes(item);
      if (mayEnd && bytes > bounds.maxBytes) return cut();
      items.push(item);
      last = event.id;
    }
    return { items, last, isWhole: true, groups, unread: unreadOf(memberships, userId) };
  };
}

/** A newest page is cut here. */
const NEWEST_BYTES_MAX = 64 * 1024;
/** More than the entries of one chat in a replay have. */
const MANY_BYTES = Number.MAX_SAFE_INTEGER;

function textBytes(item: ReplayItem): number {
  switch (item.kind) {
    case 'entry':
      return Buffer.byteLength(item.entry.kind === 'message' ? item.entry.text : item.entry.message.text);
    case 'added':
    case 'limited':
      return item.messages.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    default:
      return 0;
  }
}
