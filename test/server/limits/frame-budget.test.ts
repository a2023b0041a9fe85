import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { dataCost, FrameBudgets } from '../../../src/server/limits/frame-budget.js';
import { InFlightLimiter } from '../../../src/server/limits/in-flight.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

describe('the frames of a user', () => {
  /** How many of this cost pass before one does not. */
  function passing(budgets: FrameBudgets, userId: number, cost = 1): number {
    let count = 0;
    while (budgets.of(userId).spend(cost)) count += 1;
    return count;
  }

  it.each([
    [4, 1, 1000],
    [20, 1, 1000],
    [20, 10, 100],
    [100, 1, 5000],
  ])('with %i messages a second, at a cost of %i: %i at once', (perSecond, cost, expected) => {
    expect(passing(new FrameBudgets(perSecond), 1, cost)).toBe(expected);
  });

  it('are those of all sockets, also of later ones; others have their own', () => {
    const budgets = new FrameBudgets(20);
    expect(passing(budgets, 1)).toBe(1000);
    expect(passing(budgets, 1)).toBe(0);
    expect(passing(budgets, 2)).toBe(1000);
  });

  it('come back at their rate, however long the flood was', () => {
    const budgets = new FrameBudgets(20);
    for (let frame = 0; frame < 1_000_000; frame++) budgets.of(1).spend(1);
    vi.advanceTimersByTime(10_000);
    expect(passing(budgets, 1)).toBe(0);
    vi.advanceTimersByTime(11_000);
    expect(passing(budgets, 1)).toBeGreaterThan(0);
  });

  it('are remembered as long as there is something to remember', () => {
    const budgets = new FrameBudgets(20);
    const one = budgets.of(1);
    one.spend(100);
    vi.advanceTimersByTime(999);
    budgets.sweep(performance.now());
    expect(budgets.of(1)).toBe(one);
    vi.advanceTimersByTime(1);
    budgets.sweep(performance.now());
    expect(budgets.of(1)).not.toBe(one);
  });

  it.each([
    [0, 1],
    [1, 1],
    [4096, 1],
    [4097, 2],
    [61_440, 15],
  ])('of %i bytes cost %i', (bytes, cost) => {
    expect(dataCost(bytes)).toBe(cost);
  });
});

describe('the messages of a user that are under way', () => {
  it('are at most what may come in ten seconds, until one is answered', () => {
    const underWay = new InFlightLimiter(2);
    for (let message = 0; message < 20; message++) expect(underWay.acquire(1)).toBe(true);
    expect(underWay.acquire(1)).toBe(false);
    expect(underWay.acquire(2)).toBe(true);
    underWay.release(1);
    expect(underWay.acquire(1)).toBe(true);
    expect(underWay.acquire(1)).toBe(false);
  });

  it('are not counted when there is no limit', () => {
    const underWay = new InFlightLimiter(0);
    for (let message = 0; message < 10_000; message++) expect(underWay.acquire(1)).toBe(true);
  });
});
