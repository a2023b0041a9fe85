import { Close, closeCodeOf } from '../../../api/status.js';
import { ChatError } from '../../../chat/errors.js';
import { attempt } from '../../../maybe-promise.js';
import type { Hub } from '../hub.js';
import type { Socket } from '../sockets.js';
import { ChatCatchUp } from './chat-catch-up.js';
import { MainCatchUp } from './main-catch-up.js';
import type { Progress, Step } from './step.js';

/** The next page goes out, and a socket goes live, when the peer has taken all but this much. */
const DRAINED_BYTES = 64 * 1024;
/** Sockets that wait share this much of a tick. */
const TICK_MS = 5;
/** A peer that takes nothing for this long is given up; it may resume. */
const STALLED_MS = 30_000;

/**
 * The one way to attach. A socket that opens, one that resumes, and one that could not keep up are the same:
 * each reads pages up to the worker's position, each when the previous has drained, and goes live in the same
 * tick in which nothing is left in between. No gap, no repeat, bounded memory, and a slow reader costs the
 * others nothing.
 */
export class CatchUp {
  readonly #hub: Hub;
  readonly #failed: (error: unknown) => void;
  /** Sockets that are not live and have drained, in the order of their turns. */
  readonly #ready = new Set<Socket>();
  readonly #chats: ChatCatchUp;
  readonly #mains: MainCatchUp;
  #scheduled = false;

  constructor(hub: Hub, failed: (error: unknown) => void) {
    this.#hub = hub;
    this.#failed = failed;
    this.#chats = new ChatCatchUp(hub);
    this.#mains = new MainCatchUp(hub);
    hub.backpressure.onMeasured((socket, buffered) => this.#measured(socket, buffered));
  }

  /** Takes an open socket of the hub from `opening` to `live`: at once, when the log's end is within reach. */
  attach(socket: Socket): void {
    if (socket.state !== 'opening') return;
    socket.movedAt = performance.now();
    if (this.#ready.size > 0 || this.#hub.backpressure.full) this.#queue(socket);
    else this.#step(socket);
  }

  /** It has closed. */
  detach(socket: Socket): void {
    this.#hub.remove(socket);
    this.#ready.delete(socket); // While the worker is full nobody's turn comes.
  }

  /** The peer took something of what was sent. */
  drained(socket: Socket): void {
    if (socket.buffered <= DRAINED_BYTES && isWaiting(socket)) this.#queue(socket);
  }

  /** Once a second: those who take nothing are given up. */
  #measured(socket: Socket, buffered: number): void {
    if (!isWaiting(socket)) return;
    if (buffered <= DRAINED_BYTES) {
      this.#queue(socket); // Its turn may have been put off when the worker had no room.
    } else if (buffered < socket.leastBuffered) {
      socket.movedAt = performance.now();
    } else if (performance.now() - socket.movedAt > STALLED_MS) {
      socket.end(Close.tooSlow, 'too slow');
      return;
    }
    socket.leastBuffered = buffered;
  }

  #queue(socket: Socket): void {
    this.#ready.add(socket);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#ready.size === 0 || this.#hub.backpressure.full) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  /** A page each, in order; those that the tick has no time for wait for the next. */
  #turn(): void {
    this.#scheduled = false;
    const deadline = performance.now() + TICK_MS;
    for (const socket of this.#ready) {
      this.#ready.delete(socket);
      if (isWaiting(socket)) this.#step(socket);
      if (performance.now() >= deadline || this.#hub.backpressure.full) break;
    }
    this.#schedule();
  }

  /** Loads a page, and sends it in the tick in which the worker is at the position that it is true at. */
  #step(socket: Socket): void {
    if (socket.isReading) return; // It goes on when the answer is there.
    socket.isReading = true;
    const failed = (error: unknown) => {
      socket.isReading = false;
      this.#endWith(socket, error);
    };
    const step: Step = socket.kind === 'main' ? this.#mains.next(socket) : this.#chats.next(socket);
    void attempt(
      () =>
        this.#hub.follower.read(
          () => step.load(),
          (value) => {
            socket.isReading = false;
            if (isWaiting(socket)) this.#goOn(socket, step.act(value));
          },
        ),
      failed,
    );
  }

  #endWith(socket: Socket, error: unknown): void {
    const refusal = error instanceof ChatError ? error : new ChatError('internal');
    if (refusal.code === 'internal') this.#failed(error);
    socket.end(closeCodeOf(refusal.code), refusal.code);
  }

  #goOn(socket: Socket, { bytes, more, groups }: Progress): void {
    if (bytes > 0) {
      this.#hub.backpressure.sent(bytes);
      socket.movedAt = performance.now();
      socket.leastBuffered = socket.buffered;
    }
    if (!more) socket.position = this.#hub.follower.position;
    const drained = socket.buffered <= DRAINED_BYTES;
    if (more) {
      if (drained) this.#queue(socket);
      return;
    }
    if (drained) this.#hub.goLive(socket, groups);
    // Its history is whole: what comes while it drains are single messages.
    else socket.state = 'behind';
    if (socket.kind === 'chat') socket.historySent();
  }
}

function isWaiting(socket: Socket): boolean {
  return socket.state === 'opening' || socket.state === 'behind';
}
