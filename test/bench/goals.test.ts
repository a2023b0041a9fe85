import { describe, expect, it } from 'vitest';
import { type Goal, judge, type MetricRef, valuesOf } from '../../bench/goal.js';
import { GOALS } from '../../bench/goals.js';
import type { Machine } from '../../bench/measure/machine.js';
import { type Measurement, medians } from '../../bench/measure/measurement.js';

const MACHINE: Machine = {
  processor: 'one',
  cores: 2,
  memoryBytes: 2 ** 33,
  kernel: '6',
  fsyncMs: { p50: 1, p99: 2 },
};

function measured(target: string, perSecond: readonly number[], workers = 1): Measurement {
  const trials = perSecond.map((messages_per_s) => ({ messages_per_s }));
  return {
    suite: 'chats',
    name: 'closed',
    target,
    parameters: { workers },
    metrics: medians(trials),
    trials,
  };
}

function place(target: string): MetricRef {
  return { suite: 'chats', name: 'closed', target, metric: 'messages_per_s', with: { workers: 1 } };
}

const RATIO = { of: place('parley'), to: place('engine') };
const GOAL: Goal = { what: 'it', unit: '×', bound: 'at least', value: 0.6, quantities: [RATIO] };

describe('goals', () => {
  it('compare each trial with its neighbour, and take the median of these ratios', () => {
    // The machine was half as fast in the second round: the ratio of the medians would be 30 / 40.
    const found = [measured('parley', [30, 15, 32]), measured('engine', [40, 20, 64])];
    expect(valuesOf(found, RATIO)).toEqual({ trials: [0.75, 0.75, 0.5] });
    expect(judge(GOAL, found, MACHINE)).toEqual({ value: 0.75, trials: [0.75, 0.75, 0.5], reached: true });
  });

  it('may be not reached, from above and from below', () => {
    const found = [measured('parley', [5]), measured('engine', [10])];
    expect(judge(GOAL, found, MACHINE)).toMatchObject({ value: 0.5, reached: false });
    expect(judge({ ...GOAL, bound: 'at most' }, found, MACHINE)).toMatchObject({ reached: true });
    expect(judge({ ...GOAL, bound: 'at most', value: 0.4 }, found, MACHINE)).toMatchObject({
      reached: false,
    });
  });

  it('are found by parameters where several measurements share a name', () => {
    const found = [measured('parley', [1], 2), measured('parley', [7], 1), measured('engine', [10])];
    expect(judge(GOAL, found, MACHINE)).toMatchObject({ value: 0.7 });
  });

  it('are as good as the worst of several', () => {
    const both: Goal = { ...GOAL, quantities: [{ of: place('parley') }, { of: place('engine') }] };
    const found = [measured('parley', [5]), measured('engine', [10])];
    expect(judge({ ...both, value: 6 }, found, MACHINE)).toMatchObject({ value: 5, reached: false });
    expect(judge({ ...both, value: 6, bound: 'at most' }, found, MACHINE)).toMatchObject({ value: 10 });
  });

  it('say what is missing', () => {
    const missing = (found: Measurement[]) => judge(GOAL, found, MACHINE);
    expect(missing([])).toEqual({ missing: 'not measured: chats, closed, parley: messages_per_s' });
    expect(missing([measured('parley', [1])])).toEqual({
      missing: 'not measured: chats, closed, engine: messages_per_s',
    });
    expect(missing([measured('parley', [Number.NaN]), measured('engine', [1])])).toHaveProperty('missing');
    expect(missing([measured('parley', [1]), measured('parley', [1])])).toEqual({
      missing: 'measured 2 times: chats, closed, parley: messages_per_s',
    });
  });

  it('do not count where the machine says nothing about the server', () => {
    const goal: Goal = { ...GOAL, counts: { when: 'on a fast disk', on: ({ fsyncMs }) => fsyncMs.p99 < 1 } };
    expect(judge(goal, [], MACHINE)).toEqual({ missing: 'does not count here: only on a fast disk' });
  });

  it('are all found missing in a run of nothing', () => {
    for (const goal of GOALS) expect(judge(goal, [], MACHINE), goal.what).toHaveProperty('missing');
  });
});
