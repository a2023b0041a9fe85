import type { RedisConnection } from './connection.js';

/** Channels of one command: a piece is answered soon, and is small beside what else waits. */
const PIECE = 500;

/**
 * The channels that should be subscribed to, and what Redis was asked. Changes are brought to Redis piece by
 * piece, the next when the last is answered, so that however fast they come no more than one piece waits.
 */
export class Subscriptions {
  readonly #connection: RedisConnection;
  readonly #failed: (error: unknown) => void;
  readonly #wanted = new Set<string>();
  /** What Redis was asked for on this connection. */
  readonly #asked = new Set<string>();
  /** Where the two differ. */
  readonly #open = new Set<string>();
  #running = false;

  /** `failed`: Redis refused a piece, or the connection broke. It is tried again at the next `settle`. */
  constructor(connection: RedisConnection, failed: (error: unknown) => void) {
    this.#connection = connection;
    this.#failed = failed;
  }

  has(channel: string): boolean {
    return this.#wanted.has(channel);
  }

  add(channel: string): void {
    this.#wanted.add(channel);
    this.#compare(channel);
    this.settle();
  }

  delete(channel: string): void {
    this.#wanted.delete(channel);
    this.#compare(channel);
    this.settle();
  }

  /** The connection is a new one: nothing is subscribed to. */
  reset(): void {
    this.#asked.clear();
    this.#open.clear();
    for (const channel of this.#wanted) this.#open.add(channel);
    this.settle();
  }

  /** Goes on bringing Redis what changed. */
  settle(): void {
    if (!this.#running) void this.#run();
  }

  #compare(channel: string): void {
    if (this.#wanted.has(channel) === this.#asked.has(channel)) this.#open.delete(channel);
    else this.#open.add(channel);
  }

  async #run(): Promise<void> {
    this.#running = true;
    await null; // What changes in this tick goes together.
    try {
      while (this.#open.size > 0 && this.#connection.ready) await this.#piece();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#running = false;
    }
  }

  async #piece(): Promise<void> {
    const piece = take(this.#open, PIECE);
    const more = piece.filter((channel) => this.#wanted.has(channel));
    const less = piece.filter((channel) => !this.#wanted.has(channel));
    for (const channel of more) this.#asked.add(channel);
    for (const channel of less) this.#asked.delete(channel);
    try {
      await this.#connection.send(async (client) => {
        const answers: Promise<unknown>[] = [];
        if (more.length > 0) answers.push(client.subscribe(...more));
        if (less.length > 0) answers.push(client.unsubscribe(...less));
        await Promise.all(answers);
      });
    } catch (error) {
      for (const channel of more) this.#asked.delete(channel);
      for (const channel of less) this.#asked.add(channel);
      for (const channel of piece) this.#compare(channel);
      throw error;
    }
  }
}

function take(channels: Set<string>, max: number): string[] {
  const taken: string[] = [];
  for (const channel of channels) {
    if (taken.length === max) break;
    taken.push(channel);
    channels.delete(channel);
  }
  return taken;
}
