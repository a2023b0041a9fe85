import type { Bus, Typing } from '../bus.js';
import { Channels, readHint, readTyping } from './channels.js';
import { type Client, loadClient, RedisConnection, reasonOf } from './connection.js';
import { type Logger, RedisHealth } from './health.js';
import { Subscriptions } from './subscriptions.js';

/** The subscriber asks for an answer this often: one that only listens does not notice a dead peer. */
const HEARTBEAT_MS = 1000;
const HEARTBEATS_MISSED_MAX = 3;
const PUBLISHER_SILENT_MS_MAX = 2000;
/** Typing waiting for Redis past which more is dropped. */
const TYPING_WAITING_MAX = 100;

export interface RedisOptions {
  readonly url: string;
  readonly prefix: string;
  readonly databaseId: string;
  readonly logger: Logger;
}

/**
 * Links the workers of one database through Redis Pub/Sub. Nobody ever waits for Redis: what cannot be sent at
 * once is dropped, and after a broken connection everything that is needed then is subscribed to again.
 */
export class RedisBus implements Bus {
  readonly #channels: Channels;
  readonly #health: RedisHealth;
  readonly #publisher: RedisConnection;
  readonly #subscriber: RedisConnection;
  readonly #subscriptions: Subscriptions;
  readonly #heartbeat: NodeJS.Timeout;
  #beating = false;
  #onNewest: (id: number) => void = () => undefined;
  #onTyping: (typing: Typing) => void = () => undefined;

  private constructor(Client: Client, { url, prefix, databaseId, logger }: RedisOptions) {
    this.#channels = new Channels(prefix, databaseId);
    this.#health = new RedisHealth(url, ['publisher', 'subscriber'], logger);
    this.#publisher = new RedisConnection(Client, {
      url,
      silentMsMax: PUBLISHER_SILENT_MS_MAX,
      onReady: () => this.#health.up('publisher'),
      onDown: (why) => this.#health.down('publisher', why),
    });
    this.#subscriber = new RedisConnection(Client, {
      url,
      silentMsMax: HEARTBEATS_MISSED_MAX * HEARTBEAT_MS,
      onReady: () => {
        void this.#beat();
        this.#subscriptions.reset();
      },
      onDown: (why) => this.#health.down('subscriber', why),
      onMessage: (channel, payload) => this.#hear(String(channel), payload),
    });
    this.#subscriptions = new Subscriptions(this.#subscriber, (error) =>
      this.#health.down('subscriber', reasonOf(error)),
    );
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS);
  }

  /** Resolves when the bus can be used; whether Redis is there is another matter. */
  static async open(options: RedisOptions): Promise<RedisBus> {
    return new RedisBus(await loadClient(), options);
  }

  /** Commands that Redis has not answered; bounded, whatever Redis does. */
  get waiting(): number {
    return this.#publisher.waiting + this.#subscriber.waiting;
  }

  subscribe(chatId: number): void {
    this.#subscriptions.add(this.#channels.chat(chatId));
  }

  unsubscribe(chatId: number): void {
    this.#subscriptions.delete(this.#channels.chat(chatId));
  }

  publish(typing: Typing): void {
    if (!this.#publisher.ready || this.#publisher.waiting >= TYPING_WAITING_MAX) return;
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

  /** Subscribes to the log, for the first time or again: the answer shows that Redis, and this channel, are there. */
  async #beat(): Promise<void> {
    if (this.#beating || !this.#subscriber.ready) return;
    this.#beating = true;
    try {
      await this.#subscriber.send((client) => client.subscribe(this.#channels.log));
      this.#health.up('subscriber');
      this.#subscriptions.settle();
    } catch (error) {
      this.#health.down('subscriber', reasonOf(error));
    } finally {
      this.#beating = false;
    }
  }

  #hear(channel: string, payload: unknown): void {
    if (channel === this.#channels.log) {
      const id = readHint(payload);
      return id === undefined ? this.#health.strange(channel) : this.#onNewest(id);
    }
    const typing = readTyping(payload);
    if (typing === undefined || channel !== this.#channels.chat(typing.chatId)) {
      return this.#health.strange(channel);
    }
    // Signals that were under way when the chat was unsubscribed from still come.
    if (this.#subscriptions.has(channel)) this.#onTyping(typing);
  }
}
