/**
 * Lets only so many pieces of work begin in each turn of the event loop; the rest waits for later turns, in order. Many
 * clients that come at once would otherwise keep those who are connected waiting.
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

  /** Undefined when the caller may begin at once; otherwise a promise that resolves when it may. */
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
