import type { Audience, Backpressure } from './backpressure.js';
import type { Topics } from './topics.js';

/** Publishes frames to topics, and counts what it publishes. */
export class Publisher {
  readonly #topics: Topics;
  readonly #backpressure: Backpressure;
  #bytes = 0;

  constructor(topics: Topics, backpressure: Backpressure) {
    this.#topics = topics;
    this.#backpressure = backpressure;
  }

  /** The bytes of all frames since the last call, each counted once. */
  takeBytes(): number {
    const bytes = this.#bytes;
    this.#bytes = 0;
    return bytes;
  }

  /** How many sockets have subscribed to a topic. */
  receivers(topic: string): number {
    return this.#topics.numSubscribers(topic);
  }

  /** `audience` has all sockets that may have subscribed. */
  publish(topic: string, frame: string, audience: Audience, receivers = this.receivers(topic)): void {
    const bytes = Buffer.byteLength(frame);
    this.#topics.publish(topic, frame);
    this.#bytes += bytes;
    this.#backpressure.published(audience, bytes, receivers);
  }
}
