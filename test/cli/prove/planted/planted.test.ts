import { describe, expect, it } from 'vitest';
import { bugs } from './bugs.js';
import { proveWith } from './plant.js';

/** Those that show within seconds and without a fault; `npm run prove:planted` has them all. */
const QUICK = [
  'a removal acts a while after it passes',
  'a socket reads its history, and goes live a while later',
];

describe('the checker', () => {
  it.each(QUICK)('sees that %s', async (name) => {
    const bug = bugs.find((one) => one.name === name);
    const { counts, good } = await proveWith(bug, 'quick');
    expect(good).toBe(false);
    expect(bug?.expected.some((violation) => counts[violation] > 0)).toBe(true);
  });
});
