import type { Socket } from './sockets.js';

/** A live socket with more than this falls behind; the engine would cut it off at 2 MiB. */
const LIVE_BYTES_MAX = 512 * 1024;
/** An audience is looked at whenever this much was published to it. */
const LOOK_EVERY_BYTES = 128 * 1024;
/** All that the peers of one worker have not taken. Past it, nothing more is read for those who wait. */
const WORKER_BYTES_MAX = 256 * 1024 * 1024;
/** The engine gives up what an ended socket's peer does not take after 16 s, in steps of 4. */
const LINGER_MS = 20_000;
const MEASURE_EVERY_MS = 1000;
const MEASURE_WHILE_FULL_MS = 100;

/** Sockets that hear the same frames. */
export class Audience<S extends Socket = Socket> {
  readonly sockets = new Set<S>();
  /** Published to it since it was last looked at. */
  unseenBytes = 0;
}

export interface BackpressureEvents {
  everyone(): Socket[];
  /** This live socket cannot keep up: it is to leave its topics. */
  lags(socket: Socket): void;
}

/**
 * What peers have not taken, and its bounds: 1 MiB a socket, because a live one that has over 512 KiB stops
 * being live before more than a page of the log follows; and 256 MiB a worker. Nobody counts what the engine
 * drops or drains: it is asked, a tick after publishing, how much it still holds.
 */
export class Backpressure {
  readonly #events: BackpressureEvents;
  readonly #due = new Set<Audience>();
  #scheduled = false;
  #liveBytesMax = LIVE_BYTES_MAX;
  /** What the last measurement found, and all that was sent since, as if nobody took any of it. */
  #estimate = 0;
  #full = false;
  /** Of ended sockets. */
  #lingering = 0;
  #timer: NodeJS.Timeout;
  #onMeasured: (socket: Socket, buffered: number) => void = () => undefined;

  constructor(events: BackpressureEvents) {
    this.#events = events;
    this.#timer = setTimeout(() => this.#measure(), MEASURE_EVERY_MS);
  }

  /** True while the worker holds so much that nothing more is read for sockets that are not live. */
  get full(): boolean {
    return this.#full;
  }

  /** Is told of every socket, once a second. */
  onMeasured(listener: (socket: Socket, buffered: number) => void): void {
    this.#onMeasured = listener;
  }

  /** A frame went out to these, of whom so many are live. */
  published(audience: Audience, bytes: number, receivers: number): void {
    this.sent(bytes * receivers);
    audience.unseenBytes += bytes;
    if (audience.unseenBytes >= LOOK_EVERY_BYTES) this.#look(audience);
  }

  sent(bytes: number): void {
    this.#estimate += bytes;
    if (this.#estimate > WORKER_BYTES_MAX && !this.#full) this.#soon();
  }

  /**
   * An end was written to this socket behind what its peer has not taken: the engine holds that, and the connection,
   * for a while, and nobody can ask it how long. `gone` is called after it, or now when there is nothing.
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

  #look(audience: Audience): void {
    this.#due.add(audience);
    this.#soon();
  }

  /** In the next tick, when the engine has counted what this one published. */
  #soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const audience of this.#due) {
        audience.unseenBytes = 0;
        for (const socket of audience.sockets) this.#inspect(socket, socket.buffered);
      }
      this.#due.clear();
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
    // While there is no room, nobody stays live with more than a fair share of it.
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
