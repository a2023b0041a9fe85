import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { Redis } from 'ioredis';
import { exitOf } from './server.js';
import { until } from './wait.js';
import { freePort } from './worker.js';

export interface RedisSettings {
  /** More of redis-server's own arguments, such as `--requirepass`. */
  readonly args?: readonly string[];
  /** What stands between `redis://` and the host: `user:password@`. */
  readonly login?: string;
}

/** A Redis of the test's own: a real redis-server on a free port, which keeps nothing. */
export class TestRedis {
  readonly port: number;
  readonly #settings: RedisSettings;
  #process: ChildProcess;
  #output: { text: string };

  private constructor(port: number, settings: RedisSettings) {
    this.port = port;
    this.#settings = settings;
    [this.#process, this.#output] = launch(port, settings.args);
  }

  /** `port`: one that was free a moment ago, for a Redis that others look for before it is there. */
  static async start(settings: RedisSettings = {}, port?: number): Promise<TestRedis> {
    const redis = new TestRedis(port ?? (await freePort()), settings);
    await redis.#ready();
    return redis;
  }

  get url(): string {
    return `redis://${this.#settings.login ?? ''}127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Ends it in order. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Starts it again on the same port, after `stop` or `kill`. */
  async restart(): Promise<void> {
    [this.#process, this.#output] = launch(this.port, this.#settings.args);
    await this.#ready();
  }

  /** It keeps its connections, and answers nothing. */
  freeze(): void {
    this.#process.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process.kill('SIGCONT');
  }

  /** Runs one command on a connection of its own, and resolves to Redis' answer. */
  async command(name: string, ...args: (string | number)[]): Promise<unknown> {
    const client = new Redis(this.url);
    try {
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  /** The channels that somebody listens to, in order. */
  async channels(): Promise<string[]> {
    return ((await this.command('PUBSUB', 'CHANNELS')) as string[]).sort();
  }

  async #ready(): Promise<void> {
    await until(() => {
      if (this.#process.exitCode !== null) throw new Error(`redis-server ended: ${this.#output.text}`);
      return this.#output.text.includes('Ready to accept connections');
    });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = exitOf(this.#process);
    this.#process.kill('SIGCONT');
    this.#process.kill(signal);
    await ended;
  }
}

function launch(port: number, args: readonly string[] = []): [ChildProcess, { text: string }] {
  const fixed = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--port', String(port)];
  const child = spawn('redis-server', [...fixed, '--dir', tmpdir(), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { text: '' };
  child.on('error', (error) => {
    output.text += error.message;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.text += text;
    });
  }
  process.once('exit', () => child.kill('SIGKILL')); // A test that is cut off leaves nothing behind.
  return [child, output];
}
