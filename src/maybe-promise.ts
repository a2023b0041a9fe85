/** A value, or a promise of it. Most requests need no promise, and awaiting one would cost each of them a microtask. */
export type MaybePromise<T> = T | Promise<T>;

/** Calls `next` with the value at once, or when its promise resolves. */
export function chain<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Runs `work`. `rescue` gets what it throws, or rejects with later. */
export function attempt<T>(
  work: () => MaybePromise<T>,
  rescue: (error: unknown) => MaybePromise<T>,
): MaybePromise<T> {
  try {
    const value = work();
    return value instanceof Promise ? value.catch(rescue) : value;
  } catch (error) {
    return rescue(error);
  }
}
