import type { Chat } from '../../../chat/chats.js';
import type { Entry } from '../../../chat/entries.js';
import type { Message } from '../../../chat/messages.js';
import type { User } from '../../../chat/users.js';
import type { Fits, MessagePage, ReadStore, ReadView, Revocation } from '../../read-store.js';
import { type Connection, openReader } from '../database.js';

/** Rows are read in pieces of this many, so that a bound in bytes is not passed by reading far beyond it. */
const PIECE = 64;
/** What an entry weighs on the wire beside its text, about. */
const ENTRY_OVERHEAD_BYTES = 160;

const ENTRY = 'id, chat_id, kind, author_id, text, time, client_id, users';
const MESSAGE = 'id, author_id, text, time, client_id';

/**
 * The reads whose cost must not grow with the table; a test counts the rows that each visits. The plus in
 * `LIMIT +?` hides the parameter from SQLite, which would plan the statement anew for each call (9 µs of 10).
 */
export const SQL = {
  newest: 'SELECT id FROM entry ORDER BY id DESC LIMIT 1',
  entriesAfter: `SELECT ${ENTRY} FROM entry WHERE id > ? ORDER BY id LIMIT +?`,
  newestMessage: `SELECT ${MESSAGE} FROM entry WHERE chat_id = ? AND kind = 1 ORDER BY id DESC LIMIT 1`,
  hasMessageAfter: 'SELECT 1 FROM entry WHERE chat_id = ? AND kind = 1 AND id > ? AND author_id = ? LIMIT 1',
  newestNumber: 'SELECT id, n FROM entry WHERE chat_id = ? AND kind = 1 ORDER BY id DESC LIMIT 1',
  numberFrom: 'SELECT id, n FROM entry WHERE chat_id = ? AND kind = 1 AND id >= ? ORDER BY id LIMIT 1',
  messagesDown: `SELECT ${MESSAGE} FROM entry WHERE chat_id = ? AND kind = 1 AND id <= ? ORDER BY id DESC LIMIT +?`,
  messagesUp: `SELECT ${MESSAGE} FROM entry WHERE chat_id = ? AND kind = 1 AND id > ? ORDER BY id LIMIT +?`,
  chatsOf: `SELECT m.chat_id FROM member m JOIN chat c ON c.id = m.chat_id
            WHERE m.user_id = ? AND c.deleted_at IS NULL ORDER BY m.chat_id`,
  groupsOf: `SELECT m.chat_id FROM member m JOIN chat c ON c.id = m.chat_id
             WHERE m.user_id = ? AND c.deleted_at IS NULL AND c.type = 'group' ORDER BY m.chat_id`,
} as const;

/** A row of ENTRY. As an array: objects made by the driver cost half of what following the log does. */
type EntryRow = [
  id: number,
  chatId: number,
  kind: number,
  authorId: number,
  text: string,
  time: number,
  clientId: string | null,
  users: string | null,
];
const NO_USERS: readonly number[] = [];

/** A row of MESSAGE. Whoever asks knows the chat, and each column costs about 0.2 µs on Node 20. */
type MessageRow = [id: number, authorId: number, text: string, time: number, clientId: string | null];

interface ChatRow extends Omit<Chat, 'pair'> {
  readonly userA: number | null;
  readonly userB: number | null;
}

/** Opens the read side of the database in `dataDir`, which the ledger has made. */
export function openReadStore(dataDir: string): ReadStore {
  return new SqliteReadStore(openReader(dataDir));
}

class SqliteReadStore implements ReadStore {
  readonly databaseId: string;
  readonly #db: Connection;
  readonly #view: ReadView;
  readonly #begin;
  readonly #end;
  readonly #incarnation;

  constructor(db: Connection) {
    this.#db = db;
    this.databaseId = databaseIdOf(db);
    this.#view = readView(db);
    this.#begin = db.prepare('BEGIN');
    this.#end = db.prepare('COMMIT');
    this.#incarnation = db.prepare<[string], number>('SELECT 1 FROM incarnation WHERE id = ?').pluck();
  }

  snapshot<T>(use: (view: ReadView) => T): T {
    this.#begin.run();
    try {
      return use(this.#view);
    } finally {
      this.#end.run();
    }
  }

  hasIncarnation(incarnation: string): boolean {
    return this.#incarnation.get(incarnation) !== undefined;
  }

  close(): void {
    this.#db.close();
  }
}

/** Which database the connection is to. */
export function databaseIdOf(db: Connection): string {
  const id = db.prepare<[], string>('SELECT id FROM identity').pluck().get();
  if (id === undefined) throw new Error('the database has no id');
  return id;
}

/** The reads over one connection; the writer has them too, within its transactions. */
export function readView(db: Connection): ReadView {
  const newest = db.prepare<[], number>(SQL.newest).pluck();
  const entriesAfter = db.prepare<[number, number], EntryRow>(SQL.entriesAfter).raw();
  const user = db.prepare<[number], User>(
    'SELECT id, username, name, description, photo FROM user WHERE id = ?',
  );
  const userOfSubject = db.prepare<[string], number>('SELECT id FROM user WHERE subject = ?').pluck();
  const revocations = db.prepare<[], Revocation>('SELECT claim, before FROM revocation');
  const revokedBefore = db.prepare<[string], number>('SELECT before FROM revocation WHERE claim = ?').pluck();
  const chat = db.prepare<[number], ChatRow>(
    `SELECT id, type, name, description, photo, owner_id AS ownerId, user_a AS userA, user_b AS userB,
            members_count AS membersCount FROM chat WHERE id = ? AND deleted_at IS NULL`,
  );
  const isMember = db
    .prepare<[number, number], number>('SELECT 1 FROM member WHERE chat_id = ? AND user_id = ?')
    .pluck();
  const members = db.prepare<[number], { id: number; name: string }>(
    'SELECT u.id, u.name FROM member m JOIN user u ON u.id = m.user_id WHERE m.chat_id = ? ORDER BY m.user_id',
  );
  const chatsOf = db.prepare<[number], number>(SQL.chatsOf).pluck();
  const groupsOf = db.prepare<[number], number>(SQL.groupsOf).pluck();
  const newestMessage = db.prepare<[number], MessageRow>(SQL.newestMessage).raw();
  const hasMessageAfter = db.prepare<[number, number, number], number>(SQL.hasMessageAfter).pluck();
  const newestNumber = db.prepare<[number], Numbered>(SQL.newestNumber);
  const numberFrom = db.prepare<[number, number], Numbered>(SQL.numberFrom);
  const messagesDown = db.prepare<[number, number, number], MessageRow>(SQL.messagesDown).raw();
  const messagesUp = db.prepare<[number, number, number], MessageRow>(SQL.messagesUp).raw();

  /** The id of the message that `offset` others of the chat come after, or undefined past the beginning. */
  function idAtOffset(chatId: number, offset: number): number | undefined {
    const last = newestNumber.get(chatId);
    if (last === undefined || offset >= last.n) return undefined;
    const target = last.n - offset;
    // Ids grow at least as fast as n, on both sides of the target: that is where the bisection begins.
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

  // What is kept in caches is built anew: each row of better-sqlite3 has a hidden class of its own, 380 bytes.
  return {
    newest: () => newest.get() ?? 0,

    entriesAfter(position, max, maxBytes) {
      const entries: Entry[] = [];
      let bytes = 0;
      let after = position;
      while (entries.length < max) {
        const wanted = Math.min(PIECE, max - entries.length);
        const rows = entriesAfter.all(after, wanted);
        for (const [id, chatId, kind, authorId, text, time, clientId, list] of rows) {
          bytes += Buffer.byteLength(text) + (list?.length ?? 0) + ENTRY_OVERHEAD_BYTES;
          if (bytes > maxBytes && entries.length > 0) return { entries, more: true };
          const users = list === null ? NO_USERS : (JSON.parse(list) as number[]);
          entries.push({ id, chatId, kind, authorId, text, time, clientId, users });
        }
        if (rows.length < wanted) return { entries, more: false };
        after = entries.at(-1)?.id ?? after;
      }
      return { entries, more: entriesAfter.get(after, 1) !== undefined };
    },

    user(id) {
      const row = user.get(id);
      if (row === undefined) return undefined;
      const { username, name, description, photo } = row;
      return { id, username, name, description, photo };
    },
    userOfSubject: (subject) => userOfSubject.get(subject),
    revocations: () => revocations.all(),
    revokedBefore: (claim) => revokedBefore.get(claim),

    chat(id) {
      const row = chat.get(id);
      if (row === undefined) return undefined;
      const { type, name, description, photo, ownerId, userA, userB, membersCount } = row;
      const pair = userA === null || userB === null ? null : ([userA, userB] as const);
      return { id, type, name, description, photo, ownerId, pair, membersCount };
    },
    isMember: (chatId, userId) => isMember.get(chatId, userId) !== undefined,
    members: (chatId) => members.all(chatId),
    chatsOf: (userId) => chatsOf.all(userId),
    groupsOf: (userId) => groupsOf.all(userId),

    newestMessage(chatId) {
      const row = newestMessage.get(chatId);
      return row && messageOf(chatId, row);
    },
    hasMessageAfter: (chatId, authorId, after) => hasMessageAfter.get(chatId, after, authorId) !== undefined,

    messagesBefore(chatId, offset, limit, fits) {
      const top = offset === 0 ? Number.MAX_SAFE_INTEGER : idAtOffset(chatId, offset);
      if (top === undefined) return { messages: [], more: false };
      const next = (from: number, count: number) => messagesDown.all(chatId, from, count);
      const page = collect(chatId, top, limit, fits, next, (id) => id - 1);
      return { messages: page.messages.reverse(), more: page.cut };
    },

    messagesAfter(chatId, after, limit, fits) {
      const next = (from: number, count: number) => messagesUp.all(chatId, from, count);
      const page = collect(chatId, after, limit, fits, next, (id) => id);
      const last = page.messages.at(-1)?.id ?? after;
      return { messages: page.messages, more: page.cut || messagesUp.get(chatId, last, 1) !== undefined };
    },
  };
}

interface Numbered {
  readonly id: number;
  readonly n: number;
}

function messageOf(chatId: number, [id, authorId, text, time, clientId]: MessageRow): Message {
  return { id, chatId, authorId, text, time, clientId };
}

/** Reads up to `limit` messages piece by piece, as long as they fit; the first always does. */
function collect(
  chatId: number,
  start: number,
  limit: number,
  fits: Fits,
  next: (from: number, count: number) => MessageRow[],
  continueFrom: (id: number) => number,
): Omit<MessagePage, 'more'> & { cut: boolean } {
  const messages: Message[] = [];
  let from = start;
  while (messages.length < limit) {
    const wanted = Math.min(PIECE, limit - messages.length);
    const piece = next(from, wanted);
    for (const row of piece) {
      const message = messageOf(chatId, row);
      if (!fits(message) && messages.length > 0) return { messages, cut: true };
      messages.push(message);
      from = continueFrom(message.id);
    }
    if (piece.length < wanted) break;
  }
  return { messages, cut: false };
}
