import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseFile, openWriter } from '../../../src/store/sqlite/database.js';
import { migrate, SCHEMA_VERSION } from '../../../src/store/sqlite/upkeep/migrations.js';
import { makeSchema7 } from '../../support/schema-7.js';
import { openSqlite } from '../../support/sqlite.js';
import { NOTHING_KNOWN, TestStore, UNBOUNDED, value } from '../../support/store.js';

const DAN = 1_000_000_000_000;
const PAIR = 1;
const YARD = 2;
const DELETED = 3;
const NOW = 1_700_000_100_000;
const HOUR_MS = 3_600_000;
const FULL = { view: 'full', reacted: [] } as const;

let folders: string[] = [];
let folder: string;
beforeEach(() => {
  folders = [];
  folder = newFolder();
});
afterEach(() => {
  for (const each of folders) rmSync(each, { recursive: true, force: true });
});

function newFolder(): string {
  const made = mkdtempSync(join(tmpdir(), 'parley-upgrade-7-'));
  folders.push(made);
  return made;
}

async function open(at = folder): Promise<TestStore> {
  const store = await TestStore.open((path, options) => openSqlite(path, { now: NOW, ...options }), at);
  store.now = NOW;
  return store;
}

/** Every row of every table, but for what each start of a ledger writes. */
function contents(at: string): unknown {
  const db = new Database(databaseFile(at));
  const names = db.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
  const tables = names.pluck().all();
  const rows = tables
    .filter((name) => name !== 'incarnation')
    .map((name) => [name, db.prepare(`SELECT * FROM ${name}`).all()]);
  const indexes = db.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name").all();
  const version = db.pragma('user_version', { simple: true });
  const check = db.pragma('integrity_check', { simple: true });
  db.close();
  return { version, check, indexes, rows };
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
const PAIR_SAID = [message(7, PAIR, 2, 'hello Ann', 6, 'b-1'), message(22, PAIR, 1, 'hello Bob', 15, 'a-3')];
const YARD_SAID = [
  message(8, YARD, 1, 'roses', 6, 'a-1'),
  message(9, YARD, 2, 'and тюльпаны 🌷', 6, 'b-1'),
  message(11, YARD, DAN, 'thanks', 8),
  message(13, YARD, 1, "it's dry", 8, 'a-2'),
  message(23, YARD, 2, 'rain', 15),
];

describe('a database of schema 7', () => {
  it('shows in both views what it showed before, at every offset and after every id', async () => {
    makeSchema7(folder);
    const store = await open();
    for (const [chat, said] of [
      [PAIR, PAIR_SAID],
      [YARD, YARD_SAID],
    ] as const) {
      for (const view of ['plain', 'full'] as const) {
        const page = { view, reacted: [] };
        for (let offset = 0; offset <= 6; offset++) {
          const found = await value(store.read.newestFor(chat, 1, offset, UNBOUNDED, NOTHING_KNOWN, page));
          expect(found?.messages).toEqual(said.slice(0, Math.max(0, said.length - offset)));
        }
        for (let after = 0; after <= 24; after++) {
          const found = await value(store.read.entriesFor(chat, 1, after, UNBOUNDED, NOTHING_KNOWN, page));
          expect(found?.entries).toEqual(said.filter(({ id }) => id > after));
          expect(found).toMatchObject({ newest: said.at(-1)?.id, isWhole: true });
        }
      }
    }
    store.close();
    expect(contents(folder)).toMatchObject({ version: SCHEMA_VERSION, check: 'ok' });
  });

  it('has its messages edited, answered, reacted to and deleted', async () => {
    makeSchema7(folder);
    const store = await open();
    const post = { chatId: YARD, authorId: 2, text: 'which?', replyTo: 8, mentions: [1] };
    const { id } = await store.ok('post_message', post);
    expect(id).toBe(24);
    const edited = await store.ok('edit_message', {
      actor: 1,
      messageId: 8,
      text: 'red roses',
      clientId: 'a-1',
    });
    const reacted = await store.ok('react', { actor: 2, messageId: 9, emoji: '🌷', isOn: true });
    const deleted = await store.ok('delete_message', { actor: 1, messageId: 23 });
    const again = { chatId: YARD, authorId: 1, text: 'roses', clientId: 'a-1' };
    expect(await store.ok('post_message', again)).toMatchObject({ id: 8, duplicate: { text: 'red roses' } });
    const found = await value(store.read.entriesFor(YARD, 1, 23, UNBOUNDED, NOTHING_KNOWN, FULL));
    expect(found?.entries.map((entry) => entry.id)).toEqual([
      ...[id, edited.changeId, reacted.changeId, deleted.changeId],
    ]);
    expect(found?.quotes.get(8)).toMatchObject({ text: 'red roses' });
    expect((await store.messages(YARD)).map(({ text }) => text)).toEqual([
      ...['red roses', 'and тюльпаны 🌷', 'thanks', "it's dry", 'which?'],
    ]);
    await store.reopen();
    const { id: next } = await store.ok('post_message', { chatId: YARD, authorId: 1, text: 'next' });
    const plain = await value(store.read.newestFor(YARD, 1, 5, UNBOUNDED, NOTHING_KNOWN));
    expect(plain?.messages.map((said) => said.id)).toEqual([8]);
    expect(next).toBeGreaterThan(deleted.changeId);
    store.close();
  });

  it('counts what was there as read, and what is said since as unread', async () => {
    makeSchema7(folder);
    const store = await open();
    const unread = async (user: number) => {
      const { rooms } = await value(store.read.listOf(user, NOTHING_KNOWN, (all) => all));
      return rooms.map(({ chat, unread: of }) => [chat.id, of.messages, of.mentions]);
    };
    expect(await unread(2)).toEqual([
      [PAIR, 0, 0],
      [YARD, 0, 0],
    ]);
    await store.ok('post_message', { chatId: YARD, authorId: 1, text: 'new', mentions: [2] });
    await store.ok('post_message', { chatId: YARD, authorId: 2, text: 'my own' });
    expect(await unread(2)).toEqual([
      [PAIR, 0, 0],
      [YARD, 1, 1],
    ]);
    expect(await value(store.read.user(2))).toMatchObject({ name: 'Bobby', readReceipts: true });
    store.close();
  });

  it('answers a batch that was applied before, and purges the group that was deleted', async () => {
    makeSchema7(folder);
    const store = await open();
    const reserved = store.batch([{ kind: 'reserve_id', of: 'chat' }], { worker: 'worker-a', number: 12 });
    expect(await store.apply(reserved)).toEqual([[{ ok: { id: 4 } }]]);
    while (await store.write.purge(NOW + HOUR_MS));
    const left = (await store.entries()).filter((entry) => 'chatId' in entry && entry.chatId === DELETED);
    expect(left.map(({ kind }) => kind)).toEqual(['group_created', 'group_changed', 'group_deleted']);
    expect(await store.newest()).toBe(23);
    store.close();
  });
});

describe('an upgrade that is killed', () => {
  it('before or after any statement is finished by the next ledger, with the same result', async () => {
    makeSchema7(folder);
    const undisturbed = newFolder();
    makeSchema7(undisturbed);
    (await open(undisturbed)).close();
    const expected = contents(undisturbed);

    // What a kill leaves is what the files have at that moment; the memory beside them is made anew.
    const left: string[] = [];
    const keep = () => {
      const at = newFolder();
      for (const end of ['', '-wal'])
        if (existsSync(databaseFile(folder) + end))
          cpSync(databaseFile(folder) + end, databaseFile(at) + end);
      left.push(at);
    };
    const db = openWriter(folder);
    db.pragma('cache_size = 1'); // So that pages are written before the commit.
    const watched = new Proxy(db, {
      get(target, property) {
        const found: unknown = Reflect.get(target, property, target);
        if (property !== 'exec') return typeof found === 'function' ? found.bind(target) : found;
        return (sql: string) => {
          for (const statement of statementsOf(sql)) {
            keep();
            target.exec(statement);
          }
          keep();
        };
      },
    });
    migrate(watched);
    db.close();

    expect(left.length).toBeGreaterThan(2 * (SCHEMA_VERSION - 7) + 10);
    for (const at of left) {
      const store = await open(at);
      expect(await store.messages(YARD)).toEqual(YARD_SAID);
      store.close();
      expect(contents(at)).toEqual(expected);
    }
  });
});

/** The statements of a step, of which none has a semicolon within. */
function statementsOf(sql: string): string[] {
  return sql
    .replaceAll(/--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
