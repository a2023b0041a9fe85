import type { Socket } from './sockets.js';

/** A live socket with more than this falls behind; the engine would cut it off at 2 MiB. */
const LIVE_BYTES_MAX = 512 * 1024;
/** An audience is inspected whenever this much was published to it. */
const INSPECT_EVERY_BYTES = 128 * 1024;
/** Bounds what the peers of one worker have not taken. Beyond it, no page is read for sockets that are not live. */
const WORKER_BYTES_MAX = 256 * 1024 * 1024;
/** The engine gives up after 16 s, in steps of 4, what the peer of an ended socket does not take. */
const LINGER_MS = 20_000;
const MEASURE_EVERY_MS = 1000;
const MEASURE_WHILE_FULL_MS = 100;

/** Sockets that are sent the same frames. */
export class Audience<S extends Socket = Socket> {
  readonly sockets = new Set<S>();
  /** Published to it since it was last inspected. */
  uninspectedBytes = 0;
}

export interface BackpressureEvents {
  everyone(): Socket[];
  /** This live socket cannot keep up, and has to leave its topics. */
  lags(socket: Socket): void;
}

/**
 * Bounds what peers have not taken. A socket holds at most 1 MiB, because a live one with more than 512 KiB stops being
 * live before more than a page of the log follows. A worker holds at most 256 MiB. What the engine drops or drains is not
 * counted: a tick after publishing, the engine is asked how much it still holds.
 */
export class Backpressure {
  readonly #events: BackpressureEvents;
  readonly #toInspect = new Set<Audience>();
  #scheduled = false;
  #liveBytesMax = LIVE_BYTES_MAX;
  /** What the last measurement found and all that was sent since, as if nobody had taken any of it. */
  #estimate = 0;
  #full = false;
  /** Bytes that peers of ended sockets have not taken. */
  #lingering = 0;
  #timer: NodeJS.Timeout;
  #onMeasured: (socket: Socket, buffered: number) => void = () => undefined;

  constructor(events: BackpressureEvents) {
    this.#events = events;
    this.#timer = setTimeout(() => this.#measure(), MEASURE_EVERY_MS);
  }

  /** Whether the worker holds so much that nothing more is read for sockets that are not live. */
  get full(): boolean {
    return this.#full;
  }

  /** Sets the listener that is called for every socket once a second. */
  onMeasured(listener: (socket: Socket, buffered: number) => void): void {
    this.#onMeasured = listener;
  }

  /** A frame was published to an audience, of which so many sockets are live. */
  published(audience: Audience, bytes: number, receivers: number): void {
    this.sent(bytes * receivers);
    audience.uninspectedBytes += bytes;
    if (audience.uninspectedBytes < INSPECT_EVERY_BYTES) return;
    this.#toInspect.add(audience);
    this.#inspectSoon();
  }

  sent(bytes: number): void {
    this.#estimate += bytes;
    if (this.#estimate > WORKER_BYTES_MAX && !this.#full) this.#inspectSoon();
  }

  /**
   * A socket ended whose peer has not taken everything. The engine holds that and the connection for a while, and does not
   * tell when it lets go. `gone` is called after the longest such time, or at once when the peer had taken everything.
   */
  ended({ lastBuffered }: Socket, gone: () => void): void {
    if (lastBuffered === 0) return gone();
    this.#lingering += lastBuffered;
    setTimeout(() => {
      this.#lingering -= lastBuffered;
      gone();
    }, LINGER_MS).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** Inspects audiences in the next tick, when the engine has counted what this one published. */
  #inspectSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const audience of this.#toInspect) {
        audience.uninspectedBytes = 0;
        for (const socket of audience.sockets) this.#inspect(socket, socket.buffered);
      }
      this.#toInspect.clear();
      if (this.#estimate > WORKER_BYTES_MAX && !this.#full) this.#measure();
    });
  }

  #inspect(socket: Socket, buffered: number): void {
    if (socket.state === 'live' && buffered > this.#liveBytesMax) this.#events.lags(socket);
  }

  #measure(): void {
    clearTimeout(this.#timer);
    const sockets = this.#events.everyone();
    const total = sockets.reduce((sum, { buffered }) => sum + buffered, this.#lingering);
    this.#estimate = total;
    this.#full = total > WORKER_BYTES_MAX;
    // While there is no room, no socket stays live with more than a fair share of it.
    const fairShare = WORKER_BYTES_MAX / 2 / sockets.length;
    this.#liveBytesMax = this.#full ? Math.min(LIVE_BYTES_MAX, fairShare) : LIVE_BYTES_MAX;
    for (const socket of sockets) {
      const { buffered } = socket;
      this.#inspect(socket, buffered);
      this.#onMeasured(socket, buffered);
    }
    this.#timer = setTimeout(() => this.#measure(), this.#full ? MEASURE_WHILE_FULL_MS : MEASURE_EVERY_MS);
  }
}
