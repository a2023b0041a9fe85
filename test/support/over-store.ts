import type { ReadStore } from '../../src/store/read-store.js';

/** The same store, but for some of its answers. */
export function overStore(read: ReadStore, answers: Partial<ReadStore>): ReadStore {
  return new Proxy(read, {
    get(target, name) {
      const own: unknown = Reflect.get(answers, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
