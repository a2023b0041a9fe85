import type { Bus, Typing } from '../bus.js';
import { Channels, parseHint, parseTyping } from './channels.js';
import { loadRedis, type RedisClass, RedisConnection, reasonOf } from './connection.js';
import { type Logger, RedisHealth } from './health.js';
import { Subscriptions } from './subscriptions.js';

/** How often the subscriber sends a command: a connection that only listens does not notice a dead Redis. */
const HEARTBEAT_MS = 1000;
const HEARTBEATS_MISSED_MAX = 3;
const PUBLISHER_SILENT_MS_MAX = 2000;
/** With so many signals unanswered by Redis, more are dropped. */
const TYPING_PENDING_MAX = 100;

export interface RedisOptions {
  readonly url: string;
  readonly prefix: string;
  readonly databaseId: string;
  readonly logger: Logger;
}

/**
 * Links the workers of one database through Redis Pub/Sub. No caller ever waits for Redis: what cannot be sent at
 * once is dropped. A new connection subscribes to everything that is wanted at that time.
 */
export class RedisBus implements Bus {
  readonly #channels: Channels;
  readonly #health: RedisHealth;
  readonly #publisher: RedisConnection;
  readonly #subscriber: RedisConnection;
  readonly #subscriptions: Subscriptions;
  readonly #heartbeat: NodeJS.Timeout;
  #heartbeatPending = false;
  #onNewest: (id: number) => void = () => undefined;
  #onTyping: (typing: Typing) => void = () => undefined;

  private constructor(Redis: RedisClass, { url, prefix, databaseId, logger }: RedisOptions) {
    this.#channels = new Channels(prefix, databaseId);
    this.#health = new RedisHealth(url, ['publisher', 'subscriber'], logger);
    this.#publisher = new RedisConnection(Redis, {
      url,
      silentMsMax: PUBLISHER_SILENT_MS_MAX,
      onReady: () => this.#health.up('publisher'),
      onDown: (reason) => this.#health.down('publisher', reason),
    });
    this.#subscriber = new RedisConnection(Redis, {
      url,
      silentMsMax: HEARTBEATS_MISSED_MAX * HEARTBEAT_MS,
      onReady: () => {
        void this.#sendHeartbeat();
        this.#subscriptions.reset();
      },
      onDown: (reason) => this.#health.down('subscriber', reason),
      onMessage: (channel, payload) => this.#receive(String(channel), payload),
    });
    this.#subscriptions = new Subscriptions(this.#subscriber, (error) =>
      this.#health.down('subscriber', reasonOf(error)),
    );
    this.#heartbeat = setInterval(() => void this.#sendHeartbeat(), HEARTBEAT_MS);
  }

  /** Resolves when the bus can be used, whether or not Redis can be reached. */
  static async open(options: RedisOptions): Promise<RedisBus> {
    return new RedisBus(await loadRedis(), options);
  }

  /** The number of commands that Redis has not answered, which is bounded. */
  get pending(): number {
    return this.#publisher.pending + this.#subscriber.pending;
  }

  subscribe(chatId: number): void {
    this.#subscriptions.add(this.#channels.chat(chatId));
  }

  unsubscribe(chatId: number): void {
    this.#subscriptions.delete(this.#channels.chat(chatId));
  }

  publish(typing: Typing): void {
    if (!this.#publisher.ready || this.#publisher.pending >= TYPING_PENDING_MAX) return;
    const channel = this.#channels.chat(typing.chatId);
    this.#publisher
      .send((client) => client.publish(channel, JSON.stringify(typing)))
      .then(
        () => this.#health.up('publisher'),
        (error: unknown) => this.#health.down('publisher', reasonOf(error)),
      );
  }

  onNewest(listener: (id: number) => void): void {
    this.#onNewest = listener;
  }

  onTyping(listener: (typing: Typing) => void): void {
    this.#onTyping = listener;
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const part of [this.#publisher, this.#subscriber, this.#health]) part.close();
  }

  /** Subscribes to the log's channel, for the first time or again: the answer shows that the subscription lives. */
  async #sendHeartbeat(): Promise<void> {
    if (this.#heartbeatPending || !this.#subscriber.ready) return;
    this.#heartbeatPending = true;
    try {
      await this.#subscriber.send((client) => client.subscribe(this.#channels.log));
      this.#health.up('subscriber');
      this.#subscriptions.sync();
    } catch (error) {
      this.#health.down('subscriber', reasonOf(error));
    } finally {
      this.#heartbeatPending = false;
    }
  }

  #receive(channel: string, payload: unknown): void {
    if (channel === this.#channels.log) {
      const id = parseHint(payload);
      return id === undefined ? this.#health.unexpectedMessage(channel) : this.#onNewest(id);
    }
    const typing = parseTyping(payload);
    if (typing === undefined || channel !== this.#channels.chat(typing.chatId)) {
      return this.#health.unexpectedMessage(channel);
    }
    // Signals may still come that were in flight when the chat was unsubscribed from.
    if (this.#subscriptions.has(channel)) this.#onTyping(typing);
  }
}
