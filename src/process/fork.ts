import { type ChildProcess, fork } from 'node:child_process';
import cluster from 'node:cluster';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { STARTED_BY_PRIMARY } from './lifecycle.js';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));

export function forkLedger(): ChildProcess {
  return fork(MAIN, [STARTED_BY_PRIMARY, 'ledger']);
}

/** Returns a function that starts a worker. The primary chooses the port, so that PORT=0 means the same one for all workers. */
export function workerForker(port: number): () => ChildProcess {
  cluster.setupPrimary({
    exec: MAIN,
    args: [STARTED_BY_PRIMARY, 'worker'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  return () => {
    const worker = cluster.fork({ PORT: String(port) });
    worker.on('error', () => undefined); // The cluster repeats the error of `worker.process`, which is handled.
    forwardStderr(worker.process);
    return worker.process;
  };
}

/**
 * Forwards a worker's standard error without the engine's warning about each upgrade that comes after an await. Corking
 * these upgrades, as the warning asks, makes the engine close 1 in 10,000 of the sockets (uNetworking/uWebSockets#1928).
 */
function forwardStderr(worker: ChildProcess): void {
  if (worker.stderr === null) return;
  createInterface(worker.stderr).on('line', (line) => {
    if (!line.startsWith('Warning: uWS.HttpResponse writes must be made')) process.stderr.write(`${line}\n`);
  });
}
