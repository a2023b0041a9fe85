import { statSync } from 'node:fs';
import type { StorageProblem, StoreDriver } from '../driver.js';
import { databaseFile } from './database.js';
import { openReadStore } from './read/read-store.js';
import { DamagedDatabase, isStorageFailure, isStorageFull, markFailure } from './upkeep/failure.js';
import { lockDataDir } from './upkeep/lock.js';
import { NewerDatabase, SCHEMA_VERSION } from './upkeep/migrations.js';
import { openLedgerStore } from './upkeep/open.js';
import { restoreDatabase } from './upkeep/restore.js';

/** The database is one file in `DATA_DIR`, with a write-ahead log beside it. */
export const sqlite: StoreDriver = {
  schemaVersion: SCHEMA_VERSION,
  exists: (dataDir) => statSync(databaseFile(dataDir), { throwIfNoEntry: false }) !== undefined,
  openReader: openReadStore,
  lock: lockDataDir,
  openWriter: openLedgerStore,
  restore: restoreDatabase,
  classify(error): StorageProblem | undefined {
    if (error instanceof DamagedDatabase) return 'damaged';
    if (error instanceof NewerDatabase) return 'newer';
    if (isStorageFull(error)) return 'full';
    return isStorageFailure(error) ? 'failed' : undefined;
  },
  markFailure,
};
