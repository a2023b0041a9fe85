import type { Wire } from '../../src/server/hub/sockets.js';
import type { Topics } from '../../src/server/hub/topics.js';
import type { Frame } from './socket.js';

/** An engine's topics without a network: what is sent to a wire is there at once. */
export class FakeTopics implements Topics {
  readonly wires = new Set<FakeWire>();

  publish(topic: string, frame: string): void {
    for (const wire of this.wires) if (wire.topics.has(topic)) wire.send(frame);
  }

  numSubscribers(topic: string): number {
    return [...this.wires].filter(({ topics }) => topics.has(topic)).length;
  }
}

/** A socket whose peer takes what the test says. */
export class FakeWire implements Wire {
  readonly topics = new Set<string>();
  readonly frames: Frame[] = [];
  /** The peer reads each frame as it comes. */
  onFrame: (frame: Frame) => void = () => undefined;
  /** Sent while the peer takes nothing. */
  buffered = 0;
  buffersMost = 0;
  stalled = false;
  ended: { code: number; reason: string } | undefined;
  readonly #onEnd: () => void;

  /** `onEnd` is the engine's close handler. */
  constructor(topics: FakeTopics, onEnd: () => void) {
    topics.wires.add(this);
    this.#onEnd = () => {
      topics.wires.delete(this);
      onEnd();
    };
  }

  send(frame: string): void {
    if (this.ended) throw new Error('sent after the end');
    const parsed: Frame = JSON.parse(frame);
    this.frames.push(parsed);
    this.onFrame(parsed);
    if (!this.stalled) return;
    this.buffered += Buffer.byteLength(frame);
    this.buffersMost = Math.max(this.buffersMost, this.buffered);
  }

  end(code: number, reason: string): void {
    if (this.ended) throw new Error('ended twice');
    this.ended = { code, reason };
    this.#onEnd();
  }

  subscribe(topic: string): void {
    this.topics.add(topic);
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
  }

  getTopics(): string[] {
    return [...this.topics];
  }

  getBufferedAmount(): number {
    return this.buffered;
  }

  cork(use: () => void): void {
    use();
  }
}
