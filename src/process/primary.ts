import { type ChildProcess, fork } from 'node:child_process';
import cluster from 'node:cluster';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.js';
import { createLogger } from '../log.js';
import { secretFile } from '../server/auth/secret.js';
import { Child } from './child.js';
import { exitOnUnexpectedError, OF_PRIMARY } from './lifecycle.js';
import { freePort } from './port.js';

const DRAIN_MS = 10_000;
/** A replacement that is not ready after this is given up; a ledger may have a database to check first. */
const READY_MS = 30_000;
/** How a child ends that has told the person at the terminal what is wrong. */
const SAID_WHY = 'exit code 1';
const STDIN = 0;
const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));

/**
 * Starts the ledger and the workers, keeps them running, replaces them one after the other at SIGHUP, and stops
 * them in order. Serves nobody itself.
 */
export async function runPrimary(config: Config): Promise<void> {
  const log = createLogger(config.logLevel, 'primary', { sync: true });
  exitOnUnexpectedError(log);
  // When nobody reads any more what the processes say, chat goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const terminal = isatty(STDIN);
  const port = await freePort(config);
  let started = false;
  let stopping = false;
  let replacing = false;
  let replaceAsked = false;
  /** In the order of their numbers, but for one that is about to end and the one that takes its place. */
  const workers = new Set<Child>();

  const ended = (child: Child, exit: string, everReady: boolean) => {
    if (stopping) return;
    // One that never came up, and ended by itself, has said why; to try again would change nothing.
    if (everReady || exit !== SAID_WHY) log.error({ child: child.name, exit }, 'a process ended unasked');
    if (!everReady) void stop(1);
  };
  const stop = async (exit: number | 'SIGHUP') => {
    if (stopping) return;
    stopping = true;
    const deadline = performance.now() + DRAIN_MS - 500;
    const left = () => Math.max(0, deadline - performance.now());
    await Promise.all([...workers].map((worker) => worker.stop(left())));
    await ledger.stop(Math.max(left(), 500));
    if (typeof exit === 'number') process.exit(exit);
    // Node aborts when it exits by itself without the terminal that it began with.
    process.removeAllListeners(exit).kill(process.pid, exit);
  };

  /** Puts a new process in a worker's place. False, and the old one stays, when the new one does not come up. */
  const replaceWorker = async (old: Child): Promise<boolean> => {
    const why = await new Promise<string | undefined>((resolve) => {
      const fresh = new Child(old.name, forkWorker(port), (child, exit, everReady) => {
        if (everReady) return ended(child, exit, everReady);
        giveUp(exit);
      });
      const giveUp = (exit: string) => {
        clearTimeout(timer);
        workers.delete(fresh);
        void fresh.stop(0).then(() => resolve(exit));
      };
      const timer = setTimeout(giveUp, READY_MS, `not ready within ${READY_MS} ms`);
      workers.add(fresh);
      void fresh.start().then(() => {
        clearTimeout(timer);
        resolve(undefined);
      });
    });
    if (why !== undefined) {
      log.error({ child: old.name, why }, 'a replacement did not come up; the process before it stays');
      return false;
    }
    await old.stop(DRAIN_MS);
    workers.delete(old);
    return true;
  };

  /** The ledger first: a worker may rely on what the ledger of its version does. */
  const replaceAll = async (): Promise<boolean> => {
    const ready = ledger.restart(DRAIN_MS).then(() => true);
    if (!(await Promise.race([ready, sleep(READY_MS).then(() => false)]))) {
      log.error({ child: ledger.name }, 'the new ledger is not ready; the workers wait for it, and stay');
      return false;
    }
    for (const worker of [...workers]) {
      if (stopping || !(await replaceWorker(worker))) return false;
    }
    return true;
  };
  const replace = async () => {
    replaceAsked = true;
    if (!started || replacing) return;
    replacing = true;
    while (replaceAsked && !stopping) {
      replaceAsked = false;
      log.info('replacing the processes, one after the other');
      const began = performance.now();
      const done = await replaceAll();
      const ms = Math.round(performance.now() - began);
      if (!stopping) log.info({ ms }, done ? 'every process is replaced' : 'the replacement was given up');
    }
    replacing = false;
  };

  const ledger = new Child('ledger', () => fork(MAIN, [OF_PRIMARY, 'ledger']), ended);
  process.on('SIGTERM', () => void stop(0));
  process.on('SIGINT', () => void stop(0));
  // A terminal that is closed says SIGHUP, too.
  process.on('SIGHUP', () => void (terminal && !isatty(STDIN) ? stop('SIGHUP') : replace()));

  await ledger.start();
  if (stopping) return;

  cluster.setupPrimary({
    exec: MAIN,
    args: [OF_PRIMARY, 'worker'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  for (let number = 1; number <= config.workers; number++) {
    workers.add(new Child(`worker ${number}`, forkWorker(port), ended));
  }
  await Promise.all([...workers].map((worker) => worker.start()));
  if (stopping) return;

  if (config.jwt.key === undefined) {
    log.info(
      { file: secretFile(config.dataDir) },
      'no JWT key is configured: tokens are checked with the generated secret; mint one with: npm run token -- --sub 1',
    );
  }
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  const scheme = config.tls === undefined ? 'http' : 'https';
  console.log(`parley listening on ${scheme}://${host}:${port} (workers: ${config.workers})`);
  started = true;
  if (replaceAsked) void replace();
}

/** The port is settled by the primary, so that 0 means the same free one for all. */
function forkWorker(port: number): () => ChildProcess {
  return () => {
    const worker = cluster.fork({ PORT: String(port) });
    worker.on('error', () => undefined); // The cluster says again what the process says.
    return passOnErrors(worker.process);
  };
}

/**
 * A worker's standard error without the engine's line about each upgrade that came after an await: to cork
 * those, as it asks, makes this engine close 1 in 10,000 of the sockets (uNetworking/uWebSockets#1928).
 */
function passOnErrors(worker: ChildProcess): ChildProcess {
  if (worker.stderr === null) return worker;
  createInterface(worker.stderr).on('line', (line) => {
    if (!line.startsWith('Warning: uWS.HttpResponse writes must be made')) process.stderr.write(`${line}\n`);
  });
  return worker;
}
