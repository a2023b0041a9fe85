import type { Percentiles } from '../load/plan.js';
import { runProcess } from './process.js';

/** The plan of the process that gives and receives hints. It travels as JSON. */
export interface HintsPlan {
  readonly dataDir: string;
  /** Through Redis, or else over the link. */
  readonly redisUrl?: string;
  readonly hints: number;
  readonly warmupHints: number;
}

export interface HintsFound {
  /** From when the ledger's end gives a hint to when the worker's end hears it, in milliseconds. */
  readonly latency: Percentiles;
}

/** The way of a hint alone, one at a time, with both of its ends in one process. */
export function runHints(plan: HintsPlan): Promise<HintsFound> {
  return runProcess('hints-process', plan);
}
