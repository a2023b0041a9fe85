import type { WriteLimits } from '../../src/store/driver.js';
import { openReadStore } from '../../src/store/sqlite/read/read-store.js';
import { openWriteStore } from '../../src/store/sqlite/write/ledger-store.js';
import type { OpenedStore } from './store.js';

interface Options {
  readonly now?: number;
  /** Hears of what fails unexpectedly; by default it is thrown. */
  readonly unexpected?: (error: unknown) => void;
  readonly limits?: WriteLimits | undefined;
}

/** Both sides of the SQLite store in this folder. */
export async function openSqlite(
  folder: string,
  { now = Date.now(), unexpected = fail, limits }: Options = {},
): Promise<OpenedStore> {
  const write = openWriteStore(folder, now, unexpected, limits);
  const read = openReadStore(folder);
  const close = () => {
    read.close();
    write.close();
  };
  return { write, read, close };
}

function fail(error: unknown): never {
  throw error;
}
