import { openReadStore } from '../../src/store/sqlite/read/read-store.js';
import { openWriteStore } from '../../src/store/sqlite/write/ledger-store.js';
import type { OpenedStore } from './store.js';

/** Both sides of the SQLite store in this folder. What fails unexpectedly is thrown. */
export async function openSqlite(folder: string): Promise<OpenedStore> {
  const write = openWriteStore(folder, Date.now(), (error) => {
    throw error;
  });
  const read = openReadStore(folder);
  const close = () => {
    read.close();
    write.close();
  };
  return { write, read, close };
}
