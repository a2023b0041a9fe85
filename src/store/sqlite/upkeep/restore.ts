import { existsSync, linkSync, mkdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { RestoredDatabase } from '../../driver.js';
import { fsyncPathSync, syncFolder, syncNameOf } from '../../fsync.js';
import { databaseFile, openWriter } from '../database.js';
import { SQL } from '../read/sql.js';
import { DamagedDatabase } from './failure.js';
import { migrate, SCHEMA_VERSION } from './migrations.js';

/** Where the copy is made ready, in the data folder, because only a rename within a file system happens at once. */
const WORKSHOP = 'restoring';
const BESIDE = ['-wal', '-shm'];

/**
 * Puts a copy of a database into a data folder whose lock the caller holds. The copy itself is only read. The database
 * that was there is kept under another name. The next ledger does not recognise the one that it finds, so its ids begin
 * far above all that were given. Errors: DamagedDatabase; those of SQLite and of the file system.
 */
export async function restoreDatabase(dataDir: string, copy: string, now: number): Promise<RestoredDatabase> {
  if (isSameFile(copy, databaseFile(dataDir))) throw new Error('it is the database of this folder itself');
  const workshop = join(dataDir, WORKSHOP);
  rmSync(workshop, { recursive: true, force: true });
  mkdirSync(workshop, { mode: 0o700 });
  try {
    await copyTo(databaseFile(workshop), copy);
    const contents = prepare(workshop);
    const target = databaseFile(dataDir);
    const replaced = keepAside(target, now);
    renameSync(databaseFile(workshop), target);
    syncFolder(dataDir);
    syncNameOf(dataDir);
    return { ...contents, replaced };
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

function isSameFile(one: string, other: string): boolean {
  return existsSync(other) && realpathSync(one) === realpathSync(other);
}

async function copyTo(path: string, copy: string): Promise<void> {
  const source = new Database(copy, { readonly: true, fileMustExist: true });
  try {
    const version = Number(source.pragma('user_version', { simple: true }));
    const tables = source.prepare(
      "SELECT count(*) FROM sqlite_schema WHERE name IN ('entry', 'incarnation')",
    );
    if (version < 1 || tables.pluck().get() !== 2) throw new DamagedDatabase('it is no database of parley');
    if (version > SCHEMA_VERSION)
      throw new DamagedDatabase(
        `its schema is ${version}, and this version of parley knows up to ${SCHEMA_VERSION}`,
      );
    const found = String(source.pragma('quick_check(1)', { simple: true }));
    if (found !== 'ok') throw new DamagedDatabase(found);
    await source.backup(path);
  } finally {
    source.close();
  }
}

/** Brings the schema up to date, and removes what the next ledger would recognise the database by. */
function prepare(workshop: string): Pick<RestoredDatabase, 'messages' | 'newest'> {
  const db = openWriter(workshop);
  try {
    migrate(db);
    db.exec('BEGIN IMMEDIATE; DELETE FROM incarnation; UPDATE identity SET ids_recorded = 1; COMMIT');
    const messages = db.prepare<[], number>('SELECT count(*) FROM entry WHERE visibility = 1').pluck().get();
    const newest = db.prepare<[], number>(SQL.newest).pluck().get();
    const time =
      newest === undefined ? undefined : db.prepare<[number], number>(SQL.time).pluck().get(newest);
    return { messages: messages ?? 0, newest: time };
  } finally {
    db.close(); // Its write-ahead log ends here.
    fsyncPathSync(databaseFile(workshop));
  }
}

/** Gives the database that is in place another name as well. Returns that, or undefined when there was none. */
function keepAside(path: string, now: number): string | undefined {
  if (!existsSync(path)) return undefined;
  const aside = `${path}.${new Date(now).toISOString().replaceAll(':', '')}`;
  endWriteAheadLog(path);
  // A database that cannot be opened keeps its write-ahead log. A new one must not get it.
  for (const end of BESIDE) if (existsSync(path + end)) renameSync(path + end, aside + end);
  linkSync(path, aside);
  return aside;
}

function endWriteAheadLog(path: string): void {
  try {
    const db = new Database(path, { timeout: 0 });
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.close();
  } catch (error) {
    // A damaged database is a reason to restore a copy. It stays as it is.
    if (!(error instanceof Database.SqliteError)) throw error;
  }
}
