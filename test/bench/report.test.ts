import { describe, expect, it } from 'vitest';
import { GOALS } from '../../bench/goals.js';
import { linearTicks, logTicks, tickText } from '../../bench/report/axis.js';
import { barChart, lineChart } from '../../bench/report/chart.js';
import { chartsOf } from '../../bench/report/charts.js';
import { markdownOf } from '../../bench/report/markdown.js';
import type { Report } from '../../bench/report/report.js';
import { metricText, numberText, parametersText, wordsOf } from '../../bench/report/words.js';

const REPORT: Report = {
  when: '2026-01-31T12:00:00.000Z',
  seconds: 61,
  machine: {
    processor: 'A processor',
    cores: 2,
    memoryBytes: 8 * 2 ** 30,
    kernel: '6.1',
    fsyncMs: { p50: 0.5, p99: 2 },
  },
  versions: { node: '20.20.2' },
  commit: { id: '0123456789abcdef', dirty: true },
  effort: { trials: 1, sideTrials: 1, seconds: 5, warmupSeconds: 2, quick: false },
  measurements: ['parley', 'engine'].map((target, index) => {
    const metrics = { messages_per_s: 30_000 + 10_000 * index, server_us_per_message: 40 };
    return {
      suite: 'chats',
      name: 'closed',
      target,
      parameters: { workers: 1, window: 1 + index },
      metrics,
      trials: [metrics],
    };
  }),
  failures: [{ suite: 'http', error: 'Error: a | b' }],
};

describe('a metric’s name', () => {
  it('says what it is and in which unit', () => {
    expect(wordsOf('messages_per_s')).toEqual({ name: '', unit: 'messages/s' });
    expect(wordsOf('echo_p99_ms')).toEqual({ name: 'echo p99', unit: 'ms' });
    expect(wordsOf('server_us_per_message')).toEqual({ name: 'server', unit: 'µs/message' });
    expect(wordsOf('bytes_per_socket')).toEqual({ name: '', unit: 'bytes/socket' });
    expect(wordsOf('server_cores')).toEqual({ name: 'server cores', unit: '' });
    expect(metricText('echo_p99_ms', 12.345)).toBe('echo p99 12.3 ms');
  });
});

describe('a number', () => {
  it('has three digits that mean something, and from 100 on no fraction', () => {
    expect([0, 0.12345, 1.5, 12.345, 123.45, 43_211.4].map(numberText)).toEqual([
      '0',
      '0.123',
      '1.5',
      '12.3',
      '123',
      '43,211',
    ]);
    expect(numberText(Number.NaN)).toBe('–');
    expect(parametersText({ workers: 2, data_set: 'large' })).toBe('workers 2, data set large');
  });
});

describe('an axis', () => {
  it('has round ticks from 0 to above the largest', () => {
    expect(linearTicks(43_000)).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000]);
    expect(linearTicks(1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(linearTicks(0)).toEqual([0, 1]);
  });

  it('when logarithmic, has powers of ten around all, and more where these are few', () => {
    expect(logTicks(0.6, 410_000)).toEqual([0.1, 1, 10, 100, 1000, 10_000, 100_000, 1_000_000]);
    expect(logTicks(500, 32_000)).toEqual([500, 1000, 2000, 5000, 10_000, 20_000, 50_000]);
    expect(logTicks(10, 10)).toEqual([10, 20]);
  });

  it.each([
    [1, 1],
    [0.003, 0.004],
    [3, 900_000],
    [999, 1001],
  ])('covers %d to %d', (min, max) => {
    const ticks = logTicks(min, max);
    expect(ticks[0]).toBeLessThanOrEqual(min);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(max);
    expect(ticks.length).toBeGreaterThan(1);
  });

  it('writes large numbers short', () => {
    expect([0.5, 1000, 20_000, 2_500_000].map(tickText)).toEqual(['0.5', '1,000', '20k', '2.5M']);
  });
});

describe('a chart', () => {
  it('shows each bar with its value, and escapes what it is given', () => {
    const svg = barChart({
      title: 'a < b & c',
      series: ['one'],
      axis: 'messages/s',
      bars: [{ label: 'x', series: 'one', value: 1234 }],
    });
    expect(svg).toContain('>1,234<');
    expect(svg).toContain('a &#60; b &#38; c');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('draws a line of a single point, too', () => {
    const axis = { label: 'ms', log: true };
    const svg = lineChart({ title: 't', x: axis, y: axis, lines: [{ series: 'one', points: [[10, 5]] }] });
    expect(svg).toContain('<circle');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('the charts of a run', () => {
  const at = (name: string, target: string, rate: number, echo_p99_ms: number) => {
    const metrics = { messages_per_s: rate, echo_p99_ms };
    return { suite: 'chats', name, target, parameters: { workers: 1 }, metrics, trials: [metrics] };
  };

  it('are those that the measurements suffice for', () => {
    expect(chartsOf([])).toEqual([]);
    expect(chartsOf(REPORT.measurements).map(({ file }) => file)).toEqual(['chats.svg', 'chats-cost.svg']);
    expect(chartsOf([at('open 500/s', 'parley', 500, 3)])).toEqual([]);
  });

  it('have a line for each target, and parley’s comes first', () => {
    const open = [at('open 1000/s', 'engine', 1000, 1), at('open 1000/s', 'parley', 1000, 4)];
    const [chart] = chartsOf([...open, at('open 500/s', 'parley', 500, 3), at('open', 'ws', 0, 0)]);
    expect(chart?.file).toBe('chats-latency.svg');
    expect(chart?.svg.indexOf('>parley<')).toBeLessThan(chart?.svg.indexOf('>engine<') ?? 0);
    expect(chart?.svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('leave out other numbers of workers', () => {
    const two = REPORT.measurements.map((one) => ({ ...one, parameters: { workers: 2 } }));
    expect(chartsOf(two)).toEqual([]);
  });
});

describe('the report', () => {
  const page = markdownOf(REPORT, GOALS, [{ file: 'chats.svg', title: 'chats' }]);

  it('says where and with what it was measured', () => {
    expect(page).toContain('2 × A processor, 8 GiB, Linux 6.1; fsync p50 0.5 ms, p99 2 ms');
    expect(page).toContain('commit 0123456789ab, with changes; node 20.20.2');
  });

  it('says which goals are reached, and which were not measured', () => {
    expect(page).toMatch(
      /\| chats: durable messages\/s against the bare engine.*\*\*0.75\*\* × .*\| reached \|/,
    );
    expect(page).toMatch(/\| fanout: .*\| not measured: fanout/);
  });

  it('shows what failed, the charts, and all numbers', () => {
    expect(page).toContain('**The suite `http` failed**: Error: a \\| b');
    expect(page).toContain('![chats](chats.svg)');
    expect(page).toContain('| what | of | with | messages/s | server, µs/message |');
    expect(page).toContain('With workers 1:');
    expect(page).toContain('| closed | parley | window 1 | 30,000 | 40 |');
  });
});
