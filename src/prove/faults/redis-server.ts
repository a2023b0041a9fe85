import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { searchPath } from '../../config.js';
import { OperatorError } from '../../operator-error.js';
import { freePort } from '../../process/port.js';

export interface RedisOptions {
  /** A port of 127.0.0.1; default: a free one. */
  readonly port?: number;
  /** The working folder; default: the system's folder for temporary files. */
  readonly folder?: string;
  /** More arguments of redis-server, which override those that are given to every server. */
  readonly args?: readonly string[];
}

const START_MS_MAX = 30_000;
const ANSWER_MS = 2000;

/** The servers that run. They end with this process. */
const children = new Set<ChildProcess>();
function killAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

/** A redis-server of this process's own, which keeps nothing on disk. */
export class RedisServer {
  readonly port: number;
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, { folder = tmpdir(), args = [] }: RedisOptions) {
    this.port = port;
    const address = ['--port', String(port), '--bind', '127.0.0.1'];
    this.#args = [...address, '--save', '', '--appendonly', 'no', '--dir', folder, ...args];
  }

  /** Errors: an OperatorError with what redis-server wrote when it does not start. */
  static async start(options: RedisOptions = {}): Promise<RedisServer> {
    const redis = new RedisServer(options.port ?? (await freePort()), options);
    await redis.launch();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** The id of its process; 0 when it has ended. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Starts it on its port when it does not run. Resolves when it accepts connections. It fails as `start` does. */
  async launch(): Promise<void> {
    if (children.size === 0) process.once('exit', killAll);
    const child = spawn('redis-server', this.#args, {
      env: { PATH: searchPath() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    child.once('close', () => {
      children.delete(child);
      if (children.size === 0) process.off('exit', killAll);
    });
    this.#process = child;
    try {
      await acceptsConnections(child);
    } catch (error) {
      this.#process = undefined;
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** Returns false when it does not run. */
  signal(signal: NodeJS.Signals): boolean {
    return this.#process?.kill(signal) ?? false;
  }

  /** Resolves when it has ended; to false when it did not run. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<boolean> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return false;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT'); // A process that was stopped would not see a SIGTERM.
    child.kill(signal);
    await ended;
    return true;
  }

  async answers(): Promise<boolean> {
    return (await this.#ask('PING')).startsWith('+PONG');
  }

  /** Ends the connections of all clients. */
  async killClients(): Promise<void> {
    await this.#ask('CLIENT KILL TYPE pubsub SKIPME yes');
    await this.#ask('CLIENT KILL TYPE normal SKIPME yes');
  }

  /** Resolves to the answer to one command, or to '' when none comes. */
  #ask(command: string): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1');
      socket.setTimeout(ANSWER_MS, () => socket.destroy());
      socket.on('connect', () => socket.write(`${command}\r\n`));
      socket.on('data', (bytes) => {
        resolve(String(bytes));
        socket.destroy();
      });
      socket.on('error', () => undefined); // `close` follows.
      socket.on('close', () => resolve(''));
    });
  }
}

function acceptsConnections(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (what: string) => {
      clearTimeout(timer);
      reject(new OperatorError(`redis-server ${what}${output === '' ? '' : `: ${output.trim()}`}`));
    };
    const timer = setTimeout(() => fail(`is not ready after ${START_MS_MAX} ms`), START_MS_MAX);
    child.on('error', ({ message }) => fail(`cannot be started (${message})`));
    child.once('close', () => fail('ended'));
    const read = (bytes: Buffer) => {
      output += bytes.toString();
      if (!output.includes('Ready to accept connections')) return;
      clearTimeout(timer);
      for (const stream of [child.stdout, child.stderr]) stream?.off('data', read).resume();
      resolve();
    };
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', read);
  });
}
