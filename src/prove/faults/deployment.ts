import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync, type WriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS_OFF } from '../../chat/limits.js';
import { searchPath } from '../../config.js';
import { OperatorError } from '../../operator-error.js';

const START_MS_MAX = 30_000;
const RESTART_MS = 200;
const LOOK_EVERY_MS = 10;
const STOP_MS_MAX = 15_000;
const PORT_MIN = 20_000;
const PORTS = 10_000;

export interface DeploymentOptions {
  /** The server's `dist/main.js`. */
  readonly program: string;
  readonly folder: string;
  readonly workers: number;
  readonly secret: string;
  readonly redisUrl: string | undefined;
}

export type Role = 'worker' | 'ledger' | 'primary';

/** A server of the run's own: its process tree, and the supervisor that starts the primary again. */
export class Deployment {
  readonly url: string;
  readonly dataDir: string;
  readonly #options: DeploymentOptions;
  readonly #port: number;
  readonly #output: WriteStream;
  readonly #left = new Map<number, string>();
  #primary: ChildProcess | undefined;
  #serving = false;
  #everServed = false;
  #lastWords = '';
  #stopping = false;
  /** Should this process end without having stopped the server, the server does not stay behind. */
  readonly #abandon = () => void this.#primary?.kill('SIGKILL');

  private constructor(options: DeploymentOptions, port: number) {
    this.#options = options;
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.dataDir = join(options.folder, 'data');
    this.#output = createWriteStream(join(options.folder, 'server.log'));
    process.on('exit', this.#abandon);
  }

  /** Resolves when it serves. */
  static async start(options: DeploymentOptions): Promise<Deployment> {
    const deployment = new Deployment(options, await freePort());
    deployment.#launch();
    const deadline = performance.now() + START_MS_MAX;
    while (!deployment.#serving) {
      if (performance.now() > deadline || deployment.#stopping) {
        await deployment.stop();
        throw new OperatorError(`the server did not start: ${deployment.#lastWords.trim()}`);
      }
      await sleep(LOOK_EVERY_MS);
    }
    deployment.#everServed = true;
    return deployment;
  }

  /** True when the primary has said that it serves, and every process is there. */
  get isWhole(): boolean {
    return (
      this.#serving &&
      this.pids('worker').length === this.#options.workers &&
      this.pids('ledger').length === 1
    );
  }

  /** Of the processes that it has started, those of a role. */
  pids(role: Role): number[] {
    const { pid, exitCode, signalCode } = this.#primary ?? {};
    if (pid === undefined || exitCode !== null || signalCode !== null) return [];
    if (role === 'primary') return [pid];
    return childrenOf(pid).filter((child) => argumentsOf(child).includes(role));
  }

  /** Sends a signal to one of its processes. Before the primary dies, what it started is noted down. */
  signal(pid: number, signal: NodeJS.Signals): void {
    for (const child of [...this.pids('worker'), ...this.pids('ledger')])
      this.#left.set(child, startOf(child));
    if (this.#left.has(pid) && this.#left.get(pid) !== startOf(pid)) return; // Gone, and its number is another's.
    kill(pid, signal);
  }

  /** Stops the server, and whatever of it should be left. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const primary = this.#primary;
    if (primary !== undefined && primary.exitCode === null && primary.signalCode === null) {
      const ended = new Promise((resolve) => primary.once('exit', resolve));
      const timer = setTimeout(() => primary.kill('SIGKILL'), STOP_MS_MAX);
      for (const role of ['worker', 'ledger'] as const) {
        for (const pid of this.pids(role)) this.signal(pid, 'SIGCONT');
      }
      primary.kill('SIGTERM');
      await ended;
      clearTimeout(timer);
    }
    for (const [pid, start] of this.#left) if (start !== '' && startOf(pid) === start) kill(pid, 'SIGKILL');
    process.off('exit', this.#abandon);
    this.#output.end();
  }

  #launch(): void {
    const { program, workers, secret, redisUrl } = this.#options;
    const child = spawn(process.execPath, [program], {
      env: {
        PATH: searchPath(),
        HOST: '127.0.0.1',
        PORT: String(this.#port),
        DATA_DIR: this.dataDir,
        WORKERS: String(workers),
        JWT_SECRET: secret,
        LOG_LEVEL: 'info',
        ...LIMITS_OFF,
        ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#primary = child;
    child.stdout.on('data', (bytes: Buffer) => {
      if (bytes.includes('listening on')) this.#serving = true;
      this.#output.write(bytes);
    });
    child.stderr.on('data', (bytes: Buffer) => {
      this.#lastWords = bytes.toString();
      this.#output.write(bytes);
    });
    child.on('close', () => {
      this.#serving = false;
      if (!this.#everServed) this.#stopping = true;
      if (!this.#stopping) setTimeout(() => !this.#stopping && this.#launch(), RESTART_MS);
    });
  }
}

/** One that has ended already is no matter. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function childrenOf(pid: number): number[] {
  return (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number);
}

function argumentsOf(pid: number): string[] {
  return (read(`/proc/${pid}/cmdline`) ?? '').split('\0');
}

/** When a process was started, in the kernel's words: with its number, this names one process for good. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`) ?? '';
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // It has ended.
  }
}

/**
 * A free port that the system hands to nobody by itself: while the server is down, a client that dials it from
 * a port of the same number would be connected to itself, and hold it.
 */
export async function freePort(): Promise<number> {
  for (
    let port = PORT_MIN + Math.floor(Math.random() * PORTS);
    ;
    port = PORT_MIN + ((port - PORT_MIN + 1) % PORTS)
  ) {
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
