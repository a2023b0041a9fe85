import { childrenInRole, statFieldsOf } from '../../src/prove/faults/processes.js';

/** True when the process runs: it has not ended, nor is it a zombie whose parent has yet to ask how it ended. */
export function isRunning(pid: number): boolean {
  const [state = 'X'] = statFieldsOf(pid);
  return state !== 'Z' && state !== 'X';
}

/** The processes that a primary has started, by role. The ledger is 0 when there is none. */
export function childrenByRole(primary: number): { ledger: number; workers: number[] } {
  const [ledger = 0] = childrenInRole(primary, 'ledger');
  return { ledger, workers: childrenInRole(primary, 'worker') };
}
