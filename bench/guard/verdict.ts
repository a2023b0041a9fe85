import type { Quantity } from '../goal.js';
import { median } from '../measure/measurement.js';

/** What must not get worse: two metrics of the same run against each other. */
export interface Ratio {
  readonly name: string;
  readonly better: 'higher' | 'lower';
  readonly quantity: Quantity & Required<Pick<Quantity, 'to'>>;
}

export interface Verdict {
  readonly name: string;
  readonly baseline: number;
  readonly measured: number;
  /** How much worse it is than the baseline, as a share of it; negative when it is better. */
  readonly worse: number;
  /** What it may be worse by before it counts. */
  readonly noise: number;
  readonly regressed: boolean;
}

/** Noise below this share is not told from chance in so few trials; above the other, nothing can be told. */
export const NOISE_MIN = 0.15;
export const NOISE_MAX = 0.35;
/** A trial that is further from the median than this many typical distances is there by chance once in twenty times. */
const DISTANCES = 3;

/** How far from their median trials may be by chance, as a share of it; one that is far out changes nothing. */
export function noiseOf(trials: readonly number[]): number {
  const middle = median(trials);
  const distance = median(trials.map((trial) => Math.abs(trial - middle)));
  return Math.max(NOISE_MIN, (DISTANCES * distance) / middle);
}

/** Whether the ratio is worse than it was, by more than noise. */
export function compare(
  { name, better }: Pick<Ratio, 'name' | 'better'>,
  baseline: readonly number[],
  trials: readonly number[],
): Verdict {
  const [was, is] = [median(baseline), median(trials)];
  const worse = better === 'higher' ? 1 - is / was : is / was - 1;
  const noise = Math.min(NOISE_MAX, noiseOf(baseline));
  return { name, baseline: was, measured: is, worse, noise, regressed: !(worse <= noise) };
}
