/** What knows its own index among those that are pending. Nobody but Pending reads or writes it. */
export interface Indexed {
  index: number;
}

/**
 * A set of what comes and goes all the time. A Set that lives on leaves an old table behind at every 128 additions or
 * so, which points to the next one and to all that it held; once one of these has grown old, the garbage collector
 * carries every later one on as if it were alive. For requests that made half of all they are made of survive.
 */
export class SwapRemoveSet<T extends Indexed> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    item.index = this.#items.push(item) - 1;
  }

  /** Of one that is not there: nothing. */
  delete(item: T): void {
    const { index } = item;
    if (this.#items[index] !== item) return;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#items[index] = last;
    last.index = index;
  }

  /** Those of this moment; they may be deleted meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#items].values();
  }
}
