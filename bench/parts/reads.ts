import type { Percentiles } from '../load/plan.js';
import type { History } from './history.js';
import { runProcess } from './process.js';

export const READS = ['history newest', 'history offset', 'history after', 'chat list'] as const;
export type Read = (typeof READS)[number];

/** The plan of the reader's process. It travels as JSON. */
export interface ReadsPlan {
  readonly dataDir: string;
  readonly history: History;
  readonly read: Read;
  readonly requests: number;
  /** The number of requests that warm up and are not measured. */
  readonly warmupRequests: number;
}

/** What each took, in milliseconds, and read. */
export interface ReadsFound {
  readonly latency: Percentiles;
  /** The pages that SQLite asked the system for. */
  readonly pages: number;
  /** The bytes that the system got from the disk, including what it read ahead. */
  readonly diskBytes: number;
}

/** The store's reads, each checked, in a process that does nothing else. */
export function runReads(plan: ReadsPlan): Promise<ReadsFound> {
  return runProcess('reads-process', plan);
}
