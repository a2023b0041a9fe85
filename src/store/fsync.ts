import { closeSync, fsyncSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** A folder that may not be read, or a file system that does not sync folders: what SQLite passes over too. */
const PASSED_OVER: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'EROFS']);

/**
 * Makes the names of a folder and of all above it durable. SQLite syncs the folder that its files are in, but
 * a power cut may take a new folder away with everything in it. A predecessor may have been killed between
 * making the folder and this: so it is done whoever made it.
 */
export function syncNameOf(folder: string): void {
  for (let own = resolve(folder); dirname(own) !== own; own = dirname(own)) syncFolder(dirname(own));
}

/** Makes the names in a folder durable. */
export function syncFolder(folder: string): void {
  let file: number | undefined;
  try {
    file = openSync(folder, 'r');
    fsyncSync(file);
  } catch (error) {
    if (!PASSED_OVER.has((error as NodeJS.ErrnoException).code)) throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
