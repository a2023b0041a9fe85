import { describe, expect, it } from 'vitest';
import { RateLimiter } from '../../src/chat/rate-limiter.js';

/** How many of a hundred pass at this moment. */
function passing(meter: RateLimiter<string>, key: string, now: number): number {
  let passed = 0;
  for (let n = 0; n < 100; n++) if (meter.take(key, now) === 0) passed += 1;
  return passed;
}

describe('a meter', () => {
  it('lets its burst pass at once, and its rate after that', () => {
    const meter = new RateLimiter<string>({ max: 3, inMs: 1000, burst: 15 });
    expect(passing(meter, 'a', 0)).toBe(15);
    expect(passing(meter, 'a', 1000)).toBe(3);
    expect(passing(meter, 'a', 3000)).toBe(6);
    expect(passing(meter, 'a', 60_000)).toBe(15);
  });

  it('has a burst of its rate when nothing else is said', () => {
    expect(passing(new RateLimiter<string>({ max: 7, inMs: 60_000 }), 'a', 5)).toBe(7);
  });

  it('says after how long one more passes, and counts no refusal', () => {
    const meter = new RateLimiter<string>({ max: 2, inMs: 1000 });
    expect([0, 0, 100, 100].map((now) => meter.take('a', now))).toEqual([0, 0, 400, 400]);
    expect(meter.take('a', 499)).toBe(1);
    expect(meter.take('a', 500)).toBe(0);
    expect(meter.take('a', 500)).toBe(500);
  });

  it('knows each key by itself', () => {
    const meter = new RateLimiter<string>({ max: 1, inMs: 1000 });
    expect([meter.take('a', 0), meter.take('b', 0), meter.take('a', 0)]).toEqual([0, 0, 1000]);
  });

  it('counts what passed elsewhere, up to twice what the bucket holds', () => {
    const meter = new RateLimiter<string>({ max: 10, inMs: 1000 });
    meter.charge('a', 6, 0);
    expect(passing(meter, 'a', 0)).toBe(4);
    meter.charge('b', 1_000_000, 0);
    expect(meter.take('b', 0)).toBe(1100);
    expect(passing(meter, 'b', 1000)).toBe(0);
    expect(passing(meter, 'b', 2000)).toBe(10);
  });

  it('makes nobody wait for hours when a clock is set back', () => {
    const meter = new RateLimiter<string>({ max: 2, inMs: 1000 });
    expect(passing(meter, 'a', 1e12)).toBe(2);
    expect(meter.take('a', 1e12 - 3_600_000)).toBe(1500);
  });

  it('refuses nothing without a limit, and keeps nothing', () => {
    const meter = new RateLimiter<string>({ max: 0, inMs: 1000 });
    meter.charge('a', 100, 0);
    expect(passing(meter, 'a', 0)).toBe(100);
    expect(meter.size).toBe(0);
  });

  it('forgets those whose buckets are empty', () => {
    const meter = new RateLimiter<string>({ max: 2, inMs: 1000 });
    meter.take('a', 0);
    meter.take('b', 400);
    meter.sweep(499);
    expect(meter.size).toBe(2);
    meter.sweep(500);
    expect(meter.size).toBe(1);
    expect(passing(meter, 'b', 500)).toBe(1);
  });
});
