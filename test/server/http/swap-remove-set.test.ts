import { describe, expect, it } from 'vitest';
import { SwapRemoveSet } from '../../../src/server/http/swap-remove-set.js';

const three = () => ['a', 'b', 'c'].map((name) => ({ name, index: -1 }));
const names = (pending: Iterable<{ name: string }>) => [...pending].map(({ name }) => name).sort();

describe('what is pending', () => {
  it.each([0, 1, 2])('holds the others when number %i of three is deleted', (index) => {
    const pending = new SwapRemoveSet<{ name: string; index: number }>();
    const items = three();
    for (const item of items) pending.add(item);
    const [gone] = items.splice(index, 1);
    if (gone !== undefined) pending.delete(gone);
    expect(names(pending)).toEqual(items.map(({ name }) => name));
    for (const item of items) pending.delete(item);
    expect(pending.size).toBe(0);
  });

  it('takes no notice when something is deleted twice, or was never there', () => {
    const pending = new SwapRemoveSet<{ name: string; index: number }>();
    const [a, b, stranger] = three() as [
      { name: string; index: number },
      { name: string; index: number },
      never,
    ];
    pending.add(a);
    pending.add(b);
    pending.delete(a);
    pending.delete(a);
    pending.delete(stranger);
    expect(names(pending)).toEqual(['b']);
  });

  it('can be walked while all of it is deleted', () => {
    const pending = new SwapRemoveSet<{ name: string; index: number }>();
    for (const item of three()) pending.add(item);
    const seen: string[] = [];
    for (const item of pending) {
      seen.push(item.name);
      pending.delete(item);
    }
    expect(seen.sort()).toEqual(['a', 'b', 'c']);
    expect(pending.size).toBe(0);
  });
});
