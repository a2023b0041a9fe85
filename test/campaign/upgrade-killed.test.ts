import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Random } from '../../src/prove/random.js';
import { databaseFile } from '../../src/store/sqlite/database.js';
import { SCHEMA_VERSION } from '../../src/store/sqlite/upkeep/migrations.js';
import { MAIN } from '../support/build.js';
import { makeSchema7 } from '../support/schema-7.js';
import { openSqlite } from '../support/sqlite.js';
import { NOTHING_KNOWN, TestStore, UNBOUNDED, value } from '../support/store.js';

/** So many kills must come amid an upgrade. */
const KILLS = 5;
const TRIES_MAX = 300;
const YARD = 2;
const MESSAGES = 150_000;
const MEMBERS = 20_000;
/** A chat with so many messages and members that the upgrade takes a while. */
const MUCH = `
  WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${MESSAGES})
  INSERT INTO entry (id, chat_id, kind, author_id, text, time, client_id, n, visibility)
  SELECT 1000 + i, ${YARD}, 1, 1 + i % 2, 'message ' || i, 1700000020000 + i, 'c-' || i, 5 + i, 1 FROM numbers;

  WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${MEMBERS})
  INSERT INTO user (id, username, username_key, name, description, created_at)
  SELECT 1000 + i, 'u' || i, 'u' || i, 'User ' || i, '', 0 FROM numbers;
  INSERT INTO member (chat_id, user_id) SELECT ${YARD}, id FROM user WHERE id BETWEEN 1001 AND ${1000 + MEMBERS};`;

/** Says when it begins, and for how long it upgraded the database. */
const UPGRADE = `
  const { openWriteStore } = await import(process.argv[1]);
  console.log('begins');
  const start = performance.now();
  openWriteStore(process.argv[2], Date.now(), () => undefined);
  console.log('took ' + (performance.now() - start));
  process.exit(0);`;
const LEDGER_STORE = pathToFileURL(join(dirname(MAIN), 'store/sqlite/write/ledger-store.js')).href;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-upgrade-killed-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Upgrades in a process, which is killed so long after it began; undefined: not at all. Returns how long it took, if it ended. */
async function upgrade(killAfterMs?: number): Promise<number | undefined> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', UPGRADE, LEDGER_STORE, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), ended]);
  if (killAfterMs !== undefined) {
    await Promise.race([sleep(killAfterMs), ended]);
    child.kill('SIGKILL');
  }
  await ended;
  const took = /took (.+)/.exec(said)?.[1];
  return took === undefined ? undefined : Number(took);
}

function inDatabase(pragma: string): unknown {
  const db = new Database(databaseFile(folder));
  const found = db.pragma(pragma, { simple: true });
  db.close();
  return found;
}

/** Everything that was there is there. */
async function expectWhole(): Promise<void> {
  expect(inDatabase('user_version')).toBe(SCHEMA_VERSION);
  const store = await TestStore.open(openSqlite, folder);
  const all = await store.messages(YARD);
  expect(all).toHaveLength(5 + MESSAGES);
  expect(all.at(-1)).toMatchObject({ id: 1000 + MESSAGES, text: `message ${MESSAGES}` });
  const one = { ...UNBOUNDED, max: 1 };
  const middle = await value(store.read.newestFor(YARD, 1, 70_000, one, NOTHING_KNOWN));
  expect(middle?.messages).toMatchObject([{ text: `message ${MESSAGES - 70_000}` }]);
  expect((await value(store.read.membersFor(YARD, 1)))?.members).toHaveLength(3 + MEMBERS);
  const { rooms } = await value(store.read.listOf(1001, NOTHING_KNOWN, (all) => all));
  expect(rooms).toMatchObject([{ unread: { messages: 0, readId: 1000 + MESSAGES } }]);
  const again = { chatId: YARD, authorId: 1, text: 'again', clientId: `c-${MESSAGES}` };
  expect(await store.ok('post_message', again)).toHaveProperty('duplicate');
  store.close();
  expect(inDatabase('integrity_check')).toBe('ok');
}

it('an upgrade that is killed at any moment is finished by the next ledger, and nothing is lost', async () => {
  const random = new Random('upgrade');
  makeSchema7(folder, MUCH);
  const before = readFileSync(databaseFile(folder));
  let tookMs = (await upgrade()) ?? 0;
  await expectWhole();

  let kills = 0;
  for (let tries = 0; kills < KILLS; tries++) {
    expect(tries, 'tries').toBeLessThan(TRIES_MAX);
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    writeFileSync(databaseFile(folder), before);
    const took = await upgrade(random.next() * tookMs);
    // A machine that is less busy than before is faster.
    if (took !== undefined) tookMs = took;
    else kills += 1;
    await upgrade();
    await expectWhole();
  }
});
