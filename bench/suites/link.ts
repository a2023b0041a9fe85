import { RedisServer } from '../../src/prove/faults/redis-server.js';
import type { Metrics } from '../measure/measurement.js';
import { runHints } from '../parts/hints.js';
import { parley, parleyWithRedis } from '../targets/contender.js';
import { withDataDir } from '../targets/parley.js';
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
 * Compares workers that are linked by the ledger's socket alone with workers that Redis links as well: messages at a
 * moderate rate, messages as fast as they are answered, and a hint by itself. A message never waits for Redis, and a
 * hint that comes twice acts once, so Redis costs processor time alone.
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
  const redis = throughRedis ? await RedisServer.start() : undefined;
  try {
    const { latency } = await runHints({
      ...{ dataDir, hints: HINTS, warmupHints: HINTS_WARMUP },
      ...(redis !== undefined && { redisUrl: redis.url }),
    });
    return { p50_ms: latency.p50, p99_ms: latency.p99 };
  } finally {
    await redis?.end('SIGTERM');
  }
}
