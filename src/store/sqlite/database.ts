import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

export type Connection = Database.Database;

const FILE = 'parley.db';
/** SQLite before this could corrupt a database when its WAL was reset (sqlite.org/wal.html, "The WAL-Reset Bug"). */
const SQLITE_VERSION_MIN = [3, 51, 3] as const;

export function databaseFile(dataDir: string): string {
  return join(dataDir, FILE);
}

/** Opens a connection of the ledger, the only process that writes. */
export function openWriter(dataDir: string): Connection {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return prepared(new Database(databaseFile(dataDir), { timeout: 0 }), (db) => {
    harden(db);
    db.pragma('wal_autocheckpoint = 0');
    // A deleted text is overwritten, so that it cannot be read from the file.
    db.pragma('secure_delete = ON');
    db.pragma(`journal_size_limit = ${64 * 1024 * 1024}`);
    // The cache has room for what a commit changes and for the inner pages of the indexes. SQLite looks through all of
    // it at nearly every commit (until the database has 1 GiB), so a larger cache costs more than it saves.
    db.pragma('cache_size = -16384');
  });
}

/** Opens a connection that cannot write. The file must exist. */
export function openReader(dataDir: string): Connection {
  const options = { readonly: true, fileMustExist: true, timeout: 5000 };
  return prepared(new Database(databaseFile(dataDir), options), harden);
}

/** Prepares a connection. It is closed when that fails, since opening may be tried again each second. */
function prepared(db: Connection, prepare: (db: Connection) => void): Connection {
  try {
    prepare(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Sets what the guarantees rest on, and reads it back, because a pragma that has no effect reports nothing. */
function harden(db: Connection): void {
  assertVersion(db);
  if (!db.readonly) db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  const settings = {
    journal_mode: db.pragma('journal_mode', { simple: true }),
    synchronous: db.pragma('synchronous', { simple: true }),
    foreign_keys: db.pragma('foreign_keys', { simple: true }),
  };
  const expected = { journal_mode: 'wal', synchronous: 2, foreign_keys: 1 };
  if (JSON.stringify(settings) !== JSON.stringify(expected)) {
    throw new Error(`SQLite did not take its settings: ${JSON.stringify(settings)}`);
  }
}

function assertVersion(db: Connection): void {
  const version = String(db.prepare('SELECT sqlite_version()').pluck().get());
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const [minMajor, minMinor, minPatch] = SQLITE_VERSION_MIN;
  const value = (major * 1000 + minor) * 1000 + patch;
  if (value < (minMajor * 1000 + minMinor) * 1000 + minPatch) {
    throw new Error(`SQLite ${version} is too old: ${SQLITE_VERSION_MIN.join('.')} or newer is needed`);
  }
}

/** The key that links to photos are signed with: random, made with the database, and never shown. */
export function photoKeyOf(db: Connection): Buffer {
  const key = db.prepare<[], Buffer>("SELECT value FROM secret WHERE name = 'photo_links'").pluck().get();
  if (key === undefined) throw new Error('the database has no key for links to photos');
  return key;
}

/** The database's id: random, made with the database, and never changed. */
export function databaseIdOf(db: Connection): string {
  const id = db.prepare<[], string>('SELECT id FROM identity').pluck().get();
  if (id === undefined) throw new Error('the database has no id');
  return id;
}
