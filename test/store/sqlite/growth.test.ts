import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Connection, openWriter } from '../../../src/store/sqlite/database.js';
import { readView, SQL } from '../../../src/store/sqlite/read/read-store.js';
import { migrate } from '../../../src/store/sqlite/upkeep/migrations.js';

/** One chat of 999,900 messages, and 1000 small ones that talk in between: every tenth entry is theirs. */
const BIG = 1;
const SMALL = 2;
const SMALL_CHATS = 1000;
const ENTRIES = 1_111_000;
const BIG_MESSAGES = ENTRIES - ENTRIES / 10;
/** Restoring a backup raises the ids by this much, which the bisection must not mind. */
const GAP = 2 ** 40;
const GAP_AFTER = 600_000;
/** Users of one chat each, and one of all. */
const USERS = 5000;
const EVERYWHERE = USERS + 1;

/** 2^41 ids are halved 41 times; a few more for the ends. */
const SEEKS_MAX = 45;
const OFFSETS = [0, 10, 1000, 100_000, 500_000, 999_000, BIG_MESSAGES - 1];
const all = () => true;

/** The id of the big chat's message that `offset` others come after. */
function bigId(offset: number): number {
  const n = BIG_MESSAGES - offset;
  const entry = n + Math.floor((n - 1) / 9);
  return entry > GAP_AFTER ? entry + GAP : entry;
}

describe('with a million entries', () => {
  let folder: string;
  let db: Database;
  let visits = 0;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-growth-'));
    db = openWriter(folder);
    migrate(db);
    db.pragma('synchronous = OFF'); // Only for making the table.
    fill(db);
    // SQLite calls it once for each row that a statement looks at, because it is not deterministic.
    db.function('visited', { deterministic: false }, () => {
      visits += 1;
      return 1;
    });
  }, 120_000);
  afterAll(() => {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a read, and counts the rows that it visits. */
  function visitedBy(sql: string, ...parameters: number[]): { rows: unknown[]; visits: number } {
    visits = 0;
    const rows = db.prepare(counted(sql)).all(...parameters);
    return { rows, visits };
  }

  const newest = () => ENTRIES + GAP;
  const places = [0, 1, 500_000, GAP_AFTER - 3, GAP_AFTER, GAP + GAP_AFTER + 5, GAP + 1_000_000];

  it('the newest id is one row', () => {
    const found = visitedBy(SQL.newest);
    expect(found).toEqual({ rows: [{ id: newest() }], visits: 1 });
  });

  it('a page of the log is as many rows as it holds, anywhere', () => {
    for (const after of places) {
      const found = visitedBy(SQL.entriesAfter, after, 500);
      expect(found.rows).toHaveLength(500);
      expect(found.visits, `after ${after}`).toBeLessThanOrEqual(501);
    }
    expect(visitedBy(SQL.entriesAfter, newest(), 500).visits).toBe(0);
  });

  it("a chat's newest message is one row, in the big chat and in the small ones", () => {
    for (const chat of [BIG, SMALL, SMALL + 1, SMALL + SMALL_CHATS - 1]) {
      for (const sql of [SQL.newestMessage, SQL.newestNumber]) {
        const found = visitedBy(sql, chat);
        expect(found.rows).toHaveLength(1);
        expect(found.visits).toBe(1);
      }
    }
    expect(visitedBy(SQL.newestMessage, 999_999).visits).toBe(0);
  });

  it('a page of history is as many rows as it holds, anywhere', () => {
    for (const sql of [SQL.messagesDown, SQL.messagesUp]) {
      for (const chat of [BIG, SMALL + 500]) {
        for (const at of places) {
          const found = visitedBy(sql, chat, at, 100);
          expect(found.visits, `${sql} at ${at}`).toBeLessThanOrEqual(101);
          expect(found.rows.length).toBeLessThanOrEqual(100);
        }
      }
      expect(visitedBy(sql, BIG, 500_000, 100).rows).toHaveLength(100);
    }
  });

  it('the message at an id is one row, and what was said since is what came since', () => {
    for (const from of places) {
      expect(visitedBy(SQL.numberFrom, BIG, from).visits).toBe(1);
      expect(visitedBy(SQL.numberFrom, SMALL + 999, from).visits).toBeLessThanOrEqual(1);
    }
    // Asked for the newest few entries, by a signal that is some of them late.
    const nobody = visitedBy(SQL.hasMessageAfter, BIG, newest() - 100, 987_654);
    expect(nobody.rows).toEqual([]);
    expect(nobody.visits).toBeLessThanOrEqual(100);
    expect(visitedBy(SQL.hasMessageAfter, BIG, 0, 1).visits).toBeLessThanOrEqual(2);
  });

  it('the chats of a user are as many rows as they are', () => {
    for (const sql of [SQL.chatsOf, SQL.groupsOf]) {
      const one = visitedBy(sql, 17);
      expect(one.rows).toHaveLength(1);
      expect(one.visits).toBe(1);
      const every = visitedBy(sql, EVERYWHERE);
      expect(every.rows).toHaveLength(SMALL_CHATS + 1);
      expect(every.visits).toBe(SMALL_CHATS + 1);
    }
  });

  describe('a page at any offset', () => {
    it('is the right one, in the big chat and in small ones', () => {
      const view = readView(db);
      for (const offset of OFFSETS) {
        const page = view.messagesBefore(BIG, offset, 3, all).messages;
        const expected = [2, 1, 0].map((more) => offset + more).filter((at) => at < BIG_MESSAGES);
        expect(
          page.map(({ id }) => id),
          `offset ${offset}`,
        ).toEqual(expected.map(bigId));
      }
      for (const chat of [SMALL, SMALL + 1, SMALL + 999]) {
        const history = view.messagesAfter(chat, 0, 1000, all).messages;
        expect(history.length).toBeGreaterThanOrEqual(111);
        for (let offset = 0; offset <= history.length; offset += 5) {
          const end = history.length - offset;
          expect(view.messagesBefore(chat, offset, 10, all).messages).toEqual(
            history.slice(Math.max(0, end - 10), end),
          );
        }
      }
    });

    it(`costs ${SEEKS_MAX} seeks at most beside its messages`, () => {
      // The very reads of the store, with each row counted that any statement of theirs visits.
      const counting = { prepare: (sql: string) => db.prepare(counted(sql)) } as unknown as Connection;
      const view = readView(counting);
      for (const offset of OFFSETS) {
        visits = 0;
        const { messages } = view.messagesBefore(BIG, offset, 100, all);
        expect(messages.length).toBeGreaterThan(0);
        expect(visits).toBeGreaterThanOrEqual(messages.length);
        expect(visits - messages.length, `offset ${offset}`).toBeLessThanOrEqual(SEEKS_MAX);
      }
      for (let chat = SMALL; chat < SMALL + SMALL_CHATS; chat += 111) {
        for (const offset of [0, 1, 50, 110]) {
          visits = 0;
          const { messages } = view.messagesBefore(chat, offset, 1, all);
          expect(visits - messages.length, `chat ${chat}, offset ${offset}`).toBeLessThanOrEqual(SEEKS_MAX);
        }
      }
      visits = 0;
      expect(view.messagesBefore(BIG, BIG_MESSAGES, 100, all).messages).toEqual([]);
      expect(visits).toBeLessThanOrEqual(1);
    });

    it.each(OFFSETS)('takes under 5 ms at offset %d, warm', (offset) => {
      const view = readView(db);
      const times = Array.from({ length: 50 }, () => {
        const start = performance.now();
        view.messagesBefore(BIG, offset, 100, all);
        return performance.now() - start;
      });
      const [median = Number.POSITIVE_INFINITY] = times.sort((a, b) => a - b).slice(25);
      expect(median).toBeLessThan(5);
    });
  });
});

/** The statement with each visited row counted, which changes neither its result nor its plan. */
function counted(sql: string): string {
  if (sql.includes('WHERE')) return sql.replace('WHERE', 'WHERE visited() AND');
  return sql.replace('ORDER BY', 'WHERE visited() ORDER BY');
}

function fill(db: Database): void {
  db.exec(`
    WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${USERS + 1})
    INSERT INTO user (id, username, username_key, name, description, created_at)
    SELECT i, i, i, 'User ' || i, '', 0 FROM numbers;

    WITH RECURSIVE numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${SMALL_CHATS})
    INSERT INTO chat (id, type, name, description, owner_id, members_count, created_at)
    SELECT ${BIG} + i, 'group', 'g', '', 1, 6, 0 FROM numbers;

    INSERT INTO member (chat_id, user_id)
    SELECT ${SMALL} + id % ${SMALL_CHATS}, id FROM user WHERE id <= ${USERS}
    UNION ALL SELECT id, ${EVERYWHERE} FROM chat;

    WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${ENTRIES})
    INSERT INTO entry (id, chat_id, kind, author_id, text, time, n)
    SELECT
      iif(i > ${GAP_AFTER}, i + ${GAP}, i),
      iif(i % 10 = 0, ${SMALL} + i / 10 % ${SMALL_CHATS}, ${BIG}),
      1, 1 + i % 2, 'message ' || i, i,
      iif(i % 10 = 0, (i / 10 - 1) / ${SMALL_CHATS} + 1, i - i / 10)
    FROM numbers;
  `);
}
