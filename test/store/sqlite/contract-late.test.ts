import { slowStore } from '../../support/slow-store.js';
import { openSqlite } from '../../support/sqlite.js';
import { storeContract } from '../store-contract.js';

const OPENED_AT = 1_700_000_000_000;

storeContract('SQLite that answers later', async (at, options) => {
  const store = await openSqlite(at, { now: OPENED_AT, unexpected: () => undefined, ...options });
  return { ...store, read: slowStore(store.read) };
});
