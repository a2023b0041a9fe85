import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in these. */
const TICKS_PER_S = 100;

/** The process and all that it has started, however deep. */
export function tree(pid: number): number[] {
  const pids = [pid];
  for (const one of pids) {
    for (const thread of list(`/proc/${one}/task`)) {
      const children = read(`/proc/${one}/task/${thread}/children`).split(' ').filter(Boolean);
      pids.push(...children.map(Number));
    }
  }
  return pids;
}

/** Processor time of these processes since they began, user and system together, in seconds. */
export function processorSeconds(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const stat = read(`/proc/${pid}/stat`);
    const [user = 0, system = 0] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number);
    return user + system;
  });
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS_PER_S;
}

/** Memory that only these processes hold (what they share with others left out), in bytes. */
export function privateBytes(pids: readonly number[]): number {
  const kilobytes = pids.map((pid) => {
    const rollup = read(`/proc/${pid}/smaps_rollup`);
    return [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].reduce(
      (sum, [, kb]) => sum + Number(kb),
      0,
    );
  });
  return kilobytes.reduce((sum, one) => sum + one, 0) * 1024;
}

/** The arguments that a process was started with; empty when it has ended. */
export function argumentsOf(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split('\0').filter(Boolean);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // It has ended.
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // It has ended.
  }
}
