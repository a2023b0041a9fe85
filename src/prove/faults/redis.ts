import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { searchPath } from '../../config.js';
import { OperatorError } from '../../operator-error.js';
import { freePort } from './deployment.js';

const START_MS_MAX = 10_000;
const ANSWER_MS = 2000;
const LOOK_EVERY_MS = 20;

/** A Redis of the run's own, without a disk. */
export class Redis {
  readonly #port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string) {
    this.#port = port;
    this.#folder = folder;
    process.on('exit', () => this.#process?.kill('SIGKILL')); // It does not stay behind.
  }

  static async start(folder: string): Promise<Redis> {
    const redis = new Redis(await freePort(), folder);
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const settings = [
      '--port',
      String(this.#port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
    ];
    const child = spawn('redis-server', [...settings, '--dir', this.#folder], {
      env: { PATH: searchPath() },
      stdio: 'ignore',
    });
    this.#process = child;
    let failure: Error | undefined;
    child.on('error', (error) => {
      failure = error;
    });
    const deadline = performance.now() + START_MS_MAX;
    while (!(await this.answers())) {
      if (failure !== undefined)
        throw new OperatorError(`redis-server cannot be started: ${failure.message}`);
      if (performance.now() > deadline) throw new OperatorError('redis-server does not answer');
      await sleep(LOOK_EVERY_MS);
    }
  }

  async answers(): Promise<boolean> {
    return (await this.#ask('PING')).startsWith('+PONG');
  }

  /** Ends every client's connection. */
  async killClients(): Promise<void> {
    await this.#ask('CLIENT KILL TYPE pubsub SKIPME yes');
    await this.#ask('CLIENT KILL TYPE normal SKIPME yes');
  }

  /** False when there is none that runs. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): boolean {
    return this.#process?.kill(signal) ?? false;
  }

  /** Resolves when it has ended. False when there is none to end: whoever has ended it starts the next. */
  async kill(): Promise<boolean> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return false;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    return true;
  }

  /** The answer to one command, '' without one. */
  #ask(command: string): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(this.#port, '127.0.0.1');
      socket.setTimeout(ANSWER_MS, () => socket.destroy());
      socket.on('connect', () => socket.write(`${command}\r\n`));
      socket.on('data', (bytes) => {
        resolve(String(bytes));
        socket.destroy();
      });
      socket.on('error', () => undefined); // Nobody is there: `close` follows.
      socket.on('close', () => resolve(''));
    });
  }
}
