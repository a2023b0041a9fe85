import { setTimeout as sleep } from 'node:timers/promises';
import { answer } from '../parts/dialogue.js';
import { Errands } from './errands.js';
import type { Population } from './population.js';
import { SocketClient } from './socket-client.js';
import { pick, Tally } from './tally.js';
import { Visits } from './visits.js';

export interface ChurnPlan {
  readonly port: number;
  readonly population: Population;
  readonly visitsPerSecond: number;
}

export interface ChurnFound {
  readonly counts: Readonly<Record<string, number>>;
  readonly unexpected: Readonly<Record<string, number>>;
}

const TICK_MS = 5;
const STAY_MS_MAX = 2000;
const LOOKS_PER_S = 20;
const GROUPS_PER_S = 1;
const UPLOADS_PER_S = 0.2;
const HALF_UPLOADS_PER_S = 0.2;
/** They stay from the beginning to the end, and speak each second. */
const RESIDENTS = 20;
const FINISH_MS_MAX = 30_000;

const tally = new Tally();
let timers: NodeJS.Timeout[] = [];
let residents: SocketClient[] = [];

answer({
  begin: async ({ port, population, visitsPerSecond }: ChurnPlan) => {
    const visits = new Visits(port, population, tally, STAY_MS_MAX);
    const errands = new Errands(port, population, tally);
    residents = population.groups.slice(0, RESIDENTS).map(({ id, members }) => {
      const token = population.users[(members[0] ?? 1) - 1]?.token ?? '';
      return SocketClient.connect(port, `/group/${id}`, token, false);
    });
    for (const resident of residents) await resident.opened();
    timers = [
      every(visitsPerSecond, () => visits.next()),
      every(LOOKS_PER_S, () => errands.look()),
      every(GROUPS_PER_S, () => errands.group()),
      every(UPLOADS_PER_S, () => errands.upload()),
      every(HALF_UPLOADS_PER_S, () => errands.halfUpload()),
      every(residents.length, () => pick(residents).send({ type: 'message', text: 'still here' })),
    ];
  },
  found: (): ChurnFound => ({ counts: tally.counts, unexpected: tally.unexpected }),
  /** Everybody leaves. */
  end: async (): Promise<ChurnFound> => {
    for (const timer of timers) clearInterval(timer);
    for (const resident of residents) tally.run('residents left', () => resident.leave());
    for (const deadline = performance.now() + FINISH_MS_MAX; tally.open > 0; await sleep(TICK_MS)) {
      if (performance.now() < deadline) continue;
      tally.wrong(`${tally.open} did not come to their end`);
      break;
    }
    return { counts: tally.counts, unexpected: tally.unexpected };
  },
});

function every(perSecond: number, act: () => void): NodeJS.Timeout {
  const start = performance.now();
  let count = 0;
  return setInterval(() => {
    for (const due = ((performance.now() - start) / 1000) * perSecond; count < due; count++) act();
  }, TICK_MS);
}
