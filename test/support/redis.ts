import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { freePort } from '../../src/process/port.js';
import { RedisServer } from '../../src/prove/faults/redis-server.js';

export interface RedisSettings {
  /** More of redis-server's own arguments, such as `--requirepass`. */
  readonly args?: readonly string[];
  /** What stands between `redis://` and the host: `user:password@`. */
  readonly login?: string;
  /** It speaks TLS alone, with the certificate `TLS_FILES.cert`, which nobody trusts by itself. */
  readonly tls?: boolean;
}

const file = (name: string) => fileURLToPath(new URL(`./tls/${name}`, import.meta.url));
/** A key and its self-signed certificate for 127.0.0.1 and localhost, valid for a hundred years, for tests alone. */
export const TLS_FILES = { cert: file('cert.pem'), key: file('key.pem') } as const;

/** A real redis-server for one test, which keeps nothing on disk. */
export class TestRedis {
  readonly #settings: RedisSettings;
  readonly #server: RedisServer;

  private constructor(settings: RedisSettings, server: RedisServer) {
    this.#settings = settings;
    this.#server = server;
  }

  /** `port`: a free one that clients may dial already; default: any free one. */
  static async start(settings: RedisSettings = {}, port?: number): Promise<TestRedis> {
    const { args = [], tls = false } = settings;
    const own = port ?? (await freePort());
    const server = await RedisServer.start({ port: own, args: [...(tls ? tlsArguments(own) : []), ...args] });
    return new TestRedis(settings, server);
  }

  get port(): number {
    return this.#server.port;
  }

  get url(): string {
    const { login = '', tls = false } = this.#settings;
    return `redis${tls ? 's' : ''}://${login}127.0.0.1:${this.port}`;
  }

  /** Ends it as the system does when it shuts down. */
  async stop(): Promise<void> {
    await this.#server.end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#server.end('SIGKILL');
  }

  /** Starts it again on the same port, after `stop` or `kill`. */
  restart(): Promise<void> {
    return this.#server.launch();
  }

  /** From here on it keeps its connections, and answers nothing. */
  freeze(): void {
    this.#server.signal('SIGSTOP');
  }

  thaw(): void {
    this.#server.signal('SIGCONT');
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

  /** The channels that somebody is subscribed to, in order. */
  async channels(): Promise<string[]> {
    return ((await this.command('PUBSUB', 'CHANNELS')) as string[]).sort();
  }
}

/** Arguments that make a redis-server listen with TLS alone. */
function tlsArguments(port: number): string[] {
  const { cert, key } = TLS_FILES;
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
  return ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no', ...files];
}
