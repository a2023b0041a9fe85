import { readProc, statFieldsOf } from '../../src/prove/faults/processes.js';

/** Linux counts processor time in ticks of which a second has this many. */
const TICKS_PER_S = 100;

/** The processor time that these processes have taken, in user and in system mode together, in seconds. */
export function processorSeconds(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const [user = 0, system = 0] = statFieldsOf(pid).slice(11, 13).map(Number);
    return user + system;
  });
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS_PER_S;
}

/** The memory that these processes share with no other process, in bytes. */
export function privateBytes(pids: readonly number[]): number {
  const kilobytes = pids.map((pid) => {
    const rollup = readProc(`${pid}/smaps_rollup`);
    return [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].reduce(
      (sum, [, kb]) => sum + Number(kb),
      0,
    );
  });
  return kilobytes.reduce((sum, one) => sum + one, 0) * 1024;
}
