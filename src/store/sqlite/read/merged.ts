interface Head<T> {
  readonly value: T;
  readonly source: Iterator<T>;
}

/** Gives what the sources have in the order of ids. Each of them is in this order, and is asked for no more than is taken. */
export function* merged<T extends { readonly id: number }>(sources: Iterable<Iterator<T>>): Generator<T> {
  const heads: Head<T>[] = [];
  for (const source of sources) {
    const next = source.next();
    if (next.done !== true) heads.push({ value: next.value, source });
  }
  heads.sort((a, b) => b.value.id - a.value.id); // The next one is the last.
  for (let head = heads.pop(); head !== undefined; head = heads.pop()) {
    yield head.value;
    const next = head.source.next();
    if (next.done !== true) insert(heads, { value: next.value, source: head.source });
  }
}

/** Puts a head in its place by bisection. */
function insert<T extends { readonly id: number }>(heads: Head<T>[], head: Head<T>): void {
  let low = 0;
  let high = heads.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((heads[middle] as Head<T>).value.id > head.value.id) low = middle + 1;
    else high = middle;
  }
  heads.splice(low, 0, head);
}
