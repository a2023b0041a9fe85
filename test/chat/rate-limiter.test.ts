import { describe, expect, it } from 'vitest';
import { type Bucket, Gcra, RateLimiter } from '../../src/chat/rate-limiter.js';

/** How many of a hundred pass at this moment. */
function passing(take: () => number): number {
  let passed = 0;
  for (let n = 0; n < 100; n++) if (take() === 0) passed += 1;
  return passed;
}

/** A bucket of its own, and how many of a hundred pass at a moment. */
function bucketOf(rate: ConstructorParameters<typeof Gcra>[0]) {
  const gcra = new Gcra(rate);
  const bucket: Bucket = { emptyAt: 0 };
  return { gcra, bucket, at: (now: number) => passing(() => gcra.take(bucket, now)) };
}

describe('a rate', () => {
  it('lets its burst pass at once, and its rate after that', () => {
    const { at } = bucketOf({ max: 3, inMs: 1000, burst: 15 });
    expect([0, 1000, 3000, 60_000].map(at)).toEqual([15, 3, 6, 15]);
  });

  it('has a burst of its rate when nothing else is said', () => {
    expect(bucketOf({ max: 7, inMs: 60_000 }).at(5)).toBe(7);
  });

  it('says after how long one more passes, and counts no refusal', () => {
    const { gcra, bucket } = bucketOf({ max: 2, inMs: 1000 });
    expect([0, 0, 100, 100, 499, 500, 500].map((now) => gcra.take(bucket, now))).toEqual([
      0, 0, 400, 400, 1, 0, 500,
    ]);
  });

  it('counts what passed already, up to twice what the bucket holds', () => {
    const one = bucketOf({ max: 10, inMs: 1000 });
    expect(one.gcra.charge(one.bucket, 0, 6)).toBe(true);
    expect(one.at(0)).toBe(4);
    const other = bucketOf({ max: 10, inMs: 1000 });
    expect(other.gcra.charge(other.bucket, 0, 1_000_000)).toBe(false);
    expect(other.gcra.take(other.bucket, 0)).toBe(1100);
    expect([1000, 2000].map(other.at)).toEqual([0, 10]);
  });

  it('says of what passed already whether the bucket held it', () => {
    const { gcra, bucket } = bucketOf({ max: 10, inMs: 1000 });
    expect([9, 1, 1].map((count) => gcra.charge(bucket, 0, count))).toEqual([true, true, false]);
    expect(gcra.charge(bucket, 200, 1)).toBe(true);
  });

  it('makes nobody wait for hours when a clock is set back', () => {
    const { gcra, bucket, at } = bucketOf({ max: 2, inMs: 1000 });
    expect(at(1e12)).toBe(2);
    expect(gcra.take(bucket, 1e12 - 3_600_000)).toBe(1500);
  });

  it('refuses nothing without a limit, and counts nothing', () => {
    const { gcra, bucket, at } = bucketOf({ max: 0, inMs: 1000 });
    expect(gcra.charge(bucket, 0, 100)).toBe(true);
    expect(at(0)).toBe(100);
    expect(bucket.emptyAt).toBe(0);
  });
});

describe('a rate limiter', () => {
  it('knows each key by itself', () => {
    const limiter = new RateLimiter<string>({ max: 1, inMs: 1000 });
    expect([limiter.take('a', 0), limiter.take('b', 0), limiter.take('a', 0)]).toEqual([0, 0, 1000]);
  });

  it('keeps nothing without a limit', () => {
    const limiter = new RateLimiter<string>({ max: 0, inMs: 1000 });
    expect(passing(() => limiter.take('a', 0))).toBe(100);
    expect(limiter.size).toBe(0);
  });

  it('forgets those whose buckets are empty', () => {
    const limiter = new RateLimiter<string>({ max: 2, inMs: 1000 });
    limiter.take('a', 0);
    limiter.take('b', 400);
    limiter.sweep(499);
    expect(limiter.size).toBe(2);
    limiter.sweep(500);
    expect(limiter.size).toBe(1);
    expect(passing(() => limiter.take('b', 500))).toBe(1);
  });
});
