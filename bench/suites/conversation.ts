import { type Outcome, runLoad } from '../load/load.js';
import type { ClosedLoop, OpenLoop } from '../load/plan.js';
import type { Measurement, Metrics } from '../measure/measurement.js';
import type { Contender, Groups } from '../targets/contender.js';
import { Disturbed, type Effort, type Subject } from './suite.js';

const CONNECTING_MAX = 50;
/** The share of a server's closed-loop maximum up to which open loops run. Above it they would only measure its queue. */
const LOAD_SHARE_MAX = 0.85;
/** A rate that is further off means that the server did not keep up, now or in the warm-up. */
const RATE_ERROR_SHARE_MAX = 0.1;

/** Who talks: all members are connected, and the first so many of each group send. */
export interface Crowd {
  readonly groups: Groups;
  readonly sendersPerGroup: number;
}

/** Groups of two. */
export function pairs(count: number): Groups {
  return Array.from({ length: count }, (_, index) => [2 * index + 1, 2 * index + 2]);
}

export type Duration = Pick<Effort, 'seconds' | 'warmupSeconds'>;

/** What a suite puts on its contenders. */
export interface Talk {
  readonly suite: string;
  readonly name: string;
  readonly crowd: Crowd;
  readonly load: ClosedLoop | OpenLoop;
  readonly duration: Duration;
}

/** A trial of it is this talk on a fresh server. */
export function subject(contender: Contender, { suite, name, crowd, load, duration }: Talk): Subject {
  const { groups, sendersPerGroup } = crowd;
  return {
    suite,
    name,
    target: contender.name,
    parameters: {
      groups: groups.length,
      members: groups[0]?.length ?? 0,
      senders: groups.length * sendersPerGroup,
      workers: contender.workers,
      ...(load.kind === 'closed' ? { window: load.window } : { rate_per_s: load.perSecond }),
    },
    trial: () => converse(contender, crowd, load, duration),
  };
}

/** Open loops at those of the rates that this contender can keep up with, as its closed loop has shown. */
export function openLoops(
  contender: Contender,
  rates: readonly number[],
  closed: readonly Measurement[],
  talk: Omit<Talk, 'name' | 'load'>,
): Subject[] {
  const most = maximum(contender, closed) * LOAD_SHARE_MAX;
  return rates
    .filter((perSecond) => perSecond <= most)
    .map((perSecond) =>
      subject(contender, { ...talk, name: `open ${perSecond}/s`, load: { kind: 'open', perSecond } }),
    );
}

/** Messages a second, the most of its closed loops. */
export function maximum({ name, workers }: Contender, closed: readonly Measurement[]): number {
  const own = closed.filter(({ target, parameters }) => target === name && parameters['workers'] === workers);
  return Math.max(0, ...own.map(({ metrics }) => metrics['messages_per_s'] ?? 0));
}

/** One run: this crowd on a fresh server of this contender. Rejects when anything went wrong. */
function converse(
  contender: Contender,
  { groups, sendersPerGroup }: Crowd,
  load: ClosedLoop | OpenLoop,
  duration: Duration,
): Promise<Metrics> {
  return contender.use(groups, async ({ target, sockets }) => {
    const outcome = await runLoad(target, {
      dialect: contender.dialect,
      anyOrder: contender.anyOrder ?? false,
      sockets: sockets.flatMap((members) =>
        members.map((socket, index) => ({ ...socket, sends: index < sendersPerGroup })),
      ),
      connectingMax: CONNECTING_MAX,
      load,
      warmupMs: duration.warmupSeconds * 1000,
      durationMs: duration.seconds * 1000,
    });
    checkKeptUp(target.name, outcome, load);
    return metricsOf(outcome);
  });
}

function checkKeptUp(name: string, { echoed, seconds }: Outcome, load: ClosedLoop | OpenLoop): void {
  if (echoed === 0) throw new Error(`${name}: nothing came back while it was measured`);
  if (load.kind === 'closed') return;
  const planned = load.perSecond * seconds;
  if (Math.abs(echoed - planned) > planned * RATE_ERROR_SHARE_MAX)
    throw new Disturbed(
      `${name} did not keep up: ${echoed} messages in ${seconds} s, planned were ${planned}`,
    );
}

function metricsOf(outcome: Outcome): Metrics {
  const { seconds, echoed, delivered, echo, others, serverSeconds, processorSeconds, reordered } = outcome;
  return {
    messages_per_s: echoed / seconds,
    deliveries_per_s: delivered / seconds,
    echo_p50_ms: echo.p50,
    echo_p99_ms: echo.p99,
    others_p50_ms: others.p50,
    others_p99_ms: others.p99,
    server_us_per_message: (serverSeconds * 1e6) / echoed,
    server_us_per_delivery: (serverSeconds * 1e6) / delivered,
    load_us_per_message: (processorSeconds * 1e6) / echoed,
    server_cores: serverSeconds / seconds,
    load_cores: processorSeconds / seconds,
    reordered_sockets: reordered,
  };
}
