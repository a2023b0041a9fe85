import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { argumentsOf } from '../../src/prove/faults/processes.js';
import type { Census } from './census.js';

const CENSUS_MS_MAX = 60_000;
const LOOK_EVERY_MS = 50;

/** The size of a process at a moment. */
export interface Sample {
  /** Seconds since the beginning of the soak. */
  readonly atS: number;
  readonly rssBytes: number;
  readonly descriptors: number;
}

/** The names `primary`, `ledger`, `worker 1`, … by process id. */
export function named(pids: readonly number[]): Map<number, string> {
  let workers = 0;
  return new Map(
    pids.map((pid) => {
      const role = argumentsOf(pid).at(-1) ?? '';
      if (role === 'worker') workers += 1;
      return [pid, role === 'worker' ? `worker ${workers}` : role === 'ledger' ? role : 'primary'];
    }),
  );
}

export function sample(pid: number, atS: number): Sample {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { atS, rssBytes: Number(kilobytes) * 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

/** Asks a process that has loaded `census-preload`, which writes its census into this folder. */
export async function censusOf(pid: number, folder: string): Promise<Census> {
  const file = join(folder, `${pid}.json`);
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (const deadline = performance.now() + CENSUS_MS_MAX; !existsSync(file); await sleep(LOOK_EVERY_MS))
    if (performance.now() > deadline) throw new Error(`process ${pid} gives no census`);
  const found: Census | { error: string } = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof found['error'] === 'string') throw new Error(found['error']);
  return found as Census;
}

/** The growth of the RSS in bytes per second: the slope of the least-squares line through the samples. */
export function slopeOf(samples: readonly Sample[]): number {
  const mean = (of: (one: Sample) => number) =>
    samples.reduce((sum, one) => sum + of(one), 0) / samples.length;
  const atS = mean((one) => one.atS);
  const rssBytes = mean((one) => one.rssBytes);
  const covariance = mean((one) => (one.atS - atS) * (one.rssBytes - rssBytes));
  const variance = mean((one) => (one.atS - atS) ** 2);
  return variance === 0 ? 0 : covariance / variance;
}
