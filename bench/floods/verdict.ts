import { median } from '../measure/measurement.js';
import type { FloodFound, Phase } from './flood.js';
import { MEASURED, type Measured } from './victims.js';

/** The 99th percentile may double … */
export const TIMES_MAX = 2;
/** … and this much may come on top, because the machine itself is never quite calm. */
export const FLOOR_MS = 5;

/** The median of the phases' percentiles, in milliseconds. A short disturbance of the machine does not move it. */
export interface Latency {
  /** The number of requests in all phases. */
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface FloodVerdict {
  readonly attack: string;
  readonly latency: Readonly<Record<Measured, { readonly calm: Latency; readonly flooded: Latency }>>;
  readonly errors: Readonly<Record<string, number>>;
  /** What is wrong, in words; empty when nobody was harmed. */
  readonly harm: readonly string[];
  /** A second of flood: what the attackers did and were answered. */
  readonly countsPerSecond: Readonly<Record<string, number>>;
  /** Processors that the server used. */
  readonly serverProcessors: { readonly calm: number; readonly flooded: number };
  readonly serverBytes: FloodFound['serverBytes'];
}

export function verdictOf({ attack, calm, flooded, serverBytes }: FloodFound): FloodVerdict {
  const latency = Object.fromEntries(
    MEASURED.map((what) => [what, { calm: latencyOf(calm, what), flooded: latencyOf(flooded, what) }]),
  ) as FloodVerdict['latency'];
  const errors = summed([...calm, ...flooded].map((phase) => phase.errors));
  const floodSeconds = secondsOf(flooded);
  const counts = Object.entries(summed(flooded.map((phase) => phase.counts)));
  return {
    attack,
    latency,
    errors,
    harm: [
      ...Object.entries(errors).map(([what, count]) => `${count} × ${what}`),
      ...MEASURED.filter(
        (what) => latency[what].flooded.p99 > latency[what].calm.p99 * TIMES_MAX + FLOOR_MS,
      ).map((what) => `the p99 of ${what} more than doubled`),
      ...MEASURED.filter((what) => latency[what].flooded.count === 0).map(
        (what) => `no ${what} was answered`,
      ),
    ],
    countsPerSecond: Object.fromEntries(counts.map(([what, count]) => [what, count / floodSeconds])),
    serverProcessors: { calm: processorsOf(calm), flooded: processorsOf(flooded) },
    serverBytes,
  };
}

function latencyOf(phases: readonly Phase[], what: Measured): Latency {
  const sorted = phases.map(({ ms }) => [...ms[what]].sort((a, b) => a - b));
  const at = (share: number) => median(sorted.map((one) => one[Math.ceil(one.length * share) - 1] ?? 0));
  const count = sorted.reduce((sum, { length }) => sum + length, 0);
  return { count, p50: at(0.5), p99: at(0.99), max: at(1) };
}

function secondsOf(phases: readonly Phase[]): number {
  return phases.reduce((sum, { seconds }) => sum + seconds, 0);
}

function processorsOf(phases: readonly Phase[]): number {
  return phases.reduce((sum, phase) => sum + phase.serverProcessorSeconds, 0) / secondsOf(phases);
}

function summed(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const one of all)
    for (const [what, count] of Object.entries(one)) sums[what] = (sums[what] ?? 0) + count;
  return sums;
}
