import { describe, expect, it } from 'vitest';
import { Pending } from '../../src/server/pending.js';

const three = () => ['a', 'b', 'c'].map((name) => ({ name, place: -1 }));
const names = (pending: Iterable<{ name: string }>) => [...pending].map(({ name }) => name).sort();

describe('what is pending', () => {
  it.each([0, 1, 2])('holds the others when number %i of three is deleted', (index) => {
    const pending = new Pending<{ name: string; place: number }>();
    const items = three();
    for (const item of items) pending.add(item);
    const [gone] = items.splice(index, 1);
    if (gone !== undefined) pending.delete(gone);
    expect(names(pending)).toEqual(items.map(({ name }) => name));
    for (const item of items) pending.delete(item);
    expect(pending.size).toBe(0);
  });

  it('takes no notice when something is deleted twice, or was never there', () => {
    const pending = new Pending<{ name: string; place: number }>();
    const [a, b, stranger] = three() as [
      { name: string; place: number },
      { name: string; place: number },
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
    const pending = new Pending<{ name: string; place: number }>();
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
