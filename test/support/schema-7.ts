import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { databaseFile } from '../../src/store/sqlite/database.js';

const SCHEMA_7 = readFileSync(new URL('../store/sqlite/schema-7.sql', import.meta.url), 'utf8');

/** Makes a database of schema 7 in a folder, with what else the statements put there. */
export function makeSchema7(folder: string, more = ''): void {
  const db = new Database(databaseFile(folder));
  db.pragma('journal_mode = WAL');
  db.exec(SCHEMA_7);
  // Ids were given since before the folder kept a record of them, which there is none of here.
  db.exec('UPDATE identity SET ids_recorded = 0');
  db.exec(more);
  db.close();
}
