/**
 * Work of which each turn of the event loop does only so many pieces, so that who is there already is not kept waiting
 * by many who come at once: the rest waits for the next turns, in order.
 */
export class TickThrottle {
  readonly #perTurn: number;
  readonly #waiting: (() => void)[] = [];
  #left: number;
  #scheduled = false;

  constructor(perTurn: number) {
    this.#perTurn = perTurn;
    this.#left = perTurn;
  }

  /** Undefined when it may be done now, otherwise a promise of its turn. */
  next(): Promise<void> | undefined {
    this.#schedule();
    if (this.#left > 0) {
      this.#left -= 1;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const next = this.#waiting.splice(0, this.#perTurn);
      this.#left = this.#waiting.length > 0 ? 0 : this.#perTurn - next.length;
      for (const begin of next) begin();
      if (next.length > 0) this.#schedule();
    });
  }
}
