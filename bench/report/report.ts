import type { Commit, Machine } from '../measure/machine.js';
import type { Measurement } from '../measure/measurement.js';
import type { Effort } from '../suites/suite.js';

/** All that a run found, and where; travels as JSON. */
export interface Report {
  /** When the run began, in ISO 8601. */
  readonly when: string;
  readonly seconds: number;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  /** Null outside of a git repository. */
  readonly commit: Commit | null;
  readonly effort: Effort;
  readonly measurements: readonly Measurement[];
  /** Suites that ended with an error. What they had found before is among the measurements. */
  readonly failures: readonly { readonly suite: string; readonly error: string }[];
}
