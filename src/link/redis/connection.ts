import type { Redis } from 'ioredis';

const CONNECT_MS = 2000;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 1000;
/** A connection that lasted this long was a good one: the next attempt after it comes soon. */
const LASTING_MS = 5000;
/** A peer that does not answer the end of a connection is not waited for. */
const DISCONNECT_MS = 100;

export type Client = typeof Redis;

export interface ConnectionOptions {
  readonly url: string;
  /** With a command unanswered, a peer that sends nothing for this long is gone: the connection is made anew. */
  readonly silentMsMax: number;
  readonly onReady: () => void;
  /** The connection broke, or was not made. */
  readonly onDown: (why: string) => void;
  /** Whatever was published to a channel of this connection. */
  readonly onMessage?: (channel: unknown, payload: unknown) => void;
}

/**
 * One connection to Redis, made anew for as long as it takes. Nobody waits for it: commands are for when it is
 * ready, and fail when it breaks; none is kept or sent again. Each attempt is a client of its own, so that
 * nothing of a broken connection lives on in the next.
 */
export class RedisConnection {
  readonly #Client: Client;
  readonly #options: ConnectionOptions;
  #client: Redis;
  #attempts = 0;
  #waiting = 0;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(Client: Client, options: ConnectionOptions) {
    this.#Client = Client;
    this.#options = options;
    this.#client = this.#connect();
  }

  get ready(): boolean {
    return this.#client.status === 'ready';
  }

  /** Commands without an answer. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Resolves when Redis has answered. Rejects with its refusal, or when the connection is, or gets, broken. */
  async send(command: (client: Redis) => Promise<unknown>): Promise<void> {
    this.#waiting += 1;
    try {
      await command(this.#client);
    } finally {
      this.#waiting -= 1;
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#client.disconnect();
  }

  #connect(): Redis {
    const { url, silentMsMax, onReady, onDown, onMessage } = this.#options;
    const client = new this.#Client(url, {
      connectTimeout: CONNECT_MS,
      socketTimeout: silentMsMax,
      disconnectTimeout: DISCONNECT_MS,
      retryStrategy: null,
      enableOfflineQueue: false,
      // Both would ask for commands that an ACL may refuse, and say so on standard output.
      enableReadyCheck: false,
      disableClientInfo: true,
    });
    let why = 'the connection was closed';
    let readyAt = Number.POSITIVE_INFINITY;
    client.on('error', (error) => {
      why = reasonOf(error);
    });
    client.on('ready', () => {
      if (this.#closed) return;
      readyAt = performance.now();
      onReady();
    });
    client.on('end', () => {
      if (this.#closed) return;
      this.#attempts = performance.now() - readyAt > LASTING_MS ? 0 : this.#attempts + 1;
      onDown(why);
      this.#retry = setTimeout(() => {
        this.#client = this.#connect();
      }, retryMs(this.#attempts));
    });
    if (onMessage !== undefined) client.on('messageBuffer', onMessage);
    return client;
  }
}

/** Loads the library: processes without a Redis do without it. */
export async function loadClient(): Promise<Client> {
  return (await import('ioredis')).Redis;
}

/** One line. Never the error itself: the library attaches the command to it, with the password. */
export function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || code || String(error);
}

/** Growing, and at random within the upper half, so that processes do not come all at once. */
function retryMs(attempts: number): number {
  const ms = Math.min(RETRY_MS_MIN * 2 ** attempts, RETRY_MS_MAX);
  return ms / 2 + (Math.random() * ms) / 2;
}
