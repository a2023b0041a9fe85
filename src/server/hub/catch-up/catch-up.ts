import { Close, closeCodeOf } from '../../../api/status.js';
import { ChatError } from '../../../chat/errors.js';
import { attempt } from '../../../maybe-promise.js';
import type { Hub } from '../hub.js';
import type { Socket } from '../sockets.js';
import { ChatCatchUp } from './chat-catch-up.js';
import { MainCatchUp } from './main-catch-up.js';
import { MainReplay } from './main-replay.js';
import type { Progress, Step } from './step.js';

/** A socket gets its next page, or goes live, when its peer has taken all but this much. */
const DRAINED_BYTES = 64 * 1024;
/** Sockets that catch up share this much of a tick. */
const TICK_MS = 5;
/** A socket whose peer takes nothing for this long is ended. The client may resume. */
const STALLED_MS = 30_000;

/**
 * Brings sockets to the worker's position. A socket that opens, one that resumes, and one that could not keep up are
 * treated alike: each is sent pages up to the position, each page when the one before has drained, and goes live in the
 * tick in which nothing is left in between. So there is no gap and no repeat, memory is bounded, and a slow client costs
 * the others nothing.
 */
export class CatchUp {
  readonly #hub: Hub;
  readonly #failed: (error: unknown) => void;
  /** Sockets that are not live and have drained, in the order in which they get their next page. */
  readonly #ready = new Set<Socket>();
  readonly #chats: ChatCatchUp;
  readonly #mains: MainCatchUp;
  readonly #replays: MainReplay;
  #scheduled = false;

  constructor(hub: Hub, failed: (error: unknown) => void) {
    this.#hub = hub;
    this.#failed = failed;
    this.#chats = new ChatCatchUp(hub);
    this.#mains = new MainCatchUp(hub);
    this.#replays = new MainReplay(hub);
    hub.onBehind((socket) => this.#queue(socket));
    hub.backpressure.onMeasured((socket, buffered) => this.#measured(socket, buffered));
  }

  /** Takes an open socket of the hub from `opening` to `live`: at once, when the log's end is within reach. */
  attach(socket: Socket): void {
    if (socket.state !== 'opening') return;
    socket.movedAt = performance.now();
    if (this.#ready.size > 0 || this.#hub.backpressure.full) this.#queue(socket);
    else this.#step(socket);
  }

  /** To be called when a socket has closed. */
  detach(socket: Socket): void {
    this.#hub.remove(socket);
    this.#ready.delete(socket); // While the worker is full, nothing else would remove it.
  }

  /** To be called when the peer took something of what was sent. */
  drained(socket: Socket): void {
    if (socket.buffered <= DRAINED_BYTES && isCatchingUp(socket)) this.#queue(socket);
  }

  /** Ends sockets whose peers take nothing. This is called for each socket once a second. */
  #measured(socket: Socket, buffered: number): void {
    if (!isCatchingUp(socket)) return;
    if (buffered <= DRAINED_BYTES) {
      this.#queue(socket); // It may have been left out when the worker had no room.
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
    setImmediate(() => this.#sendPages());
  }

  /** Sends a page to each socket, in order. Those that the tick has no time for wait for the next. */
  #sendPages(): void {
    this.#scheduled = false;
    const deadline = performance.now() + TICK_MS;
    for (const socket of this.#ready) {
      this.#ready.delete(socket);
      if (isCatchingUp(socket)) this.#step(socket);
      if (performance.now() >= deadline || this.#hub.backpressure.full) break;
    }
    this.#schedule();
  }

  /** Loads a page, and sends it in the tick in which the worker is at the position that it is true at. */
  #step(socket: Socket): void {
    if (socket.isReading) return; // The next step follows when the answer is there.
    socket.isReading = true;
    const failed = (error: unknown) => {
      socket.isReading = false;
      this.#endWith(socket, error);
    };
    const step = this.#next(socket);
    void attempt(
      () =>
        this.#hub.follower.read(
          () => step.load(),
          (value) => {
            socket.isReading = false;
            if (isCatchingUp(socket)) this.#advance(socket, step.act(value));
          },
        ),
      failed,
    );
  }

  #next(socket: Socket): Step {
    if (socket.kind === 'chat') return this.#chats.next(socket);
    return socket.view === 'full' ? this.#replays.next(socket) : this.#mains.next(socket);
  }

  #endWith(socket: Socket, error: unknown): void {
    const refusal = error instanceof ChatError ? error : new ChatError('internal');
    if (refusal.code === 'internal') this.#failed(error);
    socket.end(closeCodeOf(refusal.code), refusal.code);
  }

  #advance(socket: Socket, { bytes, more, groups }: Progress): void {
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
    // Its history is whole, so what follows while it drains is sent as single messages.
    else socket.state = 'behind';
    if (socket.kind === 'chat') socket.historySent();
  }
}

function isCatchingUp(socket: Socket): boolean {
  return socket.state === 'opening' || socket.state === 'behind';
}
