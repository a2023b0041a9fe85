import { setTimeout as sleep } from 'node:timers/promises';
import type { WriterOptions } from '../../driver.js';
import { type LedgerStore, openWriteStore } from '../write/ledger-store.js';
import { asDamage, checkAfterFailure, failureBefore, hasNoSpaceToStart } from './failure.js';

const TRY_AGAIN_MS = 1000;

/**
 * Opens the database for the ledger. After a failure of the storage the checks have to hold, and on a full disk it waits
 * until there is space. Errors: DamagedDatabase; those of SQLite.
 */
export async function openLedgerStore(options: WriterOptions): Promise<LedgerStore> {
  const { dataDir, now, limits } = options;
  const failure = failureBefore(dataDir);
  if (failure !== undefined) options.checking(failure);
  for (let tries = 1; ; tries++) {
    try {
      if (failureBefore(dataDir) !== undefined) await checkAfterFailure(dataDir);
      const store = openWriteStore(
        dataDir,
        now(),
        (error, command) => options.unexpected(error, command),
        limits,
        (why, first) => options.idsContinued(why, first),
      );
      if (tries > 1) options.space();
      return store;
    } catch (error) {
      if (!hasNoSpaceToStart(error)) throw asDamage(error);
      if (tries === 1) options.full();
      await sleep(TRY_AGAIN_MS);
    }
  }
}
