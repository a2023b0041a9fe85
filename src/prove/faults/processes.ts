import { readdirSync, readFileSync } from 'node:fs';

/** The processes that a process has started, whichever of its threads did. Empty when it has ended. */
export function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) =>
    readProc(`${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
}

/** The process and all that it and its children have started, however deep. */
export function treeOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

/** Those of a server's processes that its primary has started in this role. */
export function childrenInRole(primary: number, role: 'ledger' | 'worker'): number[] {
  return childrenOf(primary).filter((pid) => argumentsOf(pid).at(-1) === role);
}

/** The arguments that a process was started with. Empty when it has ended. */
export function argumentsOf(pid: number): string[] {
  return readProc(`${pid}/cmdline`).split('\0').filter(Boolean);
}

/**
 * The fields of /proc/<pid>/stat that follow the process's name: the state is [0], user and system time are [11] and
 * [12], and the start time is [19]. Empty when the process has ended.
 */
export function statFieldsOf(pid: number): string[] {
  const stat = readProc(`${pid}/stat`);
  // The name stands in brackets, and may have brackets and spaces of its own.
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .filter(Boolean);
}

/** The text of a file below /proc; '' when its process has ended. */
export function readProc(file: string): string {
  try {
    return readFileSync(`/proc/${file}`, 'utf8');
  } catch (error) {
    if (hasEnded(error)) return '';
    throw error;
  }
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch (error) {
    if (hasEnded(error)) return [];
    throw error;
  }
}

function hasEnded(error: unknown): boolean {
  return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '');
}
