import { assertNever, type Entry, type EntryKind, type MessageChange } from '../../chat/entries.js';
import type { Message, MessageExtra } from '../../chat/messages.js';

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
  message_edited: 11,
  message_deleted: 12,
  reaction_changed: 13,
  chat_read: 14,
} as const satisfies Record<StoredKind, number>;

const KINDS = new Map<number, StoredKind>(
  (Object.entries(KIND_NUMBERS) as [StoredKind, number][]).map(([kind, number]) => [number, kind]),
);

export const MESSAGE_KIND = KIND_NUMBERS.message;

const CHANGES = {
  message_edited: KIND_NUMBERS.message_edited,
  message_deleted: KIND_NUMBERS.message_deleted,
  reaction_changed: KIND_NUMBERS.reaction_changed,
} as const satisfies Record<MessageChange['kind'], number>;

/**
 * The changes of messages that a chat's sockets are told of, for SQL. Kinds of a newer version are left out, because this one cannot
 * read them: a page that seems to end before the newest change would be asked for again and again.
 */
export const CHANGE_KINDS = Object.values(CHANGES).join(', ');

/**
 * Who reads an entry, as the column `visibility` says. A change of a message is `superseded` by the next change of the same
 * message, as is what a member had read, and removed a while later; the place of a deleted message is its `tombstone`.
 */
export const Visibility = { workers: 0, history: 1, sockets: 2, superseded: 3, tombstone: 4 } as const;
type Visibility = (typeof Visibility)[keyof typeof Visibility];

/** The condition for entries of one visibility. Some share an index, which SQLite takes when it reads the index's condition. */
export function withVisibility(visibility: Visibility): string {
  const isAside = visibility > Visibility.sockets;
  return isAside
    ? `visibility > ${Visibility.sockets} AND visibility = ${visibility}`
    : `visibility = ${visibility}`;
}

/** Stands for all members among those whom a message mentions, in the table `mention`. */
export const EVERYBODY = 0;

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
  /** The message that a change is about. */
  readonly targetId: number | null;
  readonly clientId: string | null;
}

/** What the payload of a change has: the message, since the column `target_id` would cost each read of an entry 0.2 µs. */
type ChangePayload =
  | { readonly of: number; readonly version: number }
  | { readonly of: number }
  | { readonly of: number; readonly emoji: string; readonly isOn: boolean; readonly count: number };

export function rowOf(entry: NewEntry): NewRow {
  const none = {
    chatId: 0,
    authorId: 0,
    text: '',
    payload: null,
    visibility: Visibility.workers,
    targetId: null,
    clientId: null,
  };
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
    case 'group_deleted':
      return { ...none, kind, chatId: entry.chatId, authorId: entry.authorId };
    case 'chat_read': {
      const { chatId, authorId, readId, isShown } = entry;
      return { ...none, kind, chatId, authorId, payload: JSON.stringify({ readId, isShown }) };
    }
    case 'message_edited':
      return { ...changeRow(entry, { of: entry.messageId, version: entry.version }), text: entry.text };
    case 'message_deleted':
      return changeRow(entry, { of: entry.messageId });
    case 'reaction_changed': {
      const { messageId, emoji, isOn, count } = entry;
      return changeRow(entry, { of: messageId, emoji, isOn, count });
    }
    case 'tokens_revoked':
      return { ...none, kind, text: entry.claim, payload: JSON.stringify({ before: entry.before }) };
    default:
      return assertNever(entry);
  }
}

function changeRow(
  { kind, chatId, authorId, messageId, clientId }: Omit<MessageChange, 'id'>,
  payload: ChangePayload,
): NewRow {
  return {
    kind: KIND_NUMBERS[kind],
    chatId,
    authorId,
    text: '',
    payload: JSON.stringify(payload),
    visibility: Visibility.sockets,
    targetId: messageId,
    clientId,
  };
}

export function entryOf(row: EntryRow): Entry {
  const [id, chatId, number, authorId, text, time, clientId, payload] = row;
  const kind = KINDS.get(number);
  switch (kind) {
    case 'message':
      // Most messages have nothing beside their text.
      return payload === null
        ? { kind, id, chatId, authorId, text, time, clientId }
        : messageOf(chatId, [id, authorId, text, time, clientId, payload]);
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
    case 'chat_read': {
      const { readId, isShown } = JSON.parse(payload ?? '') as { readId: number; isShown: boolean };
      return { kind, id, time, chatId, authorId, readId, isShown };
    }
    case 'message_edited': {
      const { of, version } = JSON.parse(payload ?? '') as { of: number; version: number };
      return { kind, id, time, chatId, authorId, messageId: of, clientId, text, version };
    }
    case 'message_deleted': {
      const { of } = JSON.parse(payload ?? '') as { of: number };
      return { kind, id, time, chatId, authorId, messageId: of, clientId };
    }
    case 'reaction_changed': {
      const { of, ...reaction } = JSON.parse(payload ?? '') as {
        of: number;
        emoji: string;
        isOn: boolean;
        count: number;
      };
      return { kind, id, time, chatId, authorId, messageId: of, clientId, ...reaction };
    }
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

/** The columns of a MessageRow. The chat is not among them, as each of them costs about 0.2 µs on Node 20. */
export const MESSAGE_COLUMNS = 'id, author_id, text, time, client_id, payload';

export type MessageRow = readonly [
  id: number,
  authorId: number,
  text: string,
  time: number,
  clientId: string | null,
  /** What else the message has, as JSON of a MessageExtra. */
  extra: string | null,
];

export function messageOf(chatId: number, [id, authorId, text, time, clientId, extra]: MessageRow): Message {
  const message: Message = { kind: 'message', id, chatId, authorId, text, time, clientId };
  return extra === null ? message : { ...message, extra: JSON.parse(extra) as MessageExtra };
}
