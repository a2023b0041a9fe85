import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { patchedBuild } from '../../support/build.js';
import { temporaryFolder } from '../../support/ledger.js';
import { bugs } from './bugs.js';
import { proveWith } from './plant.js';

/** Bugs that show within seconds, without a wait for an echo that never comes. `npm run prove:planted` has all bugs. */
const QUICK = [
  'a removal acts a while after it passes',
  'a resumed socket is shown the message that it has seen',
];

const SECONDS = 2;

it('every bug can be planted in the program as it is', async () => {
  const folder = await temporaryFolder();
  try {
    for (const [index, { changes }] of bugs.entries())
      patchedBuild(join(folder.path, String(index)), changes);
  } finally {
    await folder.remove();
  }
});

describe('the checker', () => {
  it.each(QUICK)('sees that %s', async (name) => {
    const bug = bugs.find((one) => one.name === name);
    const { counts, good } = await proveWith(bug, 'quick', SECONDS);
    expect(good).toBe(false);
    expect(bug?.expected.some((violation) => counts[violation] > 0)).toBe(true);
  });
});
