import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { exitOf } from './server.js';
import { until } from './wait.js';
import { freePort } from './worker.js';

export interface RedisSettings {
  /** More of redis-server's own arguments, such as `--requirepass`. */
  readonly args?: readonly string[];
  /** What stands between `redis://` and the host: `user:password@`. */
  readonly login?: string;
  /** Speaks TLS alone, with the certificate `TLS_FILES.cert`, which nobody trusts by itself. */
  readonly tls?: boolean;
}

const file = (name: string) => fileURLToPath(new URL(`./tls/${name}`, import.meta.url));
/** For 127.0.0.1 and localhost, signed by itself, good for a hundred years and for nothing but tests. */
export const TLS_FILES = { cert: file('cert.pem'), key: file('key.pem') } as const;

const children = new Set<ChildProcess>();
/** A test that is cut off leaves nothing behind. */
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** A Redis of the test's own: a real redis-server on a free port, which keeps nothing. */
export class TestRedis {
  readonly port: number;
  readonly #settings: RedisSettings;
  #process: ChildProcess;
  #output: { text: string };

  private constructor(port: number, settings: RedisSettings) {
    this.port = port;
    this.#settings = settings;
    [this.#process, this.#output] = launch(port, settings);
  }

  /** `port`: one that was free a moment ago, for a Redis that others look for before it is there. */
  static async start(settings: RedisSettings = {}, port?: number): Promise<TestRedis> {
    const redis = new TestRedis(port ?? (await freePort()), settings);
    await redis.#ready();
    return redis;
  }

  get url(): string {
    const { login = '', tls = false } = this.#settings;
    return `redis${tls ? 's' : ''}://${login}127.0.0.1:${this.port}`;
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
    [this.#process, this.#output] = launch(this.port, this.#settings);
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
    const client = new Redis(
      this.url,
      this.#settings.tls ? { tls: { ca: readFileSync(TLS_FILES.cert) } } : {},
    );
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

function launch(port: number, { args = [], tls }: RedisSettings): [ChildProcess, { text: string }] {
  const fixed = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--dir', tmpdir()];
  const { cert, key } = TLS_FILES;
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
  const listen = tls
    ? ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no', ...files]
    : ['--port', String(port)];
  const child = spawn('redis-server', [...fixed, ...listen, ...args], {
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
  children.add(child);
  child.once('exit', () => children.delete(child));
  return [child, output];
}
