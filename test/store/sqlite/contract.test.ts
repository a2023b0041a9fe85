import { openSqlite } from '../../support/sqlite.js';
import { storeContract } from '../store-contract.js';

const OPENED_AT = 1_700_000_000_000;

storeContract('SQLite', (at, options) =>
  openSqlite(at, { now: OPENED_AT, unexpected: () => undefined, ...options }),
);
