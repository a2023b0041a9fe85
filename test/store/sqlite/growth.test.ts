import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWriter } from '../../../src/store/sqlite/database.js';
import { SqliteReadStore } from '../../../src/store/sqlite/read/read-store.js';
import { SQL } from '../../../src/store/sqlite/read/sql.js';
import { migrate } from '../../../src/store/sqlite/upkeep/migrations.js';
import { NOTHING_KNOWN, UNBOUNDED } from '../../support/store.js';
import { Visits } from '../../support/visits.js';

/**
 * One chat of 999,900 messages, and 1000 small ones that talk in between: every tenth entry is theirs. The big chat
 * was changed 100,000 times as well, each time another of its messages.
 */
const BIG = 1;
const SMALL = 2;
const SMALL_CHATS = 1000;
const ENTRIES = 1_111_000;
const BIG_MESSAGES = ENTRIES - ENTRIES / 10;
/** Restoring a backup raises the ids by this much, which the bisection must not mind. */
const GAP = 2 ** 40;
const GAP_AFTER = 600_000;
const CHANGES = 100_000;
const CHANGE_EVERY = 1000;
/** Users of one chat each, and one of all. */
const USERS = 5000;
const EVERYWHERE = USERS + 1;
/** A chat of its own user, in which 99 of 100 messages were deleted. */
const DELETED = SMALL + SMALL_CHATS;
const DELETER = USERS + 2;
const DELETED_MESSAGES = 20_000;
/** Groups are renamed as often as their owners like. */
const RENAMED = 10_000;

/** 2^41 ids are halved 41 times; a few more for the ends, the membership and the position. */
const SEEKS_MAX = 48;
const OFFSETS = [0, 10, 1000, 100_000, 500_000, 999_000, BIG_MESSAGES - 1];

/** The id of the big chat's message that `offset` others come after. */
function bigId(offset: number): number {
  const n = BIG_MESSAGES - offset;
  const entry = n + Math.floor((n - 1) / 9);
  return entry > GAP_AFTER ? entry + GAP : entry;
}

describe('with a million entries', () => {
  let folder: string;
  let db: Database;
  let seen: Visits;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-growth-'));
    db = openWriter(folder);
    migrate(db);
    db.pragma('synchronous = OFF'); // Only for making the table.
    fill(db);
    seen = new Visits(db);
  }, 120_000);
  afterAll(() => {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The very reads of the store, with each row counted that any statement of theirs visits. */
  const counting = () => new SqliteReadStore(seen.connection);

  /** Asks a question, and counts the rows that it visits. */
  function asking<T>(question: () => T): { answer: T; visits: number } {
    return seen.of(question);
  }

  /** Runs a read, and counts the rows that it visits. */
  function visitedBy(sql: string, ...parameters: (number | string)[]): { rows: unknown[]; visits: number } {
    const { answer: rows, visits } = seen.of(() => seen.connection.prepare(sql).all(...parameters));
    return { rows, visits };
  }

  const newest = () => ENTRIES + GAP;
  const lastChange = GAP_AFTER + CHANGES * CHANGE_EVERY;
  const places = [
    ...[0, 1, 500_000, GAP_AFTER - 3, GAP_AFTER, GAP_AFTER + 50_000_000],
    ...[lastChange - 1, GAP + GAP_AFTER + 5, GAP + 1_000_000],
  ];

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
      for (const sql of [SQL.newestMessage, SQL.newestMessageId, SQL.newestNumber]) {
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

  it("a chat's newest change is one row, and a page of changes as many as it holds, anywhere", () => {
    expect(visitedBy(SQL.newestChange, BIG)).toEqual({ rows: [{ id: lastChange }], visits: 1 });
    for (const small of [SMALL, SMALL + 500])
      expect(visitedBy(SQL.newestChange, small)).toEqual({ rows: [], visits: 0 });
    for (const at of places) {
      const found = visitedBy(SQL.changesUp, BIG, at, 100);
      expect(found.rows).toHaveLength(at < GAP_AFTER + 60_000_000 ? 100 : at < lastChange ? 1 : 0);
      expect(found.visits, `after ${at}`).toBeLessThanOrEqual(2 * 101);
      expect(visitedBy(SQL.changesUp, SMALL + 500, at, 100).visits).toBe(0);
    }
  });

  it('what a socket hears after an id is as many rows as a page holds, anywhere', () => {
    const read = counting();
    for (const after of places) {
      const ask = (max: number) => () =>
        read.entriesFor(BIG, EVERYWHERE, after, { ...UNBOUNDED, max }, NOTHING_KNOWN);
      const { answer, visits } = asking(ask(100));
      expect(answer.value?.entries).toHaveLength(100);
      expect(visits, `after ${after}`).toBeLessThanOrEqual(2 * 101 + 10);
      expect(asking(ask(0)).visits).toBeLessThanOrEqual(6);
    }
  });

  it('a page at a place is as many rows as it holds and one more of each side, anywhere', () => {
    const read = counting();
    for (const id of places) {
      for (const side of ['before', 'after', 'around'] as const) {
        const ask = () =>
          read.messagesAt(BIG, EVERYWHERE, { side, id }, { ...UNBOUNDED, max: 100 }, NOTHING_KNOWN);
        const { answer, visits } = asking(ask);
        const rows = answer.value?.messages.length ?? 0;
        expect(rows).toBeGreaterThanOrEqual(side === 'before' && id < 100 ? 0 : 50);
        expect(visits, `${side} ${id}`).toBeLessThanOrEqual(rows + 2 + 5);
      }
    }
  });

  it('who reacted is as many rows as a page holds, and their names', () => {
    db.exec(`INSERT INTO reaction (message_id, emoji, user_id) SELECT 1, '👍', id FROM user`);
    for (const limit of [0, 10, 100]) {
      const found = visitedBy(SQL.reactors, 1, '👍', limit, 0);
      expect(found.rows).toHaveLength(limit);
      expect(found.visits).toBeLessThanOrEqual(limit + 1);
    }
    expect(visitedBy(SQL.reactors, 1, '🎉', 100, 0).visits).toBe(0);
  });

  it('whether a user is in a chat is one row, and those who are not cost the same for every chat', () => {
    const read = counting();
    const chatFor = (chat: number, user: number) => read.chatFor(chat, user);
    const questions = [
      chatFor,
      (chat: number, user: number) => read.membersFor(chat, user),
      (chat: number, user: number) => read.memberFor(chat, user, 0),
      (chat: number, user: number) => read.newestFor(chat, user, 100, UNBOUNDED, NOTHING_KNOWN),
      (chat: number, user: number) => read.entriesFor(chat, user, 0, UNBOUNDED, NOTHING_KNOWN),
      (chat: number, user: number) =>
        read.messagesAt(chat, user, { side: 'after', id: 0 }, UNBOUNDED, NOTHING_KNOWN),
    ];
    for (const chat of [BIG, SMALL, SMALL + 999]) {
      const found = asking(() => chatFor(chat, EVERYWHERE));
      expect(found.answer.value).toMatchObject({ id: chat });
      expect(found.visits).toBeLessThanOrEqual(2);
    }
    for (const question of questions) {
      const stranger = [BIG, SMALL, SMALL + 999, 999_999].map((chat) =>
        asking(() => question(chat, 999_999)),
      );
      expect(stranger.map(({ answer }) => answer.value)).toEqual(stranger.map(() => undefined));
      expect(new Set(stranger.map(({ visits }) => visits)).size).toBe(1);
      expect(stranger[0]?.visits).toBeLessThanOrEqual(2);
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
    const page = (read: SqliteReadStore, chat: number, offset: number, max: number) =>
      read.newestFor(chat, EVERYWHERE, offset, { ...UNBOUNDED, max }, NOTHING_KNOWN).value?.messages ?? [];

    it('is the right one, in the big chat and in small ones', () => {
      const read = new SqliteReadStore(db);
      for (const offset of OFFSETS) {
        const expected = [2, 1, 0].map((more) => offset + more).filter((at) => at < BIG_MESSAGES);
        expect(
          page(read, BIG, offset, 3).map(({ id }) => id),
          `offset ${offset}`,
        ).toEqual(expected.map(bigId));
      }
      for (const chat of [SMALL, SMALL + 1, SMALL + 999]) {
        const history = page(read, chat, 0, 1000);
        expect(history.length).toBeGreaterThanOrEqual(111);
        for (let offset = 0; offset <= history.length; offset += 5) {
          const end = history.length - offset;
          expect(page(read, chat, offset, 10)).toEqual(history.slice(Math.max(0, end - 10), end));
        }
      }
    });

    it(`costs ${SEEKS_MAX} seeks at most beside its messages and their authors`, () => {
      const read = counting();
      const seeks = (chat: number, offset: number, max: number) => {
        const { answer, visits } = asking(() => page(read, chat, offset, max));
        expect(answer.length).toBeGreaterThan(0);
        expect(visits).toBeGreaterThanOrEqual(answer.length);
        return visits - answer.length - new Set(answer.map(({ authorId }) => authorId)).size;
      };
      for (const offset of OFFSETS) {
        expect(seeks(BIG, offset, 100), `offset ${offset}`).toBeLessThanOrEqual(SEEKS_MAX);
      }
      for (let chat = SMALL; chat < SMALL + SMALL_CHATS; chat += 111) {
        for (const offset of [0, 1, 50, 110]) {
          expect(seeks(chat, offset, 1), `chat ${chat}, offset ${offset}`).toBeLessThanOrEqual(SEEKS_MAX);
        }
      }
      const past = asking(() => page(read, BIG, BIG_MESSAGES, 100));
      expect(past.answer).toEqual([]);
      expect(past.visits).toBeLessThanOrEqual(4);
    });

    it('costs the deleted messages that it passes over, each once', () => {
      const read = counting();
      for (const offset of [1, 7, 50, 150, 199]) {
        const ask = () => read.newestFor(DELETED, DELETER, offset, { ...UNBOUNDED, max: 1 }, NOTHING_KNOWN);
        const { answer, visits } = asking(ask);
        expect(answer.value?.messages).toMatchObject([{ text: `kept ${DELETED_MESSAGES - 100 * offset}` }]);
        expect(visits, `offset ${offset}`).toBeLessThanOrEqual(99 * offset + SEEKS_MAX);
      }
      const past = asking(() => read.newestFor(DELETED, DELETER, 200, UNBOUNDED, NOTHING_KNOWN));
      expect(past.answer.value?.messages).toEqual([]);
    });

    it.each(OFFSETS)('takes about as long at offset %d as at the end, warm', (offset) => {
      const read = new SqliteReadStore(db);
      const control: number[] = [];
      const times: number[] = [];
      const timed = (at: number) => {
        const start = performance.now();
        page(read, BIG, at, 100);
        return performance.now() - start;
      };
      // In turns, so that whatever else the machine does slows both.
      for (let round = 0; round < 200; round++) {
        control.push(timed(0));
        times.push(timed(offset));
      }
      const median = (list: number[]) => list.sort((a, b) => a - b)[list.length / 2] ?? 0;
      expect(median(times) / median(control)).toBeLessThan(10);
    });
  });
});

function fill(db: Database): void {
  db.exec(`
    WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${USERS + 2})
    INSERT INTO user (id, username, username_key, name, description, created_at)
    SELECT i, i, i, 'User ' || i, '', 0 FROM numbers;

    WITH RECURSIVE numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i <= ${SMALL_CHATS})
    INSERT INTO chat (id, type, name, description, owner_id, members_count, created_at)
    SELECT ${BIG} + i, 'group', 'g', '', 1, 6, 0 FROM numbers;

    INSERT INTO member (chat_id, user_id)
    SELECT ${SMALL} + id % ${SMALL_CHATS}, id FROM user WHERE id <= ${USERS}
    UNION ALL SELECT id, ${EVERYWHERE} FROM chat WHERE id < ${DELETED}
    UNION ALL SELECT ${DELETED}, ${DELETER};

    WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${ENTRIES})
    INSERT INTO entry (id, chat_id, kind, author_id, text, time, n)
    SELECT
      iif(i > ${GAP_AFTER}, i + ${GAP}, i),
      iif(i % 10 = 0, ${SMALL} + i / 10 % ${SMALL_CHATS}, ${BIG}),
      1, 1 + i % 2, 'message ' || i, i,
      iif(i % 10 = 0, (i / 10 - 1) / ${SMALL_CHATS} + 1, i - i / 10)
    FROM numbers;

    WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${CHANGES})
    INSERT INTO entry (id, chat_id, kind, author_id, time, visibility, target_id, payload)
    SELECT ${GAP_AFTER} + i * ${CHANGE_EVERY}, ${BIG}, 13, 1, i, 2, 5 * i + 1, '{"of":' || 5 * i + 1 || '}' FROM numbers;

    WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${RENAMED})
    INSERT INTO entry (id, chat_id, kind, author_id, time, visibility)
    SELECT ${GAP / 2} + i, iif(i % 2, ${BIG}, ${SMALL + 500}), 9, 1, i, 0 FROM numbers;

    WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${DELETED_MESSAGES})
    INSERT INTO entry (id, chat_id, kind, author_id, text, time, n, visibility)
    SELECT ${GAP / 2 + RENAMED} + i, ${DELETED}, 1, ${DELETER}, iif(i % 100, '', 'kept ' || i), i, i, iif(i % 100, 4, 1)
    FROM numbers;
    INSERT INTO tombstone (chat_id, n) SELECT chat_id, n FROM entry WHERE chat_id = ${DELETED} AND visibility = 4;
  `);
}
