import type { Redis } from 'ioredis';

const CONNECT_MS = 2000;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 1000;
/** After a connection that lasted this long, the delay between attempts starts from its minimum again. */
const LASTING_MS = 5000;
/** How long to wait for Redis to close its end of a connection. */
const DISCONNECT_MS = 100;

export type RedisClass = typeof Redis;

export interface ConnectionOptions {
  readonly url: string;
  /** While a command is unanswered, a Redis that sends nothing for this long counts as dead: the connection is replaced. */
  readonly silentMsMax: number;
  readonly onReady: () => void;
  /** The connection broke, or an attempt to connect failed. */
  readonly onDown: (reason: string) => void;
  /** A message came on a channel that this connection subscribes to. */
  readonly onMessage?: (channel: unknown, payload: unknown) => void;
}

/**
 * One connection to Redis, which is made again whenever it breaks. Commands need a ready connection and fail when it
 * breaks; none is queued or sent again. Each attempt uses a new client, so that no state of a broken connection
 * survives in the next.
 */
export class RedisConnection {
  readonly #Redis: RedisClass;
  readonly #options: ConnectionOptions;
  #client: Redis;
  #attempts = 0;
  #pending = 0;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(Redis: RedisClass, options: ConnectionOptions) {
    this.#Redis = Redis;
    this.#options = options;
    this.#client = this.#connect();
  }

  get ready(): boolean {
    return this.#client.status === 'ready';
  }

  /** The number of unanswered commands. */
  get pending(): number {
    return this.#pending;
  }

  /** Resolves when Redis has answered. Rejects with its refusal, or when the connection is broken or breaks. */
  async send(command: (client: Redis) => Promise<unknown>): Promise<void> {
    this.#pending += 1;
    try {
      await command(this.#client);
    } finally {
      this.#pending -= 1;
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#client.disconnect();
  }

  #connect(): Redis {
    const { url, silentMsMax, onReady, onDown, onMessage } = this.#options;
    const client = new this.#Redis(url, {
      connectTimeout: CONNECT_MS,
      socketTimeout: silentMsMax,
      disconnectTimeout: DISCONNECT_MS,
      retryStrategy: null,
      enableOfflineQueue: false,
      // Both send commands that an ACL may refuse, and would print the refusal on standard output.
      enableReadyCheck: false,
      disableClientInfo: true,
    });
    let reason = 'the connection was closed';
    let readyAt = Number.POSITIVE_INFINITY;
    client.on('error', (error) => {
      reason = reasonOf(error);
    });
    client.on('ready', () => {
      if (this.#closed) return;
      readyAt = performance.now();
      onReady();
    });
    client.on('end', () => {
      if (this.#closed) return;
      this.#attempts = performance.now() - readyAt > LASTING_MS ? 0 : this.#attempts + 1;
      onDown(reason);
      this.#retry = setTimeout(() => {
        this.#client = this.#connect();
      }, retryMs(this.#attempts));
    });
    if (onMessage !== undefined) client.on('messageBuffer', onMessage);
    return client;
  }
}

/** Loads the library on demand, because most processes have no Redis. */
export async function loadRedis(): Promise<RedisClass> {
  return (await import('ioredis')).Redis;
}

/** The reason of an error as one line. The error itself must not be logged: ioredis attaches the command, with the password. */
export function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || code || String(error);
}

/** Grows with the attempts, and is random in its upper half, so that not all processes reconnect at once. */
function retryMs(attempts: number): number {
  const ms = Math.min(RETRY_MS_MIN * 2 ** attempts, RETRY_MS_MAX);
  return ms / 2 + (Math.random() * ms) / 2;
}
