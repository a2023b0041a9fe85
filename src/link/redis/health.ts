/** The connection must hold this long before the log says that it works: a failure that repeats is logged once. */
const STABLE_AFTER_MS = 1000;

/** The part of the process's logger that this folder uses. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
}

/** A connection between this process and Redis. */
export type ConnectionName = 'publisher' | 'subscriber';

/** Whether Redis can be used by this process. Each change of that is logged once. */
export class RedisHealth {
  readonly #address: string;
  readonly #logger: Logger;
  readonly #down: Set<ConnectionName>;
  #logged: 'nothing' | 'down' | 'up' = 'nothing';
  #loggedUnexpected = false;
  #stableTimer: NodeJS.Timeout | undefined;
  #closed = false;

  /** All connections are down at first. The log names `url` without its user and password. */
  constructor(url: string, connections: readonly ConnectionName[], logger: Logger) {
    const { protocol, host } = new URL(url);
    this.#address = `${protocol}//${host}`;
    this.#down = new Set(connections);
    this.#logger = logger;
  }

  up(connection: ConnectionName): void {
    if (this.#closed) return;
    if (!this.#down.delete(connection) || this.#down.size > 0 || this.#logged === 'up') return;
    this.#stableTimer = setTimeout(() => {
      this.#logged = 'up';
      this.#loggedUnexpected = false;
      this.#logger.info(`Redis at ${this.#address} links this process to the others`);
    }, STABLE_AFTER_MS);
  }

  down(connection: ConnectionName, reason: string): void {
    if (this.#closed) return;
    clearTimeout(this.#stableTimer);
    this.#down.add(connection);
    if (this.#logged === 'down') return;
    this.#logged = 'down';
    this.#logger.warn(
      `Redis at ${this.#address} cannot be used (${reason}); this process goes on without it`,
    );
  }

  /** A message that no parley sends came and was dropped. Logged once until Redis works again after a failure. */
  unexpectedMessage(channel: string): void {
    if (this.#closed || this.#loggedUnexpected) return;
    this.#loggedUnexpected = true;
    this.#logger.warn(
      `another program publishes to ${channel} in Redis at ${this.#address}; its messages are dropped`,
    );
  }

  /** Connections that end after this end on purpose: nothing more is logged. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#stableTimer);
  }
}
