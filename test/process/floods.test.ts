import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttackName } from '../../bench/floods/attacks/all.js';
import type { Stage } from '../../bench/floods/world.js';

/** The tool as it is built: its processes run compiled files. */
const BUILT = fileURLToPath(new URL('../../dist-bench/bench/floods', import.meta.url));
const CROWD = 500;
const SECONDS = 1.5;
const ANSWER_MS_MAX = 1000;

/** Of the full number of connections, and what shows that there was a flood. */
const FLOODS: readonly [AttackName, number, RegExp][] = [
  ['slow-heads', 0.1, /^single bytes$/],
  ['slow-bodies', 0.1, /^single bytes$/],
  ['half-upgrades', 0.1, /^connections$/],
  ['messages', 1, /^frames$/],
  ['messages-after-the-end', 1, /^frames$/],
  ['messages-of-many', 1, /^frames$/],
  ['duplicates', 1, /^frames$/],
  ['typing', 1, /^frames$/],
  ['pings', 1, /^frames$/],
  ['big-frames', 1, /^frames$/],
  ['bad-tokens', 0.1, /^answers 401$/],
  ['history', 1, /^histories$/],
  ['reconnect-storm', 1, /^ms until all were back$/],
];

let stage: Stage;
beforeAll(async () => {
  const { Stage } = (await import(`${BUILT}/world.js`)) as typeof import('../../bench/floods/world.js');
  stage = await Stage.start({ workers: 2, crowd: CROWD });
});
afterAll(() => stage.stop());

describe('what others feel of a flood', () => {
  it.each(FLOODS)('%s: no error, and every answer within a second', async (attack, scale, sign) => {
    const { shortFlood } = (await import(
      `${BUILT}/flood.js`
    )) as typeof import('../../bench/floods/flood.js');
    const { ms, errors, counts } = await shortFlood(stage, { attack, scale, seconds: SECONDS });
    expect(errors).toEqual({});
    for (const [what, all] of Object.entries(ms)) {
      expect(all.length, what).toBeGreaterThan(0);
      expect(Math.max(...all), what).toBeLessThan(ANSWER_MS_MAX);
    }
    expect(Object.keys(counts).some((name) => sign.test(name))).toBe(true);
  });
});
