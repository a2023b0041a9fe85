import { describe, expect, it } from 'vitest';
import { attempt, chain } from '../src/maybe-promise.js';

const failure = new Error('no');
const fails = (): number => {
  throw failure;
};

describe('chain', () => {
  it('goes on at once with what is there, without a promise', () => {
    expect(chain(1, (one) => one + 1)).toBe(2);
    expect(() => chain(1, fails)).toThrow(failure);
  });

  it('goes on later with what is not there yet', async () => {
    const later = chain(Promise.resolve(1), (one) => one + 1);
    expect(later).toBeInstanceOf(Promise);
    expect(await later).toBe(2);
    await expect(chain(Promise.reject<number>(failure), (one) => one + 1)).rejects.toBe(failure);
  });
});

describe('attempt', () => {
  it('gives what the work gives, at once or later', async () => {
    expect(attempt(() => 1, fails)).toBe(1);
    expect(await attempt(() => Promise.resolve(1), fails)).toBe(1);
  });

  it('rescues from what is thrown at once, and from what is rejected later', async () => {
    const rescued: unknown[] = [];
    const rescue = (error: unknown) => {
      rescued.push(error);
      return 2;
    };
    expect(attempt(fails, rescue)).toBe(2);
    expect(await attempt(() => Promise.reject<number>(failure), rescue)).toBe(2);
    expect(rescued).toEqual([failure, failure]);
  });

  it('passes on what the rescue throws', async () => {
    expect(() => attempt(fails, fails)).toThrow(failure);
    await expect(attempt(() => Promise.reject<number>(new Error('first')), fails)).rejects.toBe(failure);
  });
});
