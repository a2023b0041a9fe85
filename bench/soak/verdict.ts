import type { Census } from './census.js';
import { type Sample, slopeOf } from './processes.js';

const SLOPE_BYTES_PER_10_MIN_MAX = 1024 * 1024;
const TEN_MINUTES_S = 600;
/** A slope of fewer minutes says nothing. */
const SLOPE_MINUTES_MIN = 10;

/** Collections that do not shrink when users leave. The first is bounded by its cache, the second by two seconds. */
const BOUNDED = new Set(['EncodedPages.#chats', 'Overload.#commits']);

/** What a process of the server was like. */
export interface ProcessFound {
  readonly name: string;
  /** While there is churn, the warm-up too. */
  readonly samples: readonly Sample[];
  /** Samples without users: after a short while of everything, and at the end. */
  readonly idle: { readonly before: Sample; readonly after: Sample };
  /** Undefined for the primary, which holds nothing for users. */
  readonly census: { readonly before: Census; readonly after: Census } | undefined;
}

export interface SoakFound {
  readonly minutes: number;
  readonly warmupSeconds: number;
  readonly processes: readonly ProcessFound[];
  readonly counts: Readonly<Record<string, number>>;
  readonly unexpected: Readonly<Record<string, number>>;
}

/** Bytes that a process grew by in ten minutes, after the warm-up. */
export function growthOf({ samples }: ProcessFound, warmupSeconds: number): number {
  return slopeOf(samples.filter(({ atS }) => atS >= warmupSeconds)) * TEN_MINUTES_S;
}

/** What grew and should not have. */
export function grown(before: Census, after: Census): string[] {
  return Object.entries(after)
    .filter(([name, size]) => size > (before[name] ?? 0) && !BOUNDED.has(name))
    .map(([name, size]) => `${name}: ${before[name] ?? 0} → ${size}`);
}

/** In words; empty when all is well. */
export function wrongIn({ minutes, warmupSeconds, processes, unexpected }: SoakFound): string[] {
  const wrong = Object.entries(unexpected).map(([what, count]) => `${count} × ${what}`);
  for (const one of processes) {
    const { before, after } = one.idle;
    const held = one.census === undefined ? [] : grown(one.census.before, one.census.after);
    const growth = growthOf(one, warmupSeconds);
    if (minutes >= SLOPE_MINUTES_MIN && growth > SLOPE_BYTES_PER_10_MIN_MAX)
      wrong.push(`${one.name} grows by ${(growth / 1024 / 1024).toFixed(1)} MB in ten minutes`);
    if (after.descriptors > before.descriptors)
      wrong.push(`${one.name} has ${after.descriptors} descriptors, and had ${before.descriptors}`);
    wrong.push(...held.map((what) => `${one.name} holds ${what}`));
  }
  return wrong;
}
