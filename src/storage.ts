import type { StoreDriver } from './store/driver.js';
import { sqlite } from './store/sqlite/driver.js';

/** The driver of the database. No other file names one. */
export const storage: StoreDriver = sqlite;
