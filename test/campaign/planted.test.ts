import { describe, expect, it } from 'vitest';
import { bugs } from '../prove/planted/bugs.js';
import { proveWith } from '../prove/planted/plant.js';

/** Bugs that show within seconds, without a wait for an echo that never comes. `npm run prove:planted` has all bugs. */
const QUICK = [
  'a removal acts a while after it passes',
  'a resumed socket is shown the message that it has seen',
  'an edit is told of, and its message keeps the text from before',
];

/** Longer when nothing came of it: on a busy machine, less happens in the same time. */
const SECONDS = [2, 6, 18];

describe('the checker', () => {
  it.each(QUICK)('sees that %s', async (name) => {
    const bug = bugs.find((one) => one.name === name);
    const seen: unknown[] = [];
    for (const seconds of SECONDS) {
      const { counts, good } = await proveWith(bug, 'quick', seconds);
      if (!good && bug?.expected.some((violation) => counts[violation] > 0)) return;
      seen.push(counts);
    }
    expect.unreachable(`it was not seen: ${JSON.stringify(seen)}`);
  });
});
