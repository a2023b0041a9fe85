import type { Metrics } from '../measure/measurement.js';
import { runHints } from '../parts/hints.js';
import { parley, parleyWithRedis } from '../targets/contender.js';
import { withDataDir } from '../targets/parley.js';
import { startRedis } from '../targets/redis.js';
import { subject } from './conversation.js';
import { alternate, type Subject, type Suite } from './suite.js';

const SUITE = 'link';
const WORKERS = 2;
const PER_SECOND = 4000;
const HINTS = 5000;
const HINTS_WARMUP = 1000;

/** Five hundred conversations of two, spread over the workers. */
const crowd = {
  groups: Array.from({ length: 500 }, (_, index) => [2 * index + 1, 2 * index + 2]),
  sendersPerGroup: 1,
};

/**
 * Workers linked by the ledger's own socket, and by a Redis beside it: messages at a moderate rate and as many as go,
 * and the way of a hint by itself. A message never waits for Redis, and a hint that comes twice is heard once, so
 * what Redis costs is processor time.
 */
export const link: Suite = async function* (effort) {
  yield* await alternate(effort, [hints('parley'), hints('parley (redis)')]);
  const talk = { suite: SUITE, crowd, duration: effort };
  const contenders = [parley(WORKERS), parleyWithRedis(WORKERS)];
  yield* await alternate(effort, [
    ...contenders.map((contender) =>
      subject(contender, {
        ...talk,
        name: `open ${PER_SECOND}/s`,
        load: { kind: 'open', perSecond: PER_SECOND },
      }),
    ),
    ...contenders.map((contender) =>
      subject(contender, { ...talk, name: 'closed', load: { kind: 'closed', window: 1 } }),
    ),
  ]);
};

function hints(target: 'parley' | 'parley (redis)'): Subject {
  const trial = () => withDataDir((dataDir) => hintsTrial(dataDir, target === 'parley (redis)'));
  return { suite: SUITE, name: 'hint', target, parameters: { hints: HINTS }, trial };
}

async function hintsTrial(dataDir: string, throughRedis: boolean): Promise<Metrics> {
  const redis = throughRedis ? await startRedis() : undefined;
  try {
    const { latency } = await runHints({
      ...{ dataDir, hints: HINTS, warmupHints: HINTS_WARMUP },
      ...(redis !== undefined && { redisUrl: redis.url }),
    });
    return { p50_ms: latency.p50, p99_ms: latency.p99 };
  } finally {
    await redis?.stop();
  }
}
