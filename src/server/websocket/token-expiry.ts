import { closeCodeOf } from '../../api/status.js';
import type { Socket } from '../hub/sockets.js';

const LOOK_EVERY_MS = 250;

/** Closes open sockets when their tokens expire. */
export class TokenExpiry {
  readonly #everyone: () => readonly Socket[];
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  /** No socket ends before this (seconds since the epoch), so that most looks need not walk the sockets. */
  #earliest = Number.POSITIVE_INFINITY;

  /** `everyone` returns all open sockets. `now` is in milliseconds since the epoch. */
  constructor(everyone: () => readonly Socket[], now: () => number) {
    this.#everyone = everyone;
    this.#now = now;
    this.#timer = setInterval(() => this.#closeExpired(), LOOK_EVERY_MS).unref();
  }

  /** To be called when a socket's `endsAt` is set. */
  track({ endsAt }: Socket): void {
    if (endsAt !== undefined && endsAt < this.#earliest) this.#earliest = endsAt;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #closeExpired(): void {
    const now = this.#now() / 1000;
    if (now < this.#earliest) return;
    this.#earliest = Number.POSITIVE_INFINITY;
    for (const socket of this.#everyone()) {
      if (socket.endsAt !== undefined && socket.endsAt <= now)
        socket.end(closeCodeOf('unauthorized'), 'token expired');
      else this.track(socket);
    }
  }
}
