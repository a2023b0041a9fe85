import type { Database } from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import { UNREAD_MAX } from '../../../src/chat/messages.js';
import { openWriter } from '../../../src/store/sqlite/database.js';
import { SqliteReadStore } from '../../../src/store/sqlite/read/read-store.js';
import { migrate } from '../../../src/store/sqlite/upkeep/migrations.js';
import { LedgerStore } from '../../../src/store/sqlite/write/ledger-store.js';
import { temporaryFolder } from '../../support/ledger.js';
import { NOTHING_KNOWN } from '../../support/store.js';
import { Visits } from '../../support/visits.js';

/** The reader is in every group. Some have many members, some have many messages, the first ones have both. */
const CHATS = 1000;
const LARGE = 10;
const LARGE_MEMBERS = 10_000;
const LONG = 20;
const LONG_MESSAGES = 3000;
const MESSAGES = 20;
const READER = 1;
const ENTRIES = LONG * LONG_MESSAGES + (CHATS - LONG) * MESSAGES;
/** For each chat: its membership, its row, its newest message, its marker and its newest change. */
const ROWS_PER_CHAT = 6;
const UNREAD_ROWS = LONG * 2 * (UNREAD_MAX + 1) + (CHATS - LONG) * 2 * MESSAGES;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let db: Database;
let visits: Visits;
beforeAll(async () => {
  folder = await temporaryFolder();
  db = openWriter(folder.path);
  migrate(db);
  db.pragma('synchronous = OFF'); // Only for making the tables.
  fill();
  visits = new Visits(db);
});
afterAll(async () => {
  db.close();
  await folder.remove();
});

/** A list by a worker that has counted nothing yet. */
function lists() {
  const store = new SqliteReadStore(visits.connection);
  return () =>
    visits.of(() => store.listOf(READER, { ...NOTHING_KNOWN, hasUser: () => true }, (rooms) => rooms).value);
}

function setRead(id: number): void {
  db.prepare('UPDATE member SET read_id = ? WHERE user_id = ?').run(id, READER);
}

it(`a list of ${CHATS} chats in which all is read is a few rows of each`, () => {
  setRead(ENTRIES);
  const { answer, visits: seen } = lists()();
  expect(answer.rooms).toHaveLength(CHATS);
  expect(answer.rooms.every(({ unread }) => unread.messages === 0)).toBe(true);
  expect(seen).toBeLessThanOrEqual(ROWS_PER_CHAT * CHATS);
});

it(`where nothing is read it is ${UNREAD_MAX} messages of each at most, which are not counted again`, () => {
  setRead(0);
  const list = lists();
  const first = list();
  expect(first.answer.rooms.filter(({ unread }) => unread.more)).toHaveLength(LONG);
  expect(first.visits).toBeGreaterThan(ENTRIES / 2);
  expect(first.visits).toBeLessThanOrEqual(ROWS_PER_CHAT * CHATS + UNREAD_ROWS);
  const second = list();
  expect(second.answer).toEqual(first.answer);
  expect(second.visits).toBeLessThanOrEqual(ROWS_PER_CHAT * CHATS);
});

it('of own messages it looks at some thousands at a time, and goes on with the next list', () => {
  setRead(0);
  db.prepare('UPDATE entry SET author_id = ? WHERE chat_id = 1').run(READER);
  const more = 9 * UNREAD_MAX;
  addMessages(1, READER, more);
  const list = lists();
  const first = list();
  const unreadOf = ({ rooms }: typeof first.answer) => rooms.find(({ chat }) => chat.id === 1)?.unread;
  expect(unreadOf(first.answer)).toMatchObject({ messages: 0, more: true });
  expect(first.visits).toBeLessThanOrEqual(ROWS_PER_CHAT * CHATS + UNREAD_ROWS + 2 * 5 * UNREAD_MAX);
  list();
  expect(unreadOf(list().answer)).toMatchObject({ messages: 0, more: false });
});

it('a read is a few rows, however many chats, members and messages there are', async () => {
  const store = new LedgerStore(visits.connection, 'incarnation', (error) => {
    throw error;
  });
  let number = 0;
  for (const chatId of [1, CHATS]) {
    for (const id of [10, ENTRIES, ENTRIES]) {
      number += 1;
      const command: Command = { kind: 'mark_read', actor: READER, chatId, id };
      const batch = { worker: 'w', number, confirmed: 0, crashes: 0, commands: [command] };
      const { answer, visits: seen } = visits.of(() => store.apply([batch], 1));
      expect((await answer).outcomes).toEqual([[{ ok: { readId: id } }]]);
      expect(seen).toBeGreaterThan(2);
      expect(seen, `chat ${chatId}, id ${id}`).toBeLessThanOrEqual(10);
    }
  }
});

it('who has read is the members of the group, and the reader alone is one row of them', () => {
  const store = new SqliteReadStore(visits.connection);
  const readers = (withOthers: boolean) => visits.of(() => store.readersFor(1, READER, withOthers).value);
  const all = readers(true);
  expect(all.answer).toHaveLength(LARGE_MEMBERS);
  expect(all.visits).toBeLessThanOrEqual(2 * LARGE_MEMBERS + 5);
  const own = readers(false);
  expect(own.answer).toHaveLength(1);
  expect(own.visits).toBeLessThanOrEqual(5);
});

it('those who are not in a chat cost the same whether there is one or not', () => {
  const store = new SqliteReadStore(visits.connection);
  for (const ask of [
    (chat: number) => store.readersFor(chat, LARGE_MEMBERS + 1, true),
    (chat: number) => store.unreadFor(chat, LARGE_MEMBERS + 1),
  ]) {
    const asked = [1, CHATS, CHATS + 1].map((chat) => visits.of(() => ask(chat).value));
    for (const found of asked) expect(found).toEqual({ answer: undefined, visits: asked[0]?.visits });
    expect(asked[0]?.visits).toBeLessThanOrEqual(2);
  }
});

function addMessages(chatId: number, authorId: number, count: number): void {
  db.prepare(
    `WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?)
     INSERT INTO entry (chat_id, kind, author_id, text, time, n) SELECT ?, 1, ?, 'a message', i, ? + i FROM numbers`,
  ).run(count, chatId, authorId, LONG_MESSAGES);
}

function fill(): void {
  db.exec(`
    WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${LARGE_MEMBERS})
    INSERT INTO user (id, username, username_key, name, description, created_at)
    SELECT i, i, i, 'User ' || i, '', 0 FROM numbers;

    WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${CHATS})
    INSERT INTO chat (id, type, name, description, owner_id, members_count, created_at)
    SELECT i, 'group', 'g', '', 1, iif(i <= ${LARGE}, ${LARGE_MEMBERS}, 2), 0 FROM numbers;

    INSERT INTO member (chat_id, user_id)
    SELECT chat.id, user.id FROM chat JOIN user ON user.id <= iif(chat.id <= ${LARGE}, ${LARGE_MEMBERS}, 2);

    WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${LONG_MESSAGES})
    INSERT INTO entry (chat_id, kind, author_id, text, time, n)
    SELECT chat.id, 1, 2, 'message ' || i, i, i FROM numbers JOIN chat
    WHERE i <= iif(chat.id <= ${LONG}, ${LONG_MESSAGES}, ${MESSAGES}) ORDER BY i, chat.id;
  `);
}
