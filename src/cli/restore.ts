import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config.js';
import { lockDataFolder } from '../data-folder/lock.js';
import { OperatorError } from '../operator-error.js';
import { storage } from '../storage.js';

type Restored = Awaited<ReturnType<typeof storage.restore>>;

const USAGE = 'usage: npm run restore -- <copy of a database>';

/**
 * `restore <copy>`: puts a copy of a database into DATA_DIR while no server runs there. The next server gives ids far
 * above all that were given before, and keeps clients from taking the old history and this one for the same.
 */
export async function runRestore(args: readonly string[], { dataDir }: Config): Promise<void> {
  const [name, ...others] = args;
  if (name === undefined || name.startsWith('-') || others.length > 0) throw new OperatorError(USAGE);
  const copy = existing(name);
  const lock = await lockDataFolder(dataDir, 0);
  if (lock === undefined)
    throw new OperatorError(`a server is using ${dataDir}; stop it, then run this command again`);
  try {
    report(name, dataDir, await restore(dataDir, copy));
  } finally {
    lock.release();
  }
}

/** Errors: OperatorError. Nothing is changed then. */
async function restore(dataDir: string, copy: string): Promise<Restored> {
  try {
    return await storage.restore(dataDir, copy, Date.now());
  } catch (error) {
    throw new OperatorError(`${copy} was not restored: ${(error as Error).message}`);
  }
}

function report(copy: string, dataDir: string, { messages, newest, replaced }: Restored): void {
  const until = newest === undefined ? 'none' : `up to ${new Date(newest).toISOString()}`;
  console.log(`${copy} is the database of ${dataDir}: ${messages} messages, ${until}`);
  if (replaced !== undefined) console.log(`the database that was there is ${replaced}`);
  console.log(
    'the next server gives ids 2^40 above all that were given before; restore the folder files as well',
  );
}

function existing(name: string): string {
  try {
    return realpathSync(resolve(name));
  } catch {
    throw new OperatorError(`there is no file ${name}`);
  }
}
