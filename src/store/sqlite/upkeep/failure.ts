import { readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { syncFolder, writeSynced } from '../../fsync.js';
import { openWriter } from '../database.js';

const RECORD = 'storage-failed';
/** Readers keep a snapshot for milliseconds. A reader that is frozen must not delay the checks for ever. */
const READERS_WAIT_MS = 10_000;
const READERS_RETRY_MS = 50;

/** The database is not what was written. Only a backup repairs that. */
export class DamagedDatabase extends Error {
  override readonly name = 'DamagedDatabase';
}

/** Whether an error concerns the storage, and not the command. Whether anything of the commit is written is not known. */
export function isStorageFailure(error: unknown): boolean {
  return (
    error instanceof DamagedDatabase ||
    /^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|READONLY|CANTOPEN)/.test(codeOf(error))
  );
}

/**
 * Whether a write was refused because there is no space. Nothing of it is written that a restart could find, so its
 * commands can be refused, and tried again. SQLITE_IOERR_SHMSIZE, which concerns the index beside the write-ahead log,
 * is not among these errors: it comes after the commit is written, so that a restart may find that.
 */
export function isStorageFull(error: unknown): boolean {
  return ['SQLITE_FULL', 'ENOSPC', 'EDQUOT'].includes(codeOf(error));
}

function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(error));
}

/** Gives a DamagedDatabase for the errors by which SQLite reports damage, and any other error as it is. */
export function asDamage(error: unknown): unknown {
  return isDamage(error) ? new DamagedDatabase((error as Error).message, { cause: error }) : error;
}

/** Whether there is no space to start in. No command is concerned yet, so the index counts too. */
export function hasNoSpaceToStart(error: unknown): boolean {
  return isStorageFull(error) || codeOf(error) === 'SQLITE_IOERR_SHMSIZE';
}

/** Records for the next start that the storage failed. Returns false when that could not be written durably. */
export function markFailure(dataDir: string, error: unknown): boolean {
  try {
    const text = `${codeOf(error)} ${error instanceof Error ? error.message : ''}\n`;
    writeSynced(join(dataDir, RECORD), (file) => writeSync(file, text));
    syncFolder(dataDir);
    return true;
  } catch {
    return false; // The disk that failed may take no file either.
  }
}

/** Gives the failure of the storage that ended the ledger before this one; undefined when there was none. */
export function failureBefore(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, RECORD), 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Checks what has to hold before anything is written after a failure. The system may show pages of the write-ahead log
 * that a failed sync never brought to the disk, and that no later sync writes. So all of the log is copied into the
 * database, which is synced, and the log is begun again. Then the whole database is checked. Removes the record of the
 * failure. Errors: DamagedDatabase; those of SQLite when the storage fails again.
 */
export async function checkAfterFailure(dataDir: string): Promise<void> {
  const db = openWriter(dataDir);
  try {
    const deadline = performance.now() + READERS_WAIT_MS;
    while (db.pragma('wal_checkpoint(TRUNCATE)', { simple: true }) !== 0) {
      if (performance.now() > deadline) throw new Error('a reader does not let the write-ahead log end');
      await sleep(READERS_RETRY_MS);
    }
    const found = String(db.pragma('quick_check(1)', { simple: true }));
    if (found !== 'ok') throw new DamagedDatabase(found);
  } finally {
    db.close();
  }
  rmSync(join(dataDir, RECORD), { force: true });
  syncFolder(dataDir);
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
