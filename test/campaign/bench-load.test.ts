import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** The bench as it is built: the load's own process runs compiled files. */
const BUILT = fileURLToPath(new URL('../../dist-bench/bench', import.meta.url));
const GROUPS = Array.from({ length: 10 }, (_, index) => [2 * index + 1, 2 * index + 2]);
const DURATION = { warmupSeconds: 0.2, seconds: 1 };

async function built() {
  const { subject } = (await import(
    `${BUILT}/suites/conversation.js`
  )) as typeof import('../../bench/suites/conversation.js');
  const contenders = (await import(
    `${BUILT}/targets/contender.js`
  )) as typeof import('../../bench/targets/contender.js');
  return { subject, ...contenders };
}

describe('the benchmark’s load', () => {
  it.each([
    'parley',
    'engine',
  ] as const)('gets its messages through %s, and counts what they cost', async (name) => {
    const { subject, parley, engine } = await built();
    const { trial } = subject(name === 'parley' ? parley(1) : engine, {
      suite: 'chats',
      name: 'closed',
      crowd: { groups: GROUPS, sendersPerGroup: 1 },
      load: { kind: 'closed', window: 1 },
      duration: DURATION,
    });
    const metrics = await trial();
    expect(metrics['messages_per_s']).toBeGreaterThan(0);
    expect(metrics['deliveries_per_s']).toBeGreaterThan(Number(metrics['messages_per_s']));
    expect(metrics['echo_p99_ms']).toBeGreaterThan(0);
    expect(metrics['server_us_per_message']).toBeGreaterThan(0);
  });
});
