import { opendir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PhotoOwner } from '../photo-store.js';
import { filesOf } from './photo-names.js';

/** Younger files may belong to a request that a worker is still handling. */
const AGE_MS_MIN = 3_600_000;

/**
 * Removes what a crash may have left: temporary files, and photos that no row names. `photoOf` gives the photo's file
 * name of a user or a group, null when it has none, and undefined when there is no such user or group.
 */
export async function sweepFiles(
  dataDir: string,
  now: number,
  photoOf: (owner: PhotoOwner, id: number) => string | null | undefined,
): Promise<void> {
  for await (const name of names(join(dataDir, 'tmp'))) await removeOld(join(dataDir, 'tmp', name), now);
  for (const owner of ['users', 'groups'] as const) {
    const folder = join(dataDir, 'files', owner);
    for await (const id of names(folder)) {
      await nextTurn();
      const photo = photoOf(owner, Number(id));
      const kept = photo ? filesOf(photo) : undefined;
      for await (const name of names(join(folder, id))) {
        if (!kept?.has(name)) await removeOld(join(folder, id, name), now);
      }
      // This fails, as it should, while something is in the folder.
      if (photo === undefined) await rmdir(join(folder, id)).catch(() => undefined);
    }
  }
}

async function removeOld(path: string, now: number): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error; // Its request may have removed it meanwhile.
  });
  if (found !== undefined && now - found.ctimeMs >= AGE_MS_MIN) await rm(path, { force: true });
}

/** Gives the names in a folder, and none when it does not exist. */
async function* names(folder: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(folder)) yield entry.name;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  }
}
