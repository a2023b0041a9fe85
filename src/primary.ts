import { type ChildProcess, fork } from 'node:child_process';
import cluster from 'node:cluster';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Config } from './config.js';
import { createLogger } from './log.js';
import { dieLoudly, type FromChild, type ToChild } from './process.js';
import { secretFile } from './secret.js';

const DRAIN_MS = 10_000;
const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 5000;
/** How a child ends that has told the person at the terminal what is wrong. */
const SAID_WHY = 'exit code 1';
const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

type OnEnd = (child: Child, exit: string, everReady: boolean) => void;

/** One process of the tree, started again whenever it ends. */
class Child {
  readonly name: string;
  readonly #start: () => ChildProcess;
  readonly #onEnd: OnEnd;
  #process: ChildProcess | undefined;
  #stopping = false;
  #ready = false;
  #everReady = false;
  /** Starts in a row that never became ready: only those are held back. */
  #failedStarts = 0;

  constructor(name: string, start: () => ChildProcess, onEnd: OnEnd) {
    this.name = name;
    this.#start = start;
    this.#onEnd = onEnd;
  }

  /** Resolves when the process is ready for the first time; it is started again for as long as it takes. */
  start(): Promise<void> {
    return new Promise((resolve) => this.#launch(resolve));
  }

  /** Asks the process to drain. Resolves when it has ended, by itself or, at the deadline, by SIGKILL. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    const child = this.#process;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      // One that is not ready has taken nothing yet.
      if (!this.#ready) child.kill('SIGKILL');
      else if (child.connected) child.send({ type: 'drain' } satisfies ToChild);
      else child.kill('SIGTERM');
    });
  }

  #launch(ready: () => void): void {
    const child = this.#start();
    this.#process = child;
    this.#ready = false;
    child.on('message', (message: FromChild) => {
      if (message.type !== 'ready') return;
      this.#ready = true;
      this.#everReady = true;
      ready();
    });
    const ended = (exit: string) => {
      if (this.#stopping) return;
      this.#failedStarts = this.#ready ? 0 : this.#failedStarts + 1;
      this.#onEnd(this, exit, this.#everReady);
      if (this.#stopping) return;
      const wait = this.#ready ? 0 : Math.min(RESTART_MS_MIN * 2 ** (this.#failedStarts - 1), RESTART_MS_MAX);
      setTimeout(() => {
        if (!this.#stopping) this.#launch(ready);
      }, wait);
    };
    child.on('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
    child.on('error', (error) => {
      if (child.pid === undefined) ended(`not started: ${error.message}`); // Otherwise `exit` follows.
    });
  }
}

/** Starts the ledger and the workers, keeps them running, and stops them in order. Serves nobody itself. */
export async function runPrimary(config: Config): Promise<void> {
  const log = createLogger(config.logLevel, 'primary');
  dieLoudly(log);
  const port = await freePort(config);
  let stopping = false;
  const children: Child[] = [];

  const ended = (child: Child, exit: string, everReady: boolean) => {
    if (stopping) return;
    // One that never came up, and ended by itself, has said why; to try again would change nothing.
    if (everReady || exit !== SAID_WHY) log.error({ child: child.name, exit }, 'a process ended unasked');
    if (!everReady) void stop(1);
  };
  const stop = async (exitCode: number) => {
    if (stopping) return;
    stopping = true;
    const [ledger, ...workers] = children;
    const deadline = performance.now() + DRAIN_MS - 500;
    const left = () => Math.max(0, deadline - performance.now());
    await Promise.all(workers.map((worker) => worker.stop(left())));
    await ledger?.stop(Math.max(left(), 500));
    process.exit(exitCode);
  };
  process.on('SIGTERM', () => void stop(0));
  process.on('SIGINT', () => void stop(0));

  const ledger = new Child('ledger', () => fork(MAIN, ['ledger']), ended);
  children.push(ledger);
  await ledger.start();
  if (stopping) return;

  cluster.setupPrimary({ exec: MAIN, args: ['worker'], stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
  const workers = Array.from({ length: config.workers }, (_, index) => {
    // The port is settled here, so that 0 means the same free one for all.
    const start = () => {
      const worker = cluster.fork({ PORT: String(port) });
      worker.on('error', () => undefined); // The cluster says again what the process says.
      return passOnErrors(worker.process);
    };
    return new Child(`worker ${index + 1}`, start, ended);
  });
  children.push(...workers);
  await Promise.all(workers.map((worker) => worker.start()));
  if (stopping) return;

  if (config.notEnforced.length > 0) {
    log.warn(
      { settings: config.notEnforced },
      'these limits are set, but this version does not enforce them',
    );
  }
  if (config.jwt.key === undefined) {
    log.info(
      { file: secretFile(config.dataDir) },
      'no JWT key is configured: tokens are checked with the generated secret; mint one with: npm run token -- --sub 1',
    );
  }
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  console.log(`parley listening on http://${host}:${port} (workers: ${config.workers})`);
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

/**
 * The port to serve on. The engine shares a taken port silently, so it is tried first in a way that does
 * not: exits with one line when somebody has it.
 */
function freePort({ host, port }: Config): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code})`;
      console.error(`parley: port ${port} on ${host} ${why}`);
      process.exit(1);
    });
    probe.listen({ host, port, exclusive: true }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}
