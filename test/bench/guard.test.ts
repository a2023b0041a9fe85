import { describe, expect, it } from 'vitest';
import { compare, NOISE_MAX, NOISE_MIN, noiseOf } from '../../bench/guard/verdict.js';

const THROUGHPUT = { name: 'throughput', better: 'higher' } as const;
const COST = { name: 'cost', better: 'lower' } as const;
const CALM = [1, 1.01, 0.99];

describe('the guard', () => {
  it('takes the spread of the baseline for noise, and a least noise where there is hardly any', () => {
    expect(noiseOf([0.8, 0.9, 1, 1.1, 1.2])).toBeCloseTo(0.3);
    expect(noiseOf(CALM)).toBe(NOISE_MIN);
    expect(noiseOf([0.99, 1, 1, 1.01, 5])).toBe(NOISE_MIN);
  });

  it('lets noise pass, in both directions', () => {
    expect(compare(THROUGHPUT, CALM, [0.86, 0.9, 0.2]).regressed).toBe(false);
    expect(compare(COST, CALM, [1.14, 1.1, 5]).regressed).toBe(false);
    expect(compare(THROUGHPUT, [0.8, 0.9, 1, 1.1, 1.2], [0.72]).regressed).toBe(false);
  });

  it('lets anything better pass', () => {
    expect(compare(THROUGHPUT, CALM, [3])).toMatchObject({ regressed: false, worse: -2 });
    expect(compare(COST, CALM, [0.5])).toMatchObject({ regressed: false, worse: -0.5 });
  });

  it('says what got worse, and by how much', () => {
    expect(compare(THROUGHPUT, CALM, [0.8])).toMatchObject({ regressed: true, baseline: 1, measured: 0.8 });
    expect(compare(THROUGHPUT, CALM, [0.8]).worse).toBeCloseTo(0.2);
    expect(compare(COST, CALM, [1.3]).worse).toBeCloseTo(0.3);
    expect(compare(COST, CALM, [1.3]).regressed).toBe(true);
  });

  it('does not let a restless baseline excuse everything', () => {
    expect(compare(THROUGHPUT, [0.4, 1, 1.6], [1 - NOISE_MAX - 0.01]).regressed).toBe(true);
  });

  it('takes a number that is none for a regression', () => {
    expect(compare(THROUGHPUT, CALM, [Number.NaN]).regressed).toBe(true);
    expect(compare(COST, [], [1]).regressed).toBe(true);
  });
});
