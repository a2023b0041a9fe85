import { copyFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseFile } from '../../../src/store/sqlite/database.js';
import {
  checkAfterFailure,
  DamagedDatabase,
  failureBefore,
  isStorageFailure,
  isStorageFull,
  markFailure,
} from '../../../src/store/sqlite/upkeep/failure.js';
import { openLedgerStore } from '../../../src/store/sqlite/upkeep/open.js';
import { temporaryFolder } from '../../support/ledger.js';
import { exitOf, launch, SECRET } from '../../support/server.js';
import { say } from '../../support/store.js';

const MESSAGES = 400;
const failed = new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_FSYNC');

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let checked: string[];
beforeEach(async () => {
  folder = await temporaryFolder();
  checked = [];
});
afterEach(() => folder.remove());

function open() {
  return openLedgerStore({
    dataDir: folder.path,
    now: Date.now,
    unexpected: (error) => {
      throw error;
    },
    full: () => undefined,
    space: () => undefined,
    checking: (failure) => void checked.push(failure),
    idsContinued: () => undefined,
  });
}

/** A database with something in it, as a ledger leaves it that is killed: with a write-ahead log. */
async function fill(): Promise<void> {
  const store = await open();
  const commands = Array.from({ length: MESSAGES }, (_, n) => say(1, 1, `message ${n}`.padEnd(500)));
  await store.apply(
    [
      {
        ...{ worker: 'worker', number: 1, confirmed: 0, crashes: 0 },
        commands: [
          { kind: 'create_user', caller: { id: 1 }, username: 'a', name: 'A', description: '' },
          { kind: 'create_group', actor: 1, name: 'g', description: '', users: [] },
          ...commands,
        ],
      },
    ],
    0,
  );
  store.close();
}

/** Writes over a page in the middle. */
function damage(): void {
  const file = databaseFile(folder.path);
  const bytes = readFileSync(file);
  bytes.fill(0xa5, 10 * 4096, 20 * 4096);
  writeFileSync(file, bytes);
}

describe('an error of SQLite', () => {
  it.each([
    ['SQLITE_FULL', true, true],
    ['SQLITE_IOERR_FSYNC', true, false],
    ['SQLITE_IOERR_WRITE', true, false],
    // It comes after the commit is in the write-ahead log: to refuse and go on would be a lie.
    ['SQLITE_IOERR_SHMSIZE', true, false],
    ['SQLITE_CORRUPT', true, false],
    ['SQLITE_NOTADB', true, false],
    ['SQLITE_CONSTRAINT_UNIQUE', false, false],
  ])('%s: the storage failed: %s, it is full: %s', (code, failure, full) => {
    const error = new Database.SqliteError('what SQLite says', code);
    expect([isStorageFailure(error), isStorageFull(error)]).toEqual([failure, full]);
  });

  it('may be anything else, and is no failure of the storage then', () => {
    for (const error of [undefined, null, 'text', new Error('SQLITE_FULL'), { code: 13 }]) {
      expect([isStorageFailure(error), isStorageFull(error)]).toEqual([false, false]);
    }
  });
});

describe('a start after a failure of the storage', () => {
  it('copies the whole write-ahead log, reads the database through, and forgets the failure', async () => {
    await fill();
    expect(markFailure(folder.path, failed)).toBe(true);
    const reader = new Database(databaseFile(folder.path), { readonly: true }); // Keeps the log in being.
    reader.prepare('SELECT count(*) FROM entry').get();
    const store = await open();
    store.close();
    await checkAfterFailure(folder.path);
    expect(statSync(`${databaseFile(folder.path)}-wal`).size).toBe(0);
    reader.close();
    expect(checked).toEqual(['SQLITE_IOERR_FSYNC disk I/O error']);
    expect(failureBefore(folder.path)).toBeUndefined();
    (await open()).close();
    expect(checked).toHaveLength(1);
  });

  it('waits for a reader that holds on to an old snapshot', async () => {
    await fill();
    markFailure(folder.path, failed);
    const writer = new Database(databaseFile(folder.path));
    const reader = new Database(databaseFile(folder.path), { readonly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM entry').get();
    writer.exec("INSERT INTO incarnation VALUES ('later', 0)");
    let opened = false;
    const opening = open().then((store) => {
      opened = true;
      store.close();
    });
    // The checks are tried every 50 ms.
    for (let n = 0; n < 20; n++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect([opened, failureBefore(folder.path) !== undefined]).toEqual([false, true]);
    reader.exec('COMMIT');
    await opening;
    reader.close();
    writer.close();
  });

  it('is refused when the database is damaged, and the next one too, until a backup is in its place', async () => {
    await fill();
    const backup = join(folder.path, 'backup.db');
    copyFileSync(databaseFile(folder.path), backup);
    damage();
    markFailure(folder.path, failed);
    for (let n = 0; n < 2; n++) await expect(open()).rejects.toBeInstanceOf(DamagedDatabase);
    expect(failureBefore(folder.path)).toBeDefined();
    copyFileSync(backup, databaseFile(folder.path));
    (await open()).close();
    expect(failureBefore(folder.path)).toBeUndefined();
  });

  it.each([
    ['is no database', () => writeFileSync(databaseFile(folder.path), Buffer.alloc(100_000, 'x'))],
    ['was cut off', () => truncateSync(databaseFile(folder.path), 5 * 4096)],
  ])('ends with 70 and one clear line when the file %s', async (_how, spoil) => {
    await fill();
    spoil();
    markFailure(folder.path, failed);
    const { process, output } = launch({ DATA_DIR: folder.path, JWT_SECRET: SECRET, LOG_LEVEL: 'silent' }, [
      'ledger',
    ]);
    expect(await exitOf(process)).toEqual({ code: 70, signal: null });
    expect(output.text).toMatch(
      new RegExp(`^parley: the database in ${folder.path} is damaged, restore a backup: .+\n$`),
    );
    expect(existsSync(join(folder.path, 'storage-failed'))).toBe(true);
  });
});
