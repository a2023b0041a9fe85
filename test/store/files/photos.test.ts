import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PhotoFiles } from '../../../src/store/files/photos.js';
import * as fsync from '../../../src/store/fsync.js';
import { png } from '../../support/images.js';

vi.mock('../../../src/store/fsync.js', { spy: true });

const GROUP = 7;

let dataDir: string;
let photos: PhotoFiles;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'parley-photos-'));
  photos = new PhotoFiles(dataDir);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dataDir, { recursive: true });
});

it("a group's folder that is removed while a photo is placed in it leaves the refusal to the ledger", async () => {
  const { fsyncPath } = await vi.importActual<typeof fsync>('../../../src/store/fsync.js');
  vi.mocked(fsync.fsyncPath).mockImplementationOnce(async (path) => {
    await photos.removeAll('groups', GROUP);
    await fsyncPath(path);
  });
  const uploaded = join(dataDir, 'upload');
  writeFileSync(uploaded, png(10, 10));
  const placed = await photos.store(uploaded, 'groups', GROUP);
  await placed.remove();
  expect(existsSync(uploaded)).toBe(false);
  expect(existsSync(join(dataDir, 'files', 'groups', String(GROUP)))).toBe(false);
});
