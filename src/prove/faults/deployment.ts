import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS_OFF } from '../../chat/limits.js';
import { searchPath } from '../../config.js';
import { OperatorError } from '../../operator-error.js';
import { freePort } from '../../process/port.js';
import { childrenInRole, statFieldsOf } from './processes.js';

const START_MS_MAX = 30_000;
const RESTART_MS = 200;
const POLL_EVERY_MS = 10;
const STOP_MS_MAX = 15_000;

export interface DeploymentOptions {
  /** The server's `dist/main.js`. */
  readonly program: string;
  readonly folder: string;
  readonly workers: number;
  readonly secret: string;
  readonly redisUrl: string | undefined;
}

export type Role = 'worker' | 'ledger' | 'primary';

/** A server that a run has started for itself, with a supervisor that starts the primary again when it ends. */
export class Deployment {
  readonly url: string;
  readonly dataDir: string;
  readonly #options: DeploymentOptions;
  readonly #port: number;
  readonly #output: WriteStream;
  /** When each child of a primary was started that was seen before a signal: some may outlive their primary. */
  readonly #startTimes = new Map<number, string>();
  #primary: ChildProcess | undefined;
  #isServing = false;
  #hasServed = false;
  #lastError = '';
  #isStopping = false;
  /** The primary ends with this process, also when this process ends without having stopped it. */
  readonly #killPrimary = () => void this.#primary?.kill('SIGKILL');

  private constructor(options: DeploymentOptions, port: number) {
    this.#options = options;
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.dataDir = join(options.folder, 'data');
    this.#output = createWriteStream(join(options.folder, 'server.log'));
    process.on('exit', this.#killPrimary);
  }

  /** Resolves when it serves. Errors: an OperatorError with the last thing that it wrote when it does not start. */
  static async start(options: DeploymentOptions): Promise<Deployment> {
    const deployment = new Deployment(options, await freePort());
    deployment.#launch();
    const deadline = performance.now() + START_MS_MAX;
    while (!deployment.#isServing) {
      if (performance.now() > deadline || deployment.#isStopping) {
        await deployment.stop();
        throw new OperatorError(`the server did not start: ${deployment.#lastError.trim()}`);
      }
      await sleep(POLL_EVERY_MS);
    }
    deployment.#hasServed = true;
    return deployment;
  }

  /** True when the server has said that it serves, and all of its processes run. */
  get isComplete(): boolean {
    return (
      this.#isServing &&
      this.pids('worker').length === this.#options.workers &&
      this.pids('ledger').length === 1
    );
  }

  /** The ids of those of its processes that run in this role. */
  pids(role: Role): number[] {
    const { pid, exitCode, signalCode } = this.#primary ?? {};
    if (pid === undefined || exitCode !== null || signalCode !== null) return [];
    return role === 'primary' ? [pid] : childrenInRole(pid, role);
  }

  /** Sends a signal to one of its processes, unless that process has ended and another has its id. */
  signal(pid: number, signal: NodeJS.Signals): void {
    for (const child of [...this.pids('worker'), ...this.pids('ledger')])
      this.#startTimes.set(child, startTimeOf(child));
    if (this.#startTimes.has(pid) && this.#startTimes.get(pid) !== startTimeOf(pid)) return;
    kill(pid, signal);
  }

  /** Stops the server, and kills the processes that outlived it. */
  async stop(): Promise<void> {
    this.#isStopping = true;
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
    for (const [pid, startTime] of this.#startTimes)
      if (startTime !== '' && startTimeOf(pid) === startTime) kill(pid, 'SIGKILL');
    process.off('exit', this.#killPrimary);
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
      if (bytes.includes('listening on')) this.#isServing = true;
      this.#output.write(bytes);
    });
    child.stderr.on('data', (bytes: Buffer) => {
      this.#lastError = bytes.toString();
      this.#output.write(bytes);
    });
    child.on('close', () => {
      this.#isServing = false;
      if (!this.#hasServed) this.#isStopping = true;
      if (!this.#isStopping) setTimeout(() => !this.#isStopping && this.#launch(), RESTART_MS);
    });
  }
}

/** Sends a signal to a process; one that has ended already is passed over. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** When a process was started, in ticks of the kernel; '' when it has ended. With the id this names one process. */
function startTimeOf(pid: number): string {
  return statFieldsOf(pid)[19] ?? '';
}
