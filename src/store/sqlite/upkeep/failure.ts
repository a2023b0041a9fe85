import { readFileSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { syncFolder, writeSynced } from '../../fsync.js';
import { openWriter } from '../database.js';

const MARK = 'storage-failed';
const PROBE = 'space-probe';
/** With less free space than this a full disk stays full: batches would fit and not fit in turn. */
const SPACE_BYTES_MIN = 1024 * 1024;
/** Readers hold on to a snapshot for milliseconds; a frozen one must not keep the checks from beginning for ever. */
const READERS_WAIT_MS = 10_000;
const READERS_LOOK_MS = 50;

/** The database is not what was written. Nothing mends that but a backup. */
export class DamagedDatabase extends Error {
  override readonly name = 'DamagedDatabase';
}

/** True for errors that concern the storage, not what was asked of it: no part of the batch is written for certain. */
export function isStorageFailure(error: unknown): boolean {
  return (
    error instanceof DamagedDatabase ||
    /^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|READONLY|CANTOPEN)/.test(codeOf(error))
  );
}

/**
 * True when a write was refused for want of space. It left nothing behind that a restart could bring to light,
 * so what was asked can be refused, and tried again. (The index beside the write-ahead log, SQLITE_IOERR_SHMSIZE,
 * is another matter: it fails after the commit is written, so that a restart may find it.)
 */
export function isStorageFull(error: unknown): boolean {
  return ['SQLITE_FULL', 'ENOSPC', 'EDQUOT'].includes(codeOf(error));
}

/** Throws when there is no room for `SPACE_BYTES_MIN` in the data folder. Leaves nothing there. */
export function assertSpace(dataDir: string): void {
  const path = join(dataDir, PROBE);
  writeSynced(path, (file) => {
    unlinkSync(path); // Its space is given back when it is closed, also when this process dies.
    const piece = Buffer.alloc(64 * 1024);
    for (let bytes = 0; bytes < SPACE_BYTES_MIN; ) bytes += writeSync(file, piece);
  });
}

function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(error));
}

/** What SQLite says of a database that is damaged, as one error; any other as it is. */
export function asDamage(error: unknown): unknown {
  return isDamage(error) ? new DamagedDatabase((error as Error).message, { cause: error }) : error;
}

/** The same for a start, when nothing was asked yet: the index counts too. */
export function hasNoSpaceToStart(error: unknown): boolean {
  return isStorageFull(error) || codeOf(error) === 'SQLITE_IOERR_SHMSIZE';
}

/**
 * Leaves word for the next start that the storage failed, durably if the storage still lets us. Returns
 * whether it did.
 */
export function markFailure(dataDir: string, error: unknown): boolean {
  try {
    const text = `${codeOf(error)} ${error instanceof Error ? error.message : ''}\n`;
    writeSynced(join(dataDir, MARK), (file) => writeSync(file, text));
    syncFolder(dataDir);
    return true;
  } catch {
    return false; // The disk that failed may take no file either.
  }
}

/** What failed, when the ledger before this one ended because the storage did; undefined when it did not. */
export function failureBefore(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, MARK), 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * What has to hold before anything is written after a failure. The system may show pages of the write-ahead log
 * that a failed sync never brought to the disk, and sync nothing for them later: so all of it is copied into the
 * database, which is synced, and begun anew. Then the database is read through. Removes the mark.
 *
 * Errors: DamagedDatabase; what SQLite says when the storage fails again.
 */
export async function checkAfterFailure(dataDir: string): Promise<void> {
  const db = openWriter(dataDir);
  try {
    const deadline = performance.now() + READERS_WAIT_MS;
    while (db.pragma('wal_checkpoint(TRUNCATE)', { simple: true }) !== 0) {
      if (performance.now() > deadline) throw new Error('a reader does not let the write-ahead log end');
      await sleep(READERS_LOOK_MS);
    }
    const found = String(db.pragma('quick_check(1)', { simple: true }));
    if (found !== 'ok') throw new DamagedDatabase(found);
  } finally {
    db.close();
  }
  rmSync(join(dataDir, MARK), { force: true });
  syncFolder(dataDir);
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
