import type { Percentiles } from '../load/plan.js';
import type { History } from './history.js';
import { runProcess } from './process.js';

export const READS = ['history newest', 'history offset', 'history after', 'chat list'] as const;
export type Read = (typeof READS)[number];

/** For the reader's process; travels as JSON. */
export interface ReadsPlan {
  readonly dataDir: string;
  readonly history: History;
  readonly read: Read;
  readonly requests: number;
  /** Made before, and not measured. */
  readonly warmupRequests: number;
}

/** What each took, in milliseconds, and read. */
export interface ReadsFound {
  readonly latency: Percentiles;
  /** That SQLite asked the system for. */
  readonly pages: number;
  /** That the system had to get from the disk, what it read ahead included. */
  readonly diskBytes: number;
}

/** The store's reads, each checked, in a process that does nothing else. */
export function runReads(plan: ReadsPlan): Promise<ReadsFound> {
  return runProcess('reads-process', plan);
}
