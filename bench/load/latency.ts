import type { RecordableHistogram } from 'node:perf_hooks';
import type { Percentiles } from './plan.js';

/** Records microseconds, because a histogram takes whole numbers from 1. */
export function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * 1000)));
}

/** The percentiles of what was recorded, in milliseconds. */
export function percentiles(histogram: RecordableHistogram): Percentiles {
  if (histogram.count === 0) return { p50: 0, p99: 0, max: 0 };
  const ms = (percentile: number) => histogram.percentile(percentile) / 1000;
  return { p50: ms(50), p99: ms(99), max: histogram.max / 1000 };
}
