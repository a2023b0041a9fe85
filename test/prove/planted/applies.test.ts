import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
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
  const root = join(folder, name.replaceAll(/\W/g, '-'));
  patchedBuild(root, changes);
  // A patch that names what is not there any more would keep the server from starting, which is another bug.
  for (const { file } of changes) {
    const { stderr } = spawnSync(process.execPath, ['--check', join(root, 'dist', file)]);
    expect(stderr.toString()).toBe('');
  }
});
