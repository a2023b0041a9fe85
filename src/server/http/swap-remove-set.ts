/** An item of a SwapRemoveSet, which alone reads and writes its `index`. */
export interface Indexed {
  index: number;
}

/**
 * A set whose items come and go all the time. The last item takes the place of one that is removed.
 *
 * A Set replaces its table at every 128 additions or so. The old table points to the next and to all that it held, so
 * that once one of them is in the old generation, the garbage collector keeps every later one as well. With a Set of
 * requests, half of the memory that they use survived its first collection.
 */
export class SwapRemoveSet<T extends Indexed> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    item.index = this.#items.push(item) - 1;
  }

  /** Does nothing for an item that is not in the set. */
  delete(item: T): void {
    const { index } = item;
    if (this.#items[index] !== item) return;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#items[index] = last;
    last.index = index;
  }

  /** Walks the items of this moment, so that they may be deleted meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#items].values();
  }
}
