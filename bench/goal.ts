import type { Machine } from './measure/machine.js';
import { type Measurement, median } from './measure/measurement.js';

/** Names one metric of one measurement. */
export interface MetricRef {
  readonly suite: string;
  readonly name: string;
  readonly target: string;
  readonly metric: string;
  /** The parameters of the measurement, where several share a name. */
  readonly with?: Readonly<Record<string, number | string>>;
}

/** A metric by itself, or against another of the same run. */
export interface Quantity {
  readonly of: MetricRef;
  readonly to?: MetricRef;
}

/** A number that is to be reached. */
export interface Goal {
  readonly what: string;
  readonly unit: string;
  readonly bound: 'at least' | 'at most';
  readonly value: number;
  /** All of them must reach the goal. The worst is shown. */
  readonly quantities: readonly Quantity[];
  /** Absent: the goal counts on every machine. Elsewhere than `on`, it says nothing about the server. */
  readonly counts?: { readonly when: string; readonly on: (machine: Machine) => boolean };
}

export type Finding =
  | { readonly missing: string }
  | {
      /** The median of the trials; for two metrics, of the trials' own ratios. */
      readonly value: number;
      readonly trials: readonly number[];
      readonly reached: boolean;
    };

/** What a quantity was found to be in each trial, or what is missing. */
export function valuesOf(
  measurements: readonly Measurement[],
  { of, to }: Quantity,
): { readonly missing: string } | { readonly trials: readonly number[] } {
  const own = trialsAt(measurements, of);
  if (to === undefined || 'missing' in own) return own;
  const other = trialsAt(measurements, to);
  if ('missing' in other) return other;
  const pairs = Math.min(own.trials.length, other.trials.length);
  return {
    trials: own.trials.slice(0, pairs).map((value, index) => value / (other.trials[index] ?? Number.NaN)),
  };
}

/** Whether the goal is reached. What was not measured is said, and is no error: quick runs leave things out. */
export function judge(goal: Goal, measurements: readonly Measurement[], machine: Machine): Finding {
  if (goal.counts !== undefined && !goal.counts.on(machine)) {
    return { missing: `does not count here: only ${goal.counts.when}` };
  }
  const found: (Finding & { value: number })[] = [];
  for (const quantity of goal.quantities) {
    const values = valuesOf(measurements, quantity);
    if ('missing' in values) return values;
    const value = median(values.trials);
    const reached = goal.bound === 'at least' ? value >= goal.value : value <= goal.value;
    found.push({ value, trials: values.trials, reached });
  }
  found.sort((a, b) => (goal.bound === 'at least' ? a.value - b.value : b.value - a.value));
  return found[0] ?? { missing: 'nothing was asked for' };
}

/** Whether the reference means a metric of this measurement. */
export function refersTo(
  ref: MetricRef,
  { suite, name, target, parameters }: Pick<Measurement, 'suite' | 'name' | 'target' | 'parameters'>,
): boolean {
  return (
    suite === ref.suite &&
    name === ref.name &&
    target === ref.target &&
    Object.entries(ref.with ?? {}).every(([key, value]) => parameters[key] === value)
  );
}

function trialsAt(
  measurements: readonly Measurement[],
  ref: MetricRef,
): { missing: string } | { trials: readonly number[] } {
  const matching = measurements.filter((one) => refersTo(ref, one));
  const words = `${ref.suite}, ${ref.name}, ${ref.target}: ${ref.metric}`;
  if (matching.length > 1) return { missing: `measured ${matching.length} times: ${words}` };
  const trials = matching[0]?.trials.map((trial) => trial[ref.metric] ?? Number.NaN) ?? [];
  const good = trials.length > 0 && trials.every(Number.isFinite);
  return good ? { trials } : { missing: `not measured: ${words}` };
}
