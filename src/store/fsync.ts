import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Errors of a folder that may not be read, or of a file system that does not sync folders. SQLite ignores them as well. */
const IGNORED: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'EROFS']);

/** Makes the contents of a file, or the names in a folder, durable. */
export async function fsyncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Does the same as `fsyncPath` within this tick. */
export function fsyncPathSync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Writes a file that the owner alone may read, and makes its contents durable. `write` gets the open file, which is
 * empty. The name is durable only when its folder is synced as well.
 */
export function writeSynced(path: string, write: (file: number) => void): void {
  const file = openSync(path, 'w', 0o600);
  try {
    write(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Gives a file a new text, durably. A power cut leaves the old file or the new one. Only the owner can read it. */
export function replaceSynced(path: string, text: string): void {
  const temporary = `${path}.new`;
  writeSynced(temporary, (file) => writeSync(file, text));
  renameSync(temporary, path);
  syncFolder(dirname(path));
}

/** Makes the names in a folder durable where the file system can do that. */
export function syncFolder(folder: string): void {
  try {
    fsyncPathSync(folder);
  } catch (error) {
    if (!IGNORED.has((error as NodeJS.ErrnoException).code)) throw error;
  }
}

/**
 * Makes the names of a folder and of all above it durable. SQLite syncs the folder that its files are in, but a power
 * cut may remove a new folder with everything in it. This is done for an old folder too, because the process that made
 * it may have been killed before it got here.
 */
export function syncNameOf(folder: string): void {
  for (let own = resolve(folder); dirname(own) !== own; own = dirname(own)) syncFolder(dirname(own));
}
