import { assertNever, type ChatEntry, type Entry, type EntryKind } from '../../chat/entries.js';

type StoredKind = Exclude<EntryKind, 'unknown'>;

/** The numbers that the column `kind` holds. A number is never used again for another kind. */
const KIND_NUMBERS = {
  message: 1,
  user_created: 2,
  chat_opened: 3,
  group_created: 4,
  members_added: 5,
  members_removed: 6,
  group_deleted: 7,
  tokens_revoked: 8,
  group_changed: 9,
  user_changed: 10,
} as const satisfies Record<StoredKind, number>;

const KINDS = new Map<number, StoredKind>(
  (Object.entries(KIND_NUMBERS) as [StoredKind, number][]).map(([kind, number]) => [number, kind]),
);

export const MESSAGE_KIND = KIND_NUMBERS.message;

const CHANGES = { group_changed: KIND_NUMBERS.group_changed } as const satisfies Record<
  Exclude<ChatEntry['kind'], 'message'>,
  number
>;

/**
 * The changes that a chat's sockets are told of, for SQL. Kinds of a newer version are left out, because this one cannot
 * read them: a page that seems to end before the newest change would be asked for again and again.
 */
export const CHANGE_KINDS = Object.values(CHANGES).join(', ');

/** Who reads an entry, as the column `visibility` says. */
export const Visibility = { workers: 0, history: 1, sockets: 2 } as const;
type Visibility = (typeof Visibility)[keyof typeof Visibility];

/** The columns of an EntryRow, in its order. */
export const ENTRY_COLUMNS = 'id, chat_id, kind, author_id, text, time, client_id, payload';

/** Rows are arrays, because objects that the driver makes cost half of the time that following the log takes. */
export type EntryRow = readonly [
  id: number,
  chatId: number,
  kind: number,
  authorId: number,
  text: string,
  time: number,
  clientId: string | null,
  payload: string | null,
];

/** An entry without what the table gives it. */
export type NewEntry = { [K in Entry as K['kind']]: Omit<K, 'id'> }[Exclude<StoredKind, 'message'>];

/** The columns of an entry that is no message. Messages have a statement of their own. */
export interface NewRow {
  readonly kind: number;
  readonly chatId: number;
  readonly authorId: number;
  readonly text: string;
  readonly payload: string | null;
  readonly visibility: Visibility;
}

export function rowOf(entry: NewEntry): NewRow {
  const none = { chatId: 0, authorId: 0, text: '', payload: null, visibility: Visibility.workers };
  const kind = KIND_NUMBERS[entry.kind];
  switch (entry.kind) {
    case 'user_created':
    case 'user_changed':
      return { ...none, kind, authorId: entry.userId };
    case 'chat_opened':
    case 'group_created':
    case 'members_added':
    case 'members_removed': {
      const { chatId, authorId, users } = entry;
      return { ...none, kind, chatId, authorId, payload: JSON.stringify(users) };
    }
    case 'group_changed':
      return {
        ...none,
        kind,
        chatId: entry.chatId,
        authorId: entry.authorId,
        visibility: Visibility.sockets,
      };
    case 'group_deleted':
      return { ...none, kind, chatId: entry.chatId, authorId: entry.authorId };
    case 'tokens_revoked':
      return { ...none, kind, text: entry.claim, payload: JSON.stringify({ before: entry.before }) };
    default:
      return assertNever(entry);
  }
}

export function entryOf(row: EntryRow): Entry {
  const [id, chatId, number, authorId, text, time, clientId, payload] = row;
  const kind = KINDS.get(number);
  switch (kind) {
    case 'message':
      return { kind, id, chatId, authorId, text, time, clientId };
    case undefined:
      return { kind: 'unknown', id, time };
    case 'user_created':
    case 'user_changed':
      return { kind, id, time, userId: authorId };
    case 'chat_opened':
    case 'group_created':
    case 'members_added':
    case 'members_removed':
      return { kind, id, time, chatId, authorId, users: JSON.parse(payload ?? '[]') as number[] };
    case 'group_changed':
    case 'group_deleted':
      return { kind, id, time, chatId, authorId };
    case 'tokens_revoked':
      return { kind, id, time, claim: text, before: revokedBefore(payload, time) };
    default:
      return assertNever(kind);
  }
}

/** Entries of schema 3 have no such time: the tokens of before the entry itself are void. */
function revokedBefore(payload: string | null, time: number): number {
  if (payload === null) return Math.floor(time / 1000);
  return (JSON.parse(payload) as { before: number }).before;
}

/** Whether a chat's sockets may be told of an entry. */
export function isChatEntry(entry: Entry): entry is ChatEntry {
  return entry.kind === 'message' || entry.kind in CHANGES;
}
