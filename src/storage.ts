import type { StoreDriver } from './store/driver.js';
import { sqlite } from './store/sqlite/driver.js';

/** Where the state of this deployment is. Nothing else names a driver. */
export const storage: StoreDriver = sqlite;
