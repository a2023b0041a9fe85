import { unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { writeSynced } from './fsync.js';

const PROBE = 'space-probe';
/** With less free space than this a disk counts as full, because some commits would fit and others not. */
export const SPACE_BYTES_MIN = 1024 * 1024;

/** Throws when there is no room for `SPACE_BYTES_MIN` in the folder. Leaves nothing there. */
export function assertSpace(folder: string): void {
  const path = join(folder, PROBE);
  writeSynced(path, (file) => {
    unlinkSync(path); // So its space is free again when the file is closed, also when this process dies.
    const piece = Buffer.alloc(64 * 1024);
    for (let bytes = 0; bytes < SPACE_BYTES_MIN; ) bytes += writeSync(file, piece);
  });
}
