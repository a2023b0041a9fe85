import type { ChatError } from '../../chat/errors.js';
import { LIMIT_NAMES, type LimitName } from '../../chat/limits.js';

const REPORT_EVERY_MS = 60_000;

/** Reports what limits refused since the last report, which was a minute ago or longer. */
export type ReportRefusals = (counts: Partial<Record<LimitName, number>>) => void;

/** Counts refusals by the limit that they name. */
export class Refusals {
  readonly #counts = Object.fromEntries(LIMIT_NAMES.map((name) => [name, 0])) as Record<LimitName, number>;
  readonly #report: ReportRefusals;
  #reported = { ...this.#counts };
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(report: ReportRefusals) {
    this.#report = report;
  }

  count(limit: LimitName): void {
    this.#counts[limit] += 1;
  }

  /** Counts an error that leaves the worker, if it names a limit. */
  countError({ details }: Pick<ChatError, 'details'>): void {
    const limit = details?.['limit'];
    if (isLimitName(limit)) this.count(limit);
  }

  /** Reports at most once a minute, and only when there is something to report. */
  report(now: number): void {
    if (now - this.#reportedAt < REPORT_EVERY_MS) return;
    const counts = LIMIT_NAMES.map((name) => [name, this.#counts[name] - this.#reported[name]] as const);
    const refused = counts.filter(([, count]) => count > 0);
    if (refused.length === 0) return;
    this.#report(Object.fromEntries(refused));
    this.#reported = { ...this.#counts };
    this.#reportedAt = now;
  }
}

function isLimitName(name: unknown): name is LimitName {
  return LIMIT_NAMES.includes(name as LimitName);
}
