/** What one benchmark found: numbers by name, each name ends in its unit (`_per_s`, `_ms`, `_us`, `_bytes`, `_x`). */
export interface Measurement {
  /** The suite it belongs to: `chats`, `fanout`, `http`, … */
  readonly suite: string;
  /** What was measured, within the suite: `closed`, `open 8000/s`, `GET /user`, … */
  readonly name: string;
  /** Who was measured: `parley`, `engine`, `ws`, `socket.io (ws)`, `socket.io (uws)`, … */
  readonly target: string;
  /** What it was done with: members, workers, rate, … */
  readonly parameters: Readonly<Record<string, number | string>>;
  /** The median of the trials, per metric. */
  readonly metrics: Metrics;
  /** Each trial's own, in the order in which they ran. */
  readonly trials: readonly Metrics[];
}

export type Metrics = Readonly<Record<string, number>>;

/** The median; the mean of the two in the middle for an even count. NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Per metric, the median of all trials. */
export function medians(trials: readonly Metrics[]): Metrics {
  const names = new Set(trials.flatMap((trial) => Object.keys(trial)));
  return Object.fromEntries(
    [...names].map((name) => [name, median(trials.flatMap((trial) => trial[name] ?? []))]),
  );
}
