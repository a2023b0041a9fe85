/** What knows its own place among those that are pending. Nobody but Pending reads or writes it. */
export interface Placed {
  place: number;
}

/**
 * A set of what comes and goes all the time. A Set that lives on leaves an old table behind at every 128 additions or
 * so, which points to the next one and to all that it held; once one of these has grown old, the garbage collector
 * carries every later one on as if it were alive. For requests that made half of all they are made of survive.
 */
export class Pending<T extends Placed> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    item.place = this.#items.push(item) - 1;
  }

  /** Of one that is not there: nothing. */
  delete(item: T): void {
    const { place } = item;
    if (this.#items[place] !== item) return;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#items[place] = last;
    last.place = place;
  }

  /** Those of this moment; they may be deleted meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#items].values();
  }
}
