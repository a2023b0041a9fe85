import { setTimeout as sleep } from 'node:timers/promises';
import {
  type LedgerStore,
  openWriteStore,
  type UnexpectedError,
  type WriteLimits,
} from '../write/ledger-store.js';
import { asDamage, checkAfterFailure, failureBefore, hasNoSpaceToStart } from './failure.js';

const TRY_AGAIN_MS = 1000;

export interface OpeningEvents {
  /** A command failed in a way that it should not; it was undone. */
  unexpected: UnexpectedError;
  /** There is no space to begin in: told once, while it is tried again each second. */
  full(): void;
  /** There is. */
  space(): void;
  /** The ledger before this one ended because of this failure: the database is about to be checked. */
  checking(failure: string): void;
}

/**
 * Opens the write side of the database as the ledger does: after a failure of the storage only when the checks
 * hold, and, on a full disk, when there is space. Errors: DamagedDatabase; what SQLite says.
 */
export async function openLedgerStore(
  dataDir: string,
  now: () => number,
  events: OpeningEvents,
  limits?: WriteLimits,
): Promise<LedgerStore> {
  const failure = failureBefore(dataDir);
  if (failure !== undefined) events.checking(failure);
  for (let tries = 1; ; tries++) {
    try {
      if (failureBefore(dataDir) !== undefined) await checkAfterFailure(dataDir);
      const store = openWriteStore(dataDir, now(), events.unexpected, limits);
      if (tries > 1) events.space();
      return store;
    } catch (error) {
      if (!hasNoSpaceToStart(error)) throw asDamage(error);
      if (tries === 1) events.full();
      await sleep(TRY_AGAIN_MS);
    }
  }
}
