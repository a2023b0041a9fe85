import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, it } from 'vitest';
import { patchedBuild } from '../../support/build.js';
import { bugs, fallingBehind } from './bugs.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-test-planted-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ...bugs,
  { name: 'chat sockets fall behind at random', changes: fallingBehind },
])('the patch of "$name" applies to the build', ({ name, changes }) => {
  patchedBuild(join(folder, name.replaceAll(/\W/g, '-')), changes);
});
