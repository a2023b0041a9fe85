/** It must hold this long before the log says that all is well: what comes and goes is said once. */
const WELL_AFTER_MS = 1000;

/** Where a process says what its operator should know; one line each. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
}

/** A part of what links this process to Redis. */
export type Part = 'publisher' | 'subscriber';

/** How this process stands with Redis. The log hears once what is wrong, and once that all is well again. */
export class RedisHealth {
  readonly #address: string;
  readonly #logger: Logger;
  readonly #down: Set<Part>;
  #said: 'nothing' | 'wrong' | 'well' = 'nothing';
  #saidStrange = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** All parts are down at first. `url` is named in the log without its user and password. */
  constructor(url: string, parts: readonly Part[], say: Logger) {
    const { protocol, host } = new URL(url);
    this.#address = `${protocol}//${host}`;
    this.#down = new Set(parts);
    this.#logger = say;
  }

  up(part: Part): void {
    if (this.#closed) return;
    if (!this.#down.delete(part) || this.#down.size > 0 || this.#said === 'well') return;
    this.#timer = setTimeout(() => {
      this.#said = 'well';
      this.#saidStrange = false;
      this.#logger.info(`Redis at ${this.#address} links this process to the others`);
    }, WELL_AFTER_MS);
  }

  down(part: Part, why: string): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#down.add(part);
    if (this.#said === 'wrong') return;
    this.#said = 'wrong';
    this.#logger.warn(`Redis at ${this.#address} cannot be used (${why}); this process goes on without it`);
  }

  /** Something came that nobody of us sends; it was dropped. Said once until the next time that all is well. */
  strange(channel: string): void {
    if (this.#closed || this.#saidStrange) return;
    this.#saidStrange = true;
    this.#logger.warn(
      `something else publishes to ${channel} in Redis at ${this.#address}; what is not ours is dropped`,
    );
  }

  /** What ends from here on ends on purpose: nothing more is said. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
