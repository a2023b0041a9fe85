import { measureDisk } from '../measure/disk.js';
import type { Measurement } from '../measure/measurement.js';
import { type Contender, engine, parley, socketIo } from '../targets/contender.js';
import { maximum, openLoops, pairs, subject } from './conversation.js';
import { alternate, type Effort, type Suite } from './suite.js';

const SUITE = 'chats';
const OPEN_PER_S = 8000;
const RATES = [1000, 2000, 4000, 8000, 16_000, 24_000];
const PEER_RATES = [500, 1000, 2000];
const DISK_SECONDS = 2;

/** A thousand conversations of two: all are connected, and one of each sends. */
const crowd = { groups: pairs(1000), sendersPerGroup: 1 };

/**
 * Durable messages in many small groups: the most that comes back while each sender waits for its own, and how late
 * messages are at fixed rates. Everyone but the bare engine has a message on disk before anybody sees it.
 */
export const chats: Suite = async function* (effort) {
  yield disk();
  const duration = effort;
  const talk = { suite: SUITE, crowd, duration };
  const closed = await alternate(
    effort,
    contenders(effort).map((contender) =>
      subject(contender, { ...talk, name: 'closed', load: { kind: 'closed', window: 1 } }),
    ),
  );
  yield* closed;
  const one = parley(1);
  const peers = effort.quick ? [socketIo('uws', 1)] : [socketIo('uws', 1), socketIo('ws', 1)];
  const atHalf = peers.map((peer) => {
    const perSecond = Math.round(maximum(peer, closed) / 2);
    return subject(peer, { ...talk, name: 'open at half its maximum', load: { kind: 'open', perSecond } });
  });
  yield* await alternate(effort, [...openLoops(one, [OPEN_PER_S], closed, talk), ...atHalf]);
  if (effort.quick) return;
  const ladder = { ...talk, duration: { ...effort, seconds: effort.seconds / 2 } };
  yield* await alternate({ ...effort, trials: 1 }, [
    ...[one, engine].flatMap((contender) =>
      openLoops(
        contender,
        RATES.filter((rate) => contender !== one || rate !== OPEN_PER_S),
        closed,
        ladder,
      ),
    ),
    ...peers.flatMap((peer) => openLoops(peer, PEER_RATES, closed, ladder)),
  ]);
};

function contenders({ quick }: Effort): Contender[] {
  if (quick) return [parley(1), engine, socketIo('uws', 1)];
  return [
    parley(1),
    parley(2),
    engine,
    socketIo('uws', 1),
    socketIo('ws', 1),
    socketIo('uws', 2),
    socketIo('ws', 2),
  ];
}

/** Without it, nobody knows what the latencies of a durable message are made of. */
function disk(): Measurement {
  const metrics = measureDisk(DISK_SECONDS);
  return { suite: SUITE, name: 'disk', target: 'machine', parameters: {}, metrics, trials: [metrics] };
}
