import type { RedisConnection } from './connection.js';

/** Keeps each command short, so that it is answered soon and is small beside what else is sent. */
const CHANNELS_PER_COMMAND_MAX = 500;

/**
 * Brings the subscriptions of a connection to Redis in line with the channels that are wanted. Changes are sent in
 * slices, each when the one before is answered: however fast they come, no more than one slice is in flight.
 */
export class Subscriptions {
  readonly #connection: RedisConnection;
  readonly #onError: (error: unknown) => void;
  readonly #wanted = new Set<string>();
  /** The channels that Redis was asked for on this connection. */
  readonly #requested = new Set<string>();
  /** The channels that are in only one of the two. */
  readonly #changed = new Set<string>();
  #syncing = false;

  /** `onError`: Redis refused a slice, or the connection broke. The next `sync` tries again. */
  constructor(connection: RedisConnection, onError: (error: unknown) => void) {
    this.#connection = connection;
    this.#onError = onError;
  }

  has(channel: string): boolean {
    return this.#wanted.has(channel);
  }

  add(channel: string): void {
    this.#wanted.add(channel);
    this.#compare(channel);
    this.sync();
  }

  delete(channel: string): void {
    this.#wanted.delete(channel);
    this.#compare(channel);
    this.sync();
  }

  /** The connection is a new one, which has no subscriptions. */
  reset(): void {
    this.#requested.clear();
    this.#changed.clear();
    for (const channel of this.#wanted) this.#changed.add(channel);
    this.sync();
  }

  /** Sends what changed, unless a slice is in flight: then the rest follows it. */
  sync(): void {
    if (!this.#syncing) void this.#run();
  }

  #compare(channel: string): void {
    if (this.#wanted.has(channel) === this.#requested.has(channel)) this.#changed.delete(channel);
    else this.#changed.add(channel);
  }

  async #run(): Promise<void> {
    this.#syncing = true;
    await null; // All changes of this tick go together.
    try {
      while (this.#changed.size > 0 && this.#connection.ready) await this.#sendSlice();
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#syncing = false;
    }
  }

  async #sendSlice(): Promise<void> {
    const slice = take(this.#changed, CHANNELS_PER_COMMAND_MAX);
    const added = slice.filter((channel) => this.#wanted.has(channel));
    const removed = slice.filter((channel) => !this.#wanted.has(channel));
    for (const channel of added) this.#requested.add(channel);
    for (const channel of removed) this.#requested.delete(channel);
    try {
      await this.#connection.send(async (client) => {
        const answers: Promise<unknown>[] = [];
        if (added.length > 0) answers.push(client.subscribe(...added));
        if (removed.length > 0) answers.push(client.unsubscribe(...removed));
        await Promise.all(answers);
      });
    } catch (error) {
      for (const channel of added) this.#requested.delete(channel);
      for (const channel of removed) this.#requested.add(channel);
      for (const channel of slice) this.#compare(channel);
      throw error;
    }
  }
}

/** Removes up to `max` channels from the set and returns them. */
function take(channels: Set<string>, max: number): string[] {
  const taken: string[] = [];
  for (const channel of channels) {
    if (taken.length === max) break;
    taken.push(channel);
    channels.delete(channel);
  }
  return taken;
}
