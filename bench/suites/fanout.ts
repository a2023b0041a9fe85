import {
  type Contender,
  engine,
  enginePerTick,
  parley,
  parleyMain,
  socketIo,
  ws,
} from '../targets/contender.js';
import { openLoops, subject } from './conversation.js';
import { alternate, type Suite } from './suite.js';

const SUITE = 'fanout';
const MEMBERS = 1000;
/** Messages in flight at once, from as many senders or from one. */
const UNDER_WAY = 64;
/** Messages per second, each of which is a thousand deliveries. */
const RATES = [20, 200, 1000, 2000];

const group = Array.from({ length: MEMBERS }, (_, index) => index + 1);
const many = { groups: [group], sendersPerGroup: UNDER_WAY };
const one = { groups: [group], sendersPerGroup: 1 };

/** One group of a thousand, all connected: what comes to all of them, in closed loops and at fixed rates. */
export const fanout: Suite = async function* (effort) {
  const talk = { suite: SUITE, duration: effort };
  const parleyAlone = parley(1);
  const mains = parleyMain(1);
  const best = [parleyAlone, enginePerTick];
  const all: readonly Contender[] = [...best, mains, engine, ws, socketIo('uws', 1), socketIo('ws', 1)];
  const fromMany = (contender: Contender) =>
    subject(contender, {
      ...talk,
      name: `closed, ${UNDER_WAY} senders`,
      crowd: many,
      load: { kind: 'closed', window: 1 },
    });
  const fromOne = (contender: Contender) =>
    subject(contender, {
      ...talk,
      name: 'closed, one sender',
      crowd: one,
      load: { kind: 'closed', window: UNDER_WAY },
    });
  const closed = await alternate(effort, [
    ...all.filter((contender) => !effort.quick || contender !== engine).map(fromMany),
    ...(effort.quick ? best : all).map(fromOne),
  ]);
  yield* closed;
  if (effort.quick) return;
  yield* await alternate(
    { ...effort, trials: 1 },
    all.flatMap((contender) => openLoops(contender, RATES, closed, { ...talk, crowd: many })),
  );
};
