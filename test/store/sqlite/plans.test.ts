import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWriter } from '../../../src/store/sqlite/database.js';
import { SqliteReadStore } from '../../../src/store/sqlite/read/read-store.js';
import { SQL } from '../../../src/store/sqlite/read/sql.js';
import { migrate } from '../../../src/store/sqlite/upkeep/migrations.js';
import { LedgerStore } from '../../../src/store/sqlite/write/ledger-store.js';

// SQLite plans without looking at what is in the tables, so that these are empty.
let folder: string;
let db: Database;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-plans-'));
  db = openWriter(folder);
  migrate(db);
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

const MEMBERSHIPS = [
  'SEARCH m USING COVERING INDEX member_user (user_id=?)',
  'SEARCH c USING INTEGER PRIMARY KEY (rowid=?)',
];
/** Messages and tombstones are each read in their order, and merged. */
const eitherMessage = (bound: string) => [
  'MERGE (UNION ALL)',
  ...['LEFT', `SEARCH entry USING INDEX entry_message (chat_id=? AND ${bound})`],
  ...['RIGHT', `SEARCH entry USING INDEX entry_aside (chat_id=? AND visibility=? AND ${bound})`],
];
/** What is found is counted, up to a limit. */
const counted = (found: string) => ['CO-ROUTINE (subquery-1)', `SEARCH ${found}`, 'SCAN (subquery-1)'];
/** How SQLite finds the rows of each read. */
const PLANS: Readonly<Record<keyof typeof SQL, readonly string[]>> = {
  newest: ['SCAN entry'],
  time: ['SEARCH entry USING INTEGER PRIMARY KEY (rowid=?)'],
  gapUpTo: ['SEARCH id_gap USING INTEGER PRIMARY KEY (rowid<?)'],
  entriesAfter: ['SEARCH entry USING INTEGER PRIMARY KEY (rowid>?)'],
  newestMessage: ['SEARCH entry USING INDEX entry_message (chat_id=?)'],
  newestMessageId: ['SEARCH entry USING COVERING INDEX entry_message (chat_id=?)'],
  hasMessageAfter: ['SEARCH entry USING COVERING INDEX entry_message (chat_id=? AND id>?)'],
  newestNumber: ['SEARCH entry USING INDEX entry_message (chat_id=?)'],
  numberFrom: ['SEARCH entry USING INDEX entry_message (chat_id=? AND id>?)'],
  entry: ['SEARCH entry USING INTEGER PRIMARY KEY (rowid=?)'],
  messagesDown: ['SEARCH entry USING INDEX entry_message (chat_id=? AND id<?)'],
  messagesUp: ['SEARCH entry USING INDEX entry_message (chat_id=? AND id>?)'],
  anyMessageDown: eitherMessage('id<?'),
  anyMessageUp: eitherMessage('id>?'),
  newestTombstone: ['SEARCH entry USING INDEX entry_aside (chat_id=? AND visibility=?)'],
  tombstonesNumbered: ['SEARCH tombstone USING PRIMARY KEY (chat_id=? AND n>? AND n<?)'],
  newestChange: ['SEARCH entry USING INDEX entry_change (chat_id=?)'],
  changesUp: [
    'SEARCH c USING INDEX entry_change (chat_id=? AND id>?)',
    'SEARCH m USING INTEGER PRIMARY KEY (rowid=?)',
  ],
  quote: ['SEARCH m USING INTEGER PRIMARY KEY (rowid=?)', 'SEARCH u USING INTEGER PRIMARY KEY (rowid=?)'],
  reactors: [
    'SEARCH r USING PRIMARY KEY (message_id=? AND emoji=?)',
    'SEARCH u USING INTEGER PRIMARY KEY (rowid=?)',
  ],
  hasReacted: ['SEARCH reaction USING PRIMARY KEY (message_id=? AND emoji=? AND user_id=?)'],
  clientIdsOfMessages: ['SEARCH entry USING COVERING INDEX entry_message (chat_id=?)'],
  clientIdsOfTombstones: ['SEARCH entry USING COVERING INDEX entry_aside (chat_id=? AND visibility=?)'],
  clientIdsOfChanges: ['SEARCH entry USING COVERING INDEX entry_change (chat_id=?)'],
  clientIdsOfSuperseded: ['SEARCH entry USING COVERING INDEX entry_aside (chat_id=? AND visibility=?)'],
  unread: ['SEARCH entry USING COVERING INDEX entry_message (chat_id=? AND id>? AND id<?)'],
  unreadEnd: ['SEARCH entry USING COVERING INDEX entry_message (chat_id=? AND id>?)'],
  mentioned: counted('mention USING PRIMARY KEY (chat_id=? AND user_id=? AND message_id>?)'),
  readId: ['SEARCH member USING PRIMARY KEY (chat_id=? AND user_id=?)'],
  reader: [
    'SEARCH m USING PRIMARY KEY (chat_id=? AND user_id=?)',
    'SEARCH u USING INTEGER PRIMARY KEY (rowid=?)',
  ],
  readers: ['SEARCH m USING PRIMARY KEY (chat_id=?)', 'SEARCH u USING INTEGER PRIMARY KEY (rowid=?)'],
  entryId: [
    ...['MERGE (UNION ALL)', 'LEFT', 'MERGE (UNION ALL)'],
    ...['LEFT', 'SEARCH entry USING COVERING INDEX entry_message (chat_id=? AND id>?)'],
    ...['RIGHT', 'SEARCH entry USING COVERING INDEX entry_aside (chat_id=? AND visibility=? AND id>?)'],
    ...['RIGHT', 'SEARCH entry USING INDEX entry_change (chat_id=? AND id>?)'],
  ],
  membershipsOf: [
    'SEARCH m USING INDEX member_user (user_id=?)',
    'SEARCH c USING INTEGER PRIMARY KEY (rowid=?)',
  ],
  departures: ['SEARCH departure USING PRIMARY KEY (user_id=?)'],
  deletedGroups: MEMBERSHIPS,
  userChangedId: ['SEARCH user USING INTEGER PRIMARY KEY (rowid=?)'],
  // It needs to know since when, which is in the row.
  partnersOf: MEMBERSHIPS.map((step) => step.replace('COVERING ', '')),
  chatsOf: MEMBERSHIPS,
  groupsOf: MEMBERSHIPS,
};

describe('a statement', () => {
  const planOf = (sql: string) => {
    const parameters = Array<number>(sql.split('?').length - 1).fill(1);
    const explained = db.prepare<number[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
    return explained.all(...parameters).map(({ detail }) => detail);
  };

  it.each(Object.entries(PLANS))('%s is found by its index', (name, plan) => {
    expect(planOf(SQL[name as keyof typeof SQL])).toEqual(plan);
  });

  it('of the store reads through no table, except what is small or read at the start', () => {
    const seen = new Set<string>();
    const noting = new Proxy(db, {
      get(target, property) {
        if (property === 'prepare') return (sql: string) => seen.add(sql) && target.prepare(sql);
        return Reflect.get(target, property, target);
      },
    });
    new SqliteReadStore(noting);
    new LedgerStore(noting, 'incarnation', () => undefined);
    const scans = [...seen]
      .filter((sql) => /^\s*(SELECT|UPDATE|DELETE)/.test(sql))
      .flatMap((sql) => planOf(sql))
      .filter((detail) => detail.startsWith('SCAN'));
    expect(seen.size).toBeGreaterThan(40);
    expect(new Set(scans)).toEqual(
      new Set([
        // The newest id; the database's own; revocations; outcomes that are kept; groups that wait for the purge.
        ...['SCAN entry', 'SCAN identity', 'SCAN revocation', 'SCAN batch', 'SCAN purge'],
        'SCAN (subquery-1)', // Mentions that were found, up to a limit.
        'SCAN superseded', // Changes that wait for the purge.
        // How far ids were given: one row of each of three tables.
        ...['SCAN sqlite_sequence', 'SCAN CONSTANT ROW'],
      ]),
    );
    expect(scans.filter((detail) => detail === 'SCAN entry')).toHaveLength(1);
  });
});
