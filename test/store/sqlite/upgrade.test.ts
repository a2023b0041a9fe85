import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import { databaseFile } from '../../../src/store/sqlite/database.js';
import { SCHEMA_VERSION } from '../../../src/store/sqlite/upkeep/migrations.js';
import { openWriteStore } from '../../../src/store/sqlite/write/ledger-store.js';
import { openSqlite } from '../../support/sqlite.js';
import { NOTHING_KNOWN, say, TestStore, UNBOUNDED, value } from '../../support/store.js';

const SCHEMA_3 = readFileSync(new URL('schema-3.sql', import.meta.url), 'utf8');
/** What takes a database of schema 3 back to an older one. Schema 2 knows of no revocations, schema 1 of no identity. */
const BACK = {
  3: '',
  2: 'DROP TABLE revocation; DELETE FROM entry WHERE kind = 8; PRAGMA user_version = 2',
  1: `DROP TABLE revocation; DELETE FROM entry WHERE kind = 8; DROP TABLE identity; PRAGMA user_version = 1`,
} as const;
const DAN = 1_000_000_000_000;
const PAIR = 1;
const GARDEN = 2;
const DELETED = 3;
const NOW = 1_700_000_100_000;
const HOUR_MS = 3_600_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-upgrade-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function withDatabase<T>(use: (db: Database.Database) => T): T {
  const db = new Database(databaseFile(folder));
  try {
    return use(db);
  } finally {
    db.close();
  }
}

function make(version: keyof typeof BACK, more = ''): void {
  withDatabase((db) => {
    db.pragma('journal_mode = WAL');
    db.exec(SCHEMA_3);
    db.exec(BACK[version]);
    db.exec(more);
  });
}

/** The schema, and every row of every table. */
function contents(): unknown {
  return withDatabase((db) => {
    const schema = db.prepare<[], { type: string; name: string; sql: string | null }>(
      'SELECT type, name, sql FROM sqlite_master ORDER BY type, name',
    );
    const all = schema.all();
    const tables = all.filter(({ type }) => type === 'table').map(({ name }) => name);
    const rows = tables.map((name) => [name, db.prepare(`SELECT * FROM ${name}`).all()]);
    return { version: db.pragma('user_version', { simple: true }), all, rows };
  });
}

async function open(): Promise<TestStore> {
  const store = await TestStore.open(openSqlite, folder);
  store.now = NOW;
  return store;
}

/** A message of the fixture. */
const message = (
  id: number,
  chatId: number,
  authorId: number,
  text: string,
  second: number,
  client?: string,
) => ({
  ...{ kind: 'message', id, chatId, authorId, text, clientId: client ?? null },
  time: 1_700_000_000_000 + second * 1000,
});
const PAIR_SAID = [message(7, PAIR, 2, 'hello Ann', 6, 'b-1'), message(20, PAIR, 1, 'hello Bob', 15, 'a-3')];
const GARDEN_SAID = [
  message(8, GARDEN, 1, 'roses', 6, 'a-1'),
  message(9, GARDEN, 2, 'and тюльпаны 🌷', 6, 'b-1'),
  message(11, GARDEN, DAN, 'thanks', 8),
  message(13, GARDEN, 1, "it's dry", 8, 'a-2'),
  message(21, GARDEN, 2, 'rain', 15),
];

describe.each([1, 2, 3] as const)('a database of schema %i', (version) => {
  it('is brought up to date with all that is in it', async () => {
    make(version);
    const store = await open();
    const { read } = store;

    expect(await value(read.user(1))).toEqual({
      ...{ id: 1, username: 'Ann', name: 'Ann N.', description: 'first\nof all', photo: 'ann.png' },
      readReceipts: true,
    });
    expect([...(await value(read.users([1, 2, 3, DAN]))).keys()]).toEqual([1, 2, 3, DAN]);
    expect(await value(read.userOfSubject('auth0|dan'))).toBe(DAN);

    const garden = {
      ...{ id: GARDEN, type: 'group', name: 'Garden', description: 'what grows', photo: 'garden.png' },
      ...{ ownerId: 1, pair: null, membersCount: 3 },
    };
    const pair = {
      ...{ id: PAIR, type: 'private', name: '', description: '', photo: null },
      ...{ ownerId: 2, pair: [1, 2], membersCount: 2 },
    };
    expect((await value(read.roomsOf(1, NOTHING_KNOWN))).rooms).toEqual([
      { chat: pair, newest: PAIR_SAID.at(-1) },
      { chat: garden, newest: GARDEN_SAID.at(-1) },
    ]);
    expect((await value(read.membersFor(GARDEN, DAN)))?.members.map(({ id }) => id)).toEqual([1, 2, DAN]);
    expect(await value(read.chatFor(GARDEN, 3))).toBeUndefined();
    expect(await value(read.chatFor(DELETED, 2))).toBeUndefined();

    expect(await store.messages(PAIR)).toEqual(PAIR_SAID);
    expect(await store.messages(GARDEN)).toEqual(GARDEN_SAID);
    for (let offset = 0; offset <= 5; offset++) {
      const bounds = { ...UNBOUNDED, max: 2 };
      const page = await value(read.newestFor(GARDEN, 1, offset, bounds, NOTHING_KNOWN));
      expect(page?.messages).toEqual(GARDEN_SAID.slice(Math.max(0, 3 - offset), 5 - offset));
    }
    for (let after = 0; after <= 21; after++) {
      const page = await value(read.entriesFor(GARDEN, 1, after, UNBOUNDED, NOTHING_KNOWN));
      expect(page?.entries).toEqual(GARDEN_SAID.filter(({ id }) => id > after));
      expect(page?.newest).toBe(21);
    }
    store.close();
    expect(withDatabase((db) => db.pragma('user_version', { simple: true }))).toBe(SCHEMA_VERSION);
    expect(withDatabase((db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
  });

  it('reads its log as it was written', async () => {
    make(version);
    const store = await open();
    const at = (id: number, second: number) => ({ id, time: 1_700_000_000_000 + second * 1000 });
    const revoked = [
      { kind: 'tokens_revoked', ...at(18, 12), claim: '3', before: 1_700_000_012 },
      { kind: 'tokens_revoked', ...at(19, 13), claim: 'auth0|eve', before: 1_700_000_013 },
    ];
    const [hello, helloBack] = PAIR_SAID;
    const [roses, tulips, thanks, dry, rain] = GARDEN_SAID;
    expect(await store.entries()).toEqual([
      { kind: 'user_created', ...at(1, 1), userId: 1 },
      { kind: 'user_created', ...at(2, 1), userId: 2 },
      { kind: 'user_created', ...at(3, 1), userId: 3 },
      { kind: 'user_created', ...at(4, 3), userId: DAN },
      { kind: 'chat_opened', ...at(5, 4), chatId: PAIR, authorId: 2, users: [1, 2] },
      { kind: 'group_created', ...at(6, 5), chatId: GARDEN, authorId: 1, users: [1, 2, 3] },
      hello,
      roses,
      tulips,
      { kind: 'members_added', ...at(10, 7), chatId: GARDEN, authorId: 1, users: [DAN] },
      thanks,
      { kind: 'members_removed', ...at(12, 8), chatId: GARDEN, authorId: 1, users: [3] },
      dry,
      { kind: 'group_created', ...at(14, 9), chatId: DELETED, authorId: 2, users: [2, 1] },
      message(15, DELETED, 2, 'forget this', 10, 'b-1'),
      message(16, DELETED, 1, 'and this', 10),
      { kind: 'group_deleted', ...at(17, 11), chatId: DELETED, authorId: 2 },
      ...(version === 3 ? revoked : []),
      helloBack,
      rain,
    ]);
    store.close();
  });

  it('keeps its identity, its revocations and its ids', async () => {
    make(version);
    const store = await open();
    const { databaseId } = store.read;
    if (version === 1) expect(databaseId).toMatch(/^[0-9a-f]{32}$/);
    else expect(databaseId).toBe(withDatabase((db) => db.prepare('SELECT id FROM identity').pluck().get()));
    if (version > 1) expect(SCHEMA_3).toContain(databaseId);
    const revocations = [
      { claim: '3', before: 1_700_000_009 },
      { claim: 'auth0|eve', before: 1_700_000_010 },
    ];
    expect(await value(store.read.revocations())).toEqual(version === 3 ? revocations : []);
    // The next ids are ones that nobody has or had: chat 4 and the user after Dan are reserved.
    const group = { actor: 1, name: 'g', description: '', users: [] };
    expect((await store.ok('create_group', group)).id).toBe(5);
    const fay = { caller: { subject: 'auth0|fay' }, username: 'Fay', name: 'Fay', description: '' };
    expect((await store.ok('create_user', fay)).id).toBe(DAN + 1);
    expect((await store.ok('post_message', { chatId: PAIR, authorId: 1, text: 'x' })).id).toBe(24);
    await store.reopen();
    expect(store.read.databaseId).toBe(databaseId);
    store.close();
  });

  it('takes messages, knows repeats, and numbers on', async () => {
    make(version);
    const store = await open();
    const post = (chatId: number, authorId: number, text: string, clientId: string) =>
      store.ok('post_message', { chatId, authorId, text, clientId });
    for (const first of [...PAIR_SAID, ...GARDEN_SAID].filter(({ clientId }) => clientId !== null)) {
      const again = await post(first.chatId, first.authorId, 'again', first.clientId ?? '');
      expect(again).toEqual({ id: first.id, duplicate: first });
    }
    const { id } = await post(GARDEN, DAN, 'new', 'a-1');
    expect(id).toBe(22);
    await store.ok('update_group', { actor: 1, groupId: GARDEN, name: 'Yard' });
    await post(GARDEN, 2, 'newer', 'b-2');
    expect((await store.messages(GARDEN)).map(({ text }) => text)).toEqual([
      ...GARDEN_SAID.map(({ text }) => text),
      ...['new', 'newer'],
    ]);
    const since = await value(store.read.entriesFor(GARDEN, 1, 21, UNBOUNDED, NOTHING_KNOWN));
    expect(since?.entries.map(({ kind }) => kind)).toEqual(['message', 'message']);
    const old = { ...UNBOUNDED, max: 1 };
    const third = await value(store.read.newestFor(GARDEN, 1, 4, old, NOTHING_KNOWN));
    expect(third?.messages).toEqual([GARDEN_SAID[2]]);
    const chats = { actor: 1, name: 'x', description: '', users: [], clientId: 'garden-1' };
    expect(await store.ok('create_group', chats)).toEqual({ id: GARDEN, name: 'Yard', duplicate: true });
    store.close();
  });

  it('answers a batch that was applied before as it was answered then', async () => {
    make(version);
    const store = await open();
    const newest = await store.newest();
    // As the worker sent it, to which the answer never came.
    const commands: Command[] = [
      say(PAIR, 1, 'hello Bob', 'a-3'),
      say(PAIR, 1, 'hello Bob', 'a-3'),
      say(DELETED, 2, 'too late'),
      { kind: 'create_group', actor: 2, name: 'New', description: '', users: [99] },
      say(GARDEN, 2, 'rain'),
    ];
    const batch = store.batch(commands, { worker: 'worker-b', number: 7, confirmed: 6, crashes: 1 });
    const time = 1_700_000_015_000;
    const duplicate = { id: 20, chatId: PAIR, authorId: 1, text: 'hello Bob', time, clientId: 'a-3' };
    const outcomes = [
      { ok: { id: 20, time } },
      { ok: { id: 20, duplicate } },
      { error: 'chat_not_found' },
      { error: 'user_unknown', details: { users: [99] } },
      { ok: { id: 21, time } },
    ];
    expect(store.write.outcomesOf(batch)).toMatchObject(outcomes);
    expect(await store.apply(batch)).toMatchObject([outcomes]);
    const reserved = store.batch([{ kind: 'reserve_id', of: 'chat' }], { worker: 'worker-a', number: 14 });
    expect(await store.apply(reserved)).toEqual([[{ ok: { id: 4 } }]]);
    expect(await store.newest()).toBe(newest);
    // Confirmed, it is forgotten, and the next number is a new batch.
    const next = store.batch([say(PAIR, 1, 'next')], { worker: 'worker-b', number: 8, confirmed: 7 });
    expect(await store.apply(next)).toEqual([[{ ok: { id: 22, time: NOW } }]]);
    store.close();
    const left = withDatabase((db) => db.prepare('SELECT worker, number FROM batch ORDER BY worker').all());
    expect(left).toEqual([
      { worker: 'worker-a', number: 14 },
      { worker: 'worker-b', number: 8 },
    ]);
  });

  it('purges the group that was deleted before', async () => {
    make(version);
    const store = await open();
    while (await store.write.purge(NOW + HOUR_MS));
    const kinds = (await store.entries()).filter((entry) => 'chatId' in entry && entry.chatId === DELETED);
    expect(kinds.map(({ kind }) => kind)).toEqual(['group_created', 'group_deleted']);
    expect(await store.messages(PAIR)).toEqual(PAIR_SAID);
    expect(await store.messages(GARDEN)).toEqual(GARDEN_SAID);
    expect(await store.newest()).toBe(21);
    store.close();
    const left = (table: string) =>
      withDatabase((db) => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
    expect([left('purge'), left(`member WHERE chat_id = ${DELETED}`)]).toEqual([0, 0]);
  });
});

describe('a step that fails', () => {
  /** What makes one of the statements of the step from schema 3 to 4 fail, and takes that back. */
  const OBSTACLES = [
    ['CREATE TABLE batch (x)', 'DROP TABLE batch'],
    ['ALTER TABLE frame ADD COLUMN worker', 'ALTER TABLE frame DROP COLUMN worker'],
    ['ALTER TABLE entry ADD COLUMN payload', 'ALTER TABLE entry DROP COLUMN payload'],
    ['ALTER TABLE entry ADD COLUMN target_id', 'ALTER TABLE entry DROP COLUMN target_id'],
    ['ALTER TABLE entry ADD COLUMN visibility', 'ALTER TABLE entry DROP COLUMN visibility'],
    [
      "CREATE TRIGGER x UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'no') WHERE NEW.id = 17; END",
      'DROP TRIGGER x',
    ],
    [
      'DROP INDEX entry_message',
      'CREATE INDEX entry_message ON entry (chat_id, id, author_id, client_id) WHERE kind = 1',
    ],
    ['CREATE INDEX entry_change ON member (user_id)', 'DROP INDEX entry_change'],
  ] as const;

  it.each(OBSTACLES)('leaves schema 3 as it was: %s', async (obstacle, undo) => {
    make(3, obstacle);
    const before = contents();
    expect(before).toMatchObject({ version: 3 });
    const tryToOpen = () => openWriteStore(folder, NOW, () => undefined);
    for (let tries = 0; tries < 2; tries++) {
      expect(tryToOpen).toThrow();
      expect(contents()).toEqual(before);
    }
    withDatabase((db) => db.exec(undo));
    const store = await open();
    expect(await store.messages(GARDEN)).toEqual(GARDEN_SAID);
    store.close();
  });

  it('leaves the keys of usernames as they were', async () => {
    const refuse = "SELECT RAISE(ABORT, 'no') WHERE NEW.username_key = 'mist'";
    make(
      3,
      `INSERT INTO user VALUES (5, NULL, 'ANN\u200b', 'ann\u200b', 'A', '', NULL, 1700000002000);
       INSERT INTO user VALUES (6, NULL, 'Miſt', 'miſt', 'M', '', NULL, 1700000002000);
       CREATE TRIGGER x UPDATE ON user BEGIN ${refuse}; END`,
    );
    const keysOf = () => withDatabase((db) => db.prepare('SELECT id, username_key FROM user').all());
    const before = keysOf();
    expect(() => openWriteStore(folder, NOW, () => undefined)).toThrow('no');
    expect(keysOf()).toEqual(before);
  });

  it('keeps the steps before it', async () => {
    make(1, 'CREATE INDEX entry_change ON member (user_id)');
    expect(() => openWriteStore(folder, NOW, () => undefined)).toThrow('entry_change');
    expect(contents()).toMatchObject({ version: 3 });
    const id = withDatabase((db) => db.prepare('SELECT id FROM identity').pluck().get());
    withDatabase((db) => db.exec('DROP INDEX entry_change'));
    const store = await open();
    expect(store.read.databaseId).toBe(id);
    expect(await store.messages(GARDEN)).toEqual(GARDEN_SAID);
    store.close();
  });
});

describe('usernames that an older schema told apart', () => {
  /** The one of ß is the newer of two, although its id is lower. */
  const MEETING = `
    INSERT INTO user VALUES (5, NULL, 'ANN\u200b', 'ann\u200b', 'A', '', NULL, 1700000002000);
    INSERT INTO user VALUES (6, NULL, 'Groß', 'groß', 'G', '', NULL, 1700000003000);
    INSERT INTO user VALUES (7, NULL, 'GROSS', 'gross', 'S', '', NULL, 1700000002000);
    INSERT INTO user VALUES (8, NULL, 'Miſt', 'miſt', 'M', '', NULL, 1700000003000);
    INSERT INTO user VALUES (11, NULL, 'mist', 'mist', 'N', '', NULL, 1700000004000);
    INSERT INTO user VALUES (9, NULL, '\u3164', '\u1160', 'F', '', NULL, 1700000003000);
    INSERT INTO user VALUES (10, NULL, '\u2800', '\u2800', 'B', '', NULL, 1700000003000);`;
  const keys = () =>
    withDatabase((db) => db.prepare('SELECT id, username_key FROM user ORDER BY id').raw().all());
  let store: TestStore;
  beforeEach(async () => {
    make(3, MEETING);
    store = await open();
  });
  afterEach(() => store.close());

  it('stay with their users, and the first keeps the key', async () => {
    expect(keys()).toEqual([
      [1, 'ann'],
      [2, 'bob'],
      [3, 'cleo'],
      [5, '\n5'],
      [6, '\n6'],
      [7, 'gross'],
      [8, 'mist'],
      [9, ''],
      [10, '\n10'],
      [11, '\n11'],
      [DAN, 'dan'],
    ]);
    const names = (await value(store.read.users([1, 5, 6, 7, 9, 10]))).values();
    expect([...names].map(({ username }) => username)).toEqual([
      ...['Ann', 'ANN\u200b', 'Groß', 'GROSS', '\u3164', '\u2800'],
    ]);
  });

  it.each([
    { actor: 5, username: 'ANN\u200b' },
    { actor: 6, username: 'Groß' },
    { actor: 10, username: '\u2800' },
    { actor: 11, username: 'mist' },
  ])('let user $actor change all the rest, and take another', async ({ actor, username }) => {
    const renamed = { user: { name: 'New', username } };
    expect(await store.ok('update_user', { actor, name: 'New' })).toMatchObject(renamed);
    expect(await store.ok('update_user', { actor, username, name: 'New' })).toMatchObject(renamed);
    expect(keys()).toContainEqual([actor, `\n${actor}`]);
    const other = await store.refused('update_user', { actor, username: `${username}\u200d` });
    expect(other).toMatchObject({ error: 'username_taken' });
    expect(await store.ok('update_user', { actor, username: 'Free' })).toHaveProperty('user');
    expect(keys()).toContainEqual([actor, 'free']);
  });

  it('are taken for everybody else', async () => {
    for (const username of ['ann', 'ANN\u200b', 'groß', 'Gross', 'MIST']) {
      const fay = { caller: { id: 77 }, username, name: 'Fay', description: '' };
      expect(await store.refused('create_user', fay)).toMatchObject({ error: 'username_taken' });
    }
  });

  it('leave the key as it is when the server starts again', async () => {
    const before = keys();
    await store.reopen();
    expect(keys()).toEqual(before);
  });
});

describe('an old schema', () => {
  it('ends up as the one that a new database has', async () => {
    make(3);
    (await open()).close();
    const upgraded = schemaOf(folder);
    const other = mkdtempSync(join(tmpdir(), 'parley-upgrade-'));
    openWriteStore(other, NOW, () => undefined).close();
    expect(upgraded).toEqual(schemaOf(other));
    rmSync(other, { recursive: true });
  });
});

/** Columns and indexes, however their statements are written. */
function schemaOf(at: string): unknown {
  const db = new Database(databaseFile(at), { readonly: true });
  const names = db.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
  const tables = names.pluck().all();
  const schema = tables.map((table) => {
    const columns = db.prepare('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)');
    const indexes = db.prepare('SELECT name, "unique", partial FROM pragma_index_list(?) ORDER BY name');
    return [table, columns.all(table), indexes.all(table)];
  });
  db.close();
  return schema;
}
