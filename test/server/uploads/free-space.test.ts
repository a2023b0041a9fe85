import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FreeSpace } from '../../../src/server/uploads/free-space.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-space-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it.each([
  ['one byte', 1, false],
  ['more than any disk has', Number.MAX_SAFE_INTEGER, true],
])('free space is compared with %s', async (_what, bytesMin, low) => {
  expect(await new FreeSpace(folder, bytesMin, () => 0).isLow()).toBe(low);
});

it('the file system is asked at most once a second', async () => {
  let now = 5000;
  const path = join(folder, 'later');
  const space = new FreeSpace(path, 1, () => now);
  await expect(space.isLow()).rejects.toMatchObject({ code: 'ENOENT' });
  await mkdir(path);
  now += 999;
  await expect(space.isLow()).rejects.toMatchObject({ code: 'ENOENT' });
  now += 1;
  expect(await space.isLow()).toBe(false);
  await rm(path, { recursive: true });
  now += 999;
  expect(await space.isLow()).toBe(false);
  now += 1;
  await expect(space.isLow()).rejects.toMatchObject({ code: 'ENOENT' });
});

it('with 0 it is never asked', async () => {
  expect(await new FreeSpace('/nowhere', 0, () => 0).isLow()).toBe(false);
});
