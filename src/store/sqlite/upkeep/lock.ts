import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';

const RETRY_MS = 100;

/**
 * Locks a data folder exclusively until the process ends: with a lock on a second SQLite file, which the kernel releases
 * at any kind of end. Resolves to undefined when another process holds it after `waitMs`.
 */
export async function lockDataDir(dataDir: string, waitMs: number): Promise<{ release(): void } | undefined> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const db = new Database(join(dataDir, 'ledger.lock'), { timeout: 0 });
  const deadline = performance.now() + waitMs;
  while (!tryLock(db)) {
    if (performance.now() >= deadline) {
      db.close();
      return undefined;
    }
    await sleep(RETRY_MS);
  }
  return { release: () => db.close() };
}

function tryLock(db: Database.Database): boolean {
  try {
    db.pragma('journal_mode = MEMORY'); // A full disk has no room for a journal, and nothing is ever written.
    db.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return false;
    throw error;
  }
}
