import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command, Outcome } from '../../../src/chat/commands.js';
import { Random } from '../../../src/prove/random.js';
import type { IdsContinued } from '../../../src/store/driver.js';
import { databaseFile } from '../../../src/store/sqlite/database.js';
import { openReadStore } from '../../../src/store/sqlite/read/read-store.js';
import { IDS_RAISED_BY } from '../../../src/store/sqlite/upkeep/continue-ids.js';
import { restoreDatabase } from '../../../src/store/sqlite/upkeep/restore.js';
import { type LedgerStore, openWriteStore } from '../../../src/store/sqlite/write/ledger-store.js';
import { say } from '../../support/store.js';

const DAY_MS = 24 * 3_600_000;
const GROUP = 1;

let folder: string;
let dataDir: string;
let copy: string;
let now = 1_700_000_000_000;
let ledger: Ledger;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-ids-'));
  dataDir = join(folder, 'data');
  copy = join(folder, 'copy.db');
});
afterEach(() => {
  ledger.stop();
  rmSync(folder, { recursive: true, force: true });
});

const recordFile = () => join(dataDir, 'given-ids.json');
const record = () => JSON.parse(readFileSync(recordFile(), 'utf8'));

/** One ledger after the other over the same folder, and all the ids that they gave. */
class Ledger {
  /** Why its ids did not go on with the next one. */
  readonly continued: IdsContinued | undefined;
  readonly first: number | undefined;
  readonly #store: LedgerStore;
  #number = 0;
  #isOpen = true;

  constructor() {
    let continued: IdsContinued | undefined;
    let first: number | undefined;
    this.#store = openWriteStore(dataDir, now, fail, undefined, (why, id) => {
      continued = why;
      first = id;
    });
    this.continued = continued;
    this.first = first;
  }

  /** Runs commands in one commit, and returns the ids that they gave. */
  async run(...commands: Command[]): Promise<number[]> {
    this.#number += 1;
    const batch = { worker: 'worker', number: this.#number, confirmed: 0, crashes: 0, commands };
    const incarnation = this.#store.incarnation;
    const { outcomes } = await this.#store.apply([{ ...batch, worker: incarnation }], now);
    return (outcomes[0] ?? []).map(idOf);
  }

  async begin(): Promise<void> {
    await this.run({ kind: 'create_user', caller: { id: 1 }, username: 'a', name: 'A', description: '' });
    await this.run({ kind: 'create_group', actor: 1, name: 'g', description: '', users: [] });
  }

  /** Says so many messages, and returns their ids. */
  async say(count = 1): Promise<number[]> {
    return this.run(...Array.from({ length: count }, () => say(GROUP, 1, 'text')));
  }

  copy(): void {
    rmSync(copy, { force: true });
    const db = new Database(databaseFile(dataDir), { readonly: true });
    db.prepare('VACUUM INTO ?').run(copy);
    db.close();
  }

  stop(): void {
    if (this.#isOpen) this.#store.close();
    this.#isOpen = false;
  }

  /** Ends it so that the folder is left as a SIGKILL leaves it. */
  kill(): void {
    const left = existsSync(recordFile()) ? readFileSync(recordFile()) : undefined;
    this.stop();
    if (left !== undefined) writeFileSync(recordFile(), left);
  }
}

function idOf(outcome: Outcome): number {
  if (!('ok' in outcome) || !('id' in outcome.ok)) throw new Error(JSON.stringify(outcome));
  return outcome.ok.id;
}

function fail(error: unknown): never {
  throw error;
}

function putBack(): void {
  for (const end of ['', '-wal', '-shm']) rmSync(databaseFile(dataDir) + end, { force: true });
  cpSync(copy, databaseFile(dataDir));
}

const next = (): Ledger => {
  ledger = new Ledger();
  return ledger;
};

const reserve = (of: 'chat' | 'user'): Command => ({ kind: 'reserve_id', of });
const from = (first: number, count: number) => Array.from({ length: count }, (_, n) => first + n);

describe('ids', () => {
  it('go on with the next one after a ledger that stopped in order, however long ago', async () => {
    await next().begin();
    const given = await ledger.say(3);
    const chats = await ledger.run(reserve('chat'), reserve('user'));
    ledger.stop();
    now += 60 * DAY_MS;
    next().stop(); // This one gives none.
    now += 60 * DAY_MS;
    expect(next().continued).toBeUndefined();
    expect(await ledger.say(2)).toEqual(from((given.at(-1) ?? 0) + 1, 2));
    expect(await ledger.run(reserve('chat'), reserve('user'))).toEqual(chats.map((id) => id + 1));
  });

  it('are covered by the record before they are committed', async () => {
    await next().begin();
    for (let n = 0; n < 300; n++) {
      const [message, chat, user] = await ledger.run(say(GROUP, 1, 'x'), reserve('chat'), reserve('user'));
      const { upTo, exact } = record();
      expect(upTo.entry >= (message ?? 0) && upTo.chat >= (chat ?? 0) && upTo.user >= (user ?? 0)).toBe(true);
      expect(exact).toBe(false);
    }
    const last = await ledger.say(70_000);
    expect(record().upTo.entry).toBeGreaterThanOrEqual(last.at(-1) ?? Number.POSITIVE_INFINITY);
  });

  it('are not given while the record cannot be written', async () => {
    await next().begin();
    ledger.stop();
    next();
    mkdirSync(`${recordFile()}.new`);
    await expect(ledger.say()).rejects.toThrow('EISDIR');
    rmSync(`${recordFile()}.new`, { recursive: true });
    const [id] = await ledger.say();
    expect(record().upTo.entry).toBeGreaterThan(id ?? 0);
  });

  it('begin after the range of a ledger that was killed, and the gap is known', async () => {
    await next().begin();
    const given = await ledger.say(3);
    const chats = await ledger.run(reserve('chat'), reserve('user'));
    const { upTo } = record();
    ledger.kill();
    expect(next()).toMatchObject({ continued: 'killed', first: upTo.entry + 1 });
    expect(await ledger.say()).toEqual([upTo.entry + 1]);
    expect(await ledger.run(reserve('chat'), reserve('user'))).toEqual([upTo.chat + 1, upTo.user + 1]);
    expect(chats.every((id) => id > 0)).toBe(true);

    const reader = openReadStore(dataDir);
    const last = given.at(-1) ?? 0;
    const times = [last, last + 1, upTo.entry, upTo.entry + 1, upTo.entry + 2].map(
      (id) => reader.timeOf(id).value,
    );
    reader.close();
    expect(times).toEqual([now, undefined, undefined, now, undefined]);
  });

  it('begin once more after the same range when the next ledger is killed before it gives any', async () => {
    await next().begin();
    const { upTo } = record();
    ledger.kill();
    next().kill();
    expect(next().continued).toBeUndefined();
    expect(await ledger.say()).toEqual([upTo.entry + 1]);
  });

  describe('of an older copy that was put in place', () => {
    it('begin far above those that were given, once', async () => {
      await next().begin();
      await ledger.say(5);
      ledger.copy();
      const last = (await ledger.say(5)).at(-1) ?? 0;
      const [chat = 0, user = 0] = await ledger.run(reserve('chat'), reserve('user'));
      ledger.stop();
      putBack();
      expect(next()).toMatchObject({ continued: 'older', first: last + IDS_RAISED_BY + 1 });
      expect(await ledger.say()).toEqual([last + IDS_RAISED_BY + 1]);
      const others = await ledger.run(reserve('chat'), reserve('user'));
      expect(others).toEqual([chat + IDS_RAISED_BY + 1, user + IDS_RAISED_BY + 1]);
      ledger.stop();
      expect(next().continued).toBeUndefined();
      expect(await ledger.say()).toEqual([last + IDS_RAISED_BY + 2]);
    });

    it('are above all that were given when the ledger was killed', async () => {
      await next().begin();
      ledger.copy();
      await ledger.say(5);
      const { upTo } = record();
      ledger.kill();
      putBack();
      expect(next().continued).toBe('killed');
      expect(await ledger.say()).toEqual([upTo.entry + 1]);
    });

    it('begin far above when it is from before the last start', async () => {
      await next().begin();
      ledger.copy();
      ledger.stop();
      await next().say();
      const { upTo } = record();
      ledger.kill();
      putBack();
      expect(next()).toMatchObject({ continued: 'older', first: upTo.entry + IDS_RAISED_BY + 1 });
    });
  });

  it.each([
    ['a new database in an old folder', () => rmSync(databaseFile(dataDir))],
    ['a database without its record', () => rmSync(recordFile())],
    ['a record that cannot be read', () => writeFileSync(recordFile(), '{')],
    ['a record of something else', () => writeFileSync(recordFile(), '{"upTo":7}')],
    ['a record that is older than the database', () => cpSync(join(folder, 'record'), recordFile())],
  ])('begin far above with %s', async (_, damage) => {
    await next().begin();
    ledger.stop();
    cpSync(recordFile(), join(folder, 'record'));
    await next().say();
    ledger.stop();
    const { upTo } = record();
    damage();
    expect(next()).toMatchObject({ continued: 'older' });
    expect(ledger.first).toBeGreaterThan(upTo.entry);
    expect(ledger.first).toBeGreaterThan(IDS_RAISED_BY);
    ledger.stop();
    expect(next().continued).toBeUndefined();
  });

  it.each([1, 2, 3])('are never given twice, whatever happens to the folder (seed %d)', async (seed) => {
    const random = new Random(`given ids ${seed}`);
    await next().begin();
    ledger.copy();
    const given = { entry: new Set<number>(), chat: new Set<number>(), user: new Set<number>() };
    for (let n = 0; n < 60; n++) {
      if (random.chance(0.8)) {
        const texts = Array.from({ length: random.from(1, 20) }, () => say(GROUP, 1, 'x'));
        const [chat = 0, user = 0, ...messages] = await ledger.run(
          reserve('chat'),
          reserve('user'),
          ...texts,
        );
        for (const [kind, id] of [
          ['chat', chat],
          ['user', user],
          ...messages.map((id) => ['entry', id]),
        ] as const) {
          const ids = given[kind as keyof typeof given];
          expect(ids.has(Number(id)), `${kind} ${id}`).toBe(false);
          ids.add(Number(id));
        }
      }
      if (random.chance(0.2)) ledger.copy();
      if (random.chance(0.5)) ledger.stop();
      else ledger.kill();
      if (random.chance(0.3)) putBack();
      else if (random.chance(0.2)) await restoreDatabase(dataDir, copy, now + n);
      next();
    }
    expect(given.entry.size).toBeGreaterThan(100);
  });
});
