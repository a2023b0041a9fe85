import { Channels } from './channels.js';
import { loadRedis, type RedisClass, RedisConnection, reasonOf } from './connection.js';
import { RedisHealth } from './health.js';
import type { RedisOptions } from './redis-bus.js';

const SILENT_MS_MAX = 2000;

/**
 * Publishes the ledger's hints. At most one is in flight. The next is the newest of all that came meanwhile, so that
 * a slow Redis gets fewer, and while Redis is away only the newest id is kept.
 */
export class RedisHints {
  readonly #channel: string;
  readonly #health: RedisHealth;
  readonly #connection: RedisConnection;
  #newest = 0;
  #sent = 0;
  #sending = false;

  private constructor(Redis: RedisClass, { url, prefix, databaseId, logger }: RedisOptions) {
    this.#channel = new Channels(prefix, databaseId).log;
    this.#health = new RedisHealth(url, ['publisher'], logger);
    this.#connection = new RedisConnection(Redis, {
      url,
      silentMsMax: SILENT_MS_MAX,
      onReady: () => {
        this.#health.up('publisher');
        void this.#send();
      },
      onDown: (reason) => this.#health.down('publisher', reason),
    });
  }

  /** Resolves when hints can be given, whether or not Redis can be reached. */
  static async open(options: RedisOptions): Promise<RedisHints> {
    return new RedisHints(await loadRedis(), options);
  }

  /** The number of commands that Redis has not answered: at most one. */
  get pending(): number {
    return this.#connection.pending;
  }

  /** The log has grown to this id. */
  hint(newest: number): void {
    this.#newest = newest;
    void this.#send();
  }

  close(): void {
    this.#connection.close();
    this.#health.close();
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#connection.ready && this.#sent < this.#newest) {
        this.#sent = this.#newest;
        await this.#connection.send((client) => client.publish(this.#channel, String(this.#sent)));
        this.#health.up('publisher');
      }
    } catch (error) {
      this.#health.down('publisher', reasonOf(error));
    } finally {
      this.#sending = false;
    }
  }
}
