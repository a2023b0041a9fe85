import { describe, expect, it } from 'vitest';
import type { Violation } from '../../../src/prove/checker/verdict.js';
import { bugs, fallingBehind } from './bugs.js';
import { proveWith } from './plant.js';

/** A bug that shows only when a fault comes at the right moment gets this many runs, each with another seed. */
const RUNS_MAX = 3;

describe('a server in which', () => {
  it.each(bugs.map((bug) => [bug.name, bug] as const))('%s is caught', async (_name, bug) => {
    const seen: unknown[] = [];
    for (let run = 1; run <= RUNS_MAX; run++) {
      const { counts } = await proveWith(bug, `planted ${run}`);
      const made = (Object.keys(counts) as Violation[]).filter((name) => counts[name] > 0);
      console.log(`${bug.name}: ${made.map((name) => `${name} ${counts[name]}`).join(', ') || 'nothing'}`);
      if (made.some((name) => bug.expected.includes(name))) return;
      seen.push(made);
    }
    expect(seen).toContainEqual(expect.arrayContaining([...bug.expected]));
  });

  it.each([
    { what: 'no bug, and the ledger dies', args: ['--faults', 'ledger,cut,freeze-ledger'] },
    { what: 'no bug, and texts are long', args: ['--characters', '4000', '--faults', 'cut'] },
    { what: 'no bug, and sockets fall behind', changes: fallingBehind },
  ])('there is $what has nothing to count', async ({ changes = [], args = [] }) => {
    const { examples, good } = await proveWith({ name: 'none', changes, expected: [], args }, 'control');
    expect(examples).toEqual(Object.fromEntries(Object.keys(examples).map((name) => [name, []])));
    expect(good).toBe(true);
  });
});
