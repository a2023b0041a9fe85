import { storage } from '../storage.js';
import { assertRoom, prepareDataFolder } from './prepare.js';
import { asFolderProblem, folderProblem } from './problem.js';

/**
 * Prepares the data folder and locks it until the process ends, for the one who writes. Resolves to undefined when
 * another holds the lock after `waitMs`. Errors: OperatorError, in one line.
 */
export async function lockDataFolder(
  dataDir: string,
  waitMs: number,
): Promise<{ release(): void } | undefined> {
  prepareDataFolder(dataDir);
  // Where a database is, a ledger waits for space, because workers may be there, which go on to serve what is stored.
  if (!storage.exists(dataDir)) assertRoom(dataDir);
  return storage.lock(dataDir, waitMs).catch((error: unknown) => {
    if (storage.classify(error) === undefined) throw asFolderProblem(dataDir, error);
    throw folderProblem(dataDir, `cannot be locked (${(error as Error).message})`);
  });
}
