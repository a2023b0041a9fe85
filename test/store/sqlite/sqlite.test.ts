import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import { databaseFile, openReader, openWriter } from '../../../src/store/sqlite/database.js';
import { openReadStore } from '../../../src/store/sqlite/read/read-store.js';
import { SCHEMA_VERSION } from '../../../src/store/sqlite/upkeep/migrations.js';
import { LedgerStore, openWriteStore } from '../../../src/store/sqlite/write/ledger-store.js';
import { openSqlite } from '../../support/sqlite.js';
import { say, TestStore } from '../../support/store.js';

const NOW = 1_700_000_000_000;
const DAY_MS = 24 * 3_600_000;
const open = (at: string) => openSqlite(at, { now: NOW, unexpected: () => undefined });

describe('the SQLite store', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-sqlite-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const pragmas = (db: Database.Database, ...names: string[]) =>
    Object.fromEntries(names.map((name) => [name, db.pragma(name, { simple: true })]));

  it('writes with what the guarantees rest on', () => {
    const db = openWriter(folder);
    expect(
      pragmas(db, 'journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout', 'wal_autocheckpoint'),
    ).toEqual({
      journal_mode: 'wal',
      synchronous: 2,
      foreign_keys: 1,
      busy_timeout: 0,
      wal_autocheckpoint: 0,
    });
    expect(db.pragma('journal_size_limit', { simple: true })).toBe(64 * 1024 * 1024);
    db.close();
  });

  it('reads without being able to write', async () => {
    expect(() => openReader(folder)).toThrow(); // Only the ledger makes the file.
    openWriteStore(folder, NOW, () => undefined).close();
    const db = openReader(folder);
    expect(pragmas(db, 'journal_mode', 'synchronous', 'foreign_keys')).toEqual({
      journal_mode: 'wal',
      synchronous: 2,
      foreign_keys: 1,
    });
    for (const sql of [
      'DELETE FROM incarnation',
      "INSERT INTO sequence VALUES ('x', 1)",
      'CREATE TABLE x (y)',
    ]) {
      expect(() => db.exec(sql)).toThrow(/readonly/);
    }
    db.close();
  });

  it('holds nothing open of what it could not open', () => {
    writeFileSync(databaseFile(folder), Buffer.alloc(100_000, 'x'));
    for (const opener of [openWriter, openReader]) expect(() => opener(folder)).toThrow('not a database');
    expect(openFiles().filter((file) => file.startsWith(folder))).toEqual([]);
  });

  it('refuses a schema that is newer than the code, and leaves it as it is', () => {
    openWriteStore(folder, NOW, () => undefined).close();
    const db = new Database(databaseFile(folder));
    db.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
    db.close();
    const before = readFileSync(databaseFile(folder));
    expect(() => openWriteStore(folder, NOW, () => undefined)).toThrow(`schema ${SCHEMA_VERSION + 1}`);
    expect(readFileSync(databaseFile(folder)).equals(before)).toBe(true);
  });

  it('gives each database an id of its own, which both sides see and which stays', () => {
    const other = mkdtempSync(join(tmpdir(), 'parley-sqlite-'));
    const idsIn = (at: string) => {
      const write = openWriteStore(at, NOW, () => undefined);
      const read = openReadStore(at);
      read.close();
      write.close();
      return [write.databaseId, read.databaseId];
    };
    const [id] = idsIn(folder);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect([...idsIn(folder), ...idsIn(folder)]).toEqual([id, id, id, id]);
    expect(idsIn(other)).not.toContain(id);
    rmSync(other, { recursive: true });
  });

  it('commits an incarnation at each start, which its readers find', () => {
    const first = openWriteStore(folder, NOW, () => undefined);
    const reader = openReadStore(folder);
    expect(reader.hasIncarnation(first.incarnation)).toBe(true);
    first.close();
    const second = openWriteStore(folder, NOW + DAY_MS, () => undefined);
    expect(second.incarnation).not.toBe(first.incarnation);
    expect([first, second].map(({ incarnation }) => reader.hasIncarnation(incarnation))).toEqual([
      true,
      true,
    ]);
    expect(reader.hasIncarnation('another')).toBe(false);
    second.close();
    reader.close();
  });

  it('keeps only outcomes that are not confirmed', async () => {
    const store = await TestStore.open(open, folder);
    const chat = await store.group(1);
    for (let n = 0; n < 10; n++) await store.run(say(chat, 1, `message ${n}`));
    const batch = (number: number, confirmed: number) =>
      store.batch([say(chat, 1, 'x')], { worker: 'worker', number, confirmed });
    await store.apply(batch(1, 0), batch(2, 0), batch(3, 0), batch(4, 2));
    const db = new Database(databaseFile(folder), { readonly: true });
    const rows = db.prepare("SELECT number FROM batch WHERE worker = 'worker' ORDER BY number").pluck().all();
    expect(rows).toEqual([3, 4]);
    expect(db.prepare('SELECT count(*) FROM batch').pluck().get()).toBe(3);
    db.close();
    store.close();
  });

  it('remembers nothing of a batch that was taken back', async () => {
    openWriteStore(folder, NOW, () => undefined).close();
    const db = openWriter(folder);
    const store = new LedgerStore(db, 'incarnation', () => undefined);
    let number = 0;
    const run = async (...commands: Command[]) => {
      number += 1;
      const batch = { worker: 'worker', number, confirmed: 0, crashes: 0, commands };
      return (await store.apply([batch], NOW)).outcomes[0];
    };
    const group = (actor: number): Command => ({
      kind: 'create_group',
      ...{ actor, name: 'g', description: '', users: [] },
    });
    for (const id of [1, 2]) {
      await run({ kind: 'create_user', caller: { id }, username: `u${id}`, name: 'U', description: '' });
    }
    const pages = Number(db.pragma('page_count', { simple: true }));
    db.pragma(`max_page_count = ${pages + 1}`);
    await expect(run(group(1), say(1, 1, 'x', 'c'), say(1, 1, 'x'.repeat(50_000)))).rejects.toThrow(/full/);
    db.pragma(`max_page_count = ${pages + 100}`);
    expect(await run(group(2), say(1, 1, 'x', 'c'), say(1, 2, 'y', 'c'))).toMatchObject([
      { ok: { id: 1 } },
      { error: 'chat_not_found' },
      { ok: { id: expect.any(Number) } },
    ]);
    expect(db.prepare('SELECT n FROM entry WHERE kind = 1').pluck().all()).toEqual([1]);
    store.close();
  });

  it('numbers the messages of each chat 1, 2, 3, …, without a gap, also where commands fail', async () => {
    const store = await TestStore.open(open, folder);
    const chat = await store.group(2);
    const other = await store.ok('create_group', { actor: 1, name: 'o', description: '', users: [] });
    const broken = { ...say(chat, 1, 'x'), text: {} as string };
    for (let round = 0; round < 5; round++) {
      await store.run(say(chat, 1, 'a', `c-${round}`), broken, say(chat, 9, 'no'), say(other.id, 1, 'b'));
      await store.run(say(chat, 1, 'repeat', `c-${round}`), say(chat, 2, 'c'));
      await store.reopen();
    }
    const db = new Database(databaseFile(folder), { readonly: true });
    const numbers = (id: number) =>
      db.prepare('SELECT n FROM entry WHERE chat_id = ? AND kind = 1').pluck().all(id);
    expect(numbers(chat)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(numbers(other.id)).toEqual([1, 2, 3, 4, 5]);
    db.close();
    store.close();
  });
});

/** What this process has open. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // The listing's own.
    }
  });
}
