import type { Violation } from '../../../src/prove/checker/verdict.js';
import type { Patch } from '../../support/build.js';

/** A bug that somebody might write by accident, and the violations by which the checker must find it. */
export interface Bug {
  readonly name: string;
  readonly changes: readonly Patch[];
  /** At least one of these counts must not be 0. */
  readonly expected: readonly Violation[];
  /** Options that the run needs beside the usual ones to come across the bug. */
  readonly args?: readonly string[];
}
