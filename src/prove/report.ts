import { cpus } from 'node:os';
import type { CheckResult } from './checker/checker.js';
import { VIOLATIONS, type Violation } from './checker/verdict.js';
import { FAULTS, type Fault, needsRedis } from './faults/faults.js';
import type { Nemesis } from './faults/nemesis.js';
import type { Options } from './options.js';
import type { Tally } from './tally.js';

/** The result of a run, as it is written into report.json. */
export interface Report {
  readonly good: boolean;
  readonly counts: Readonly<Record<Violation, number>>;
  readonly examples: Readonly<Record<Violation, readonly string[]>>;
  readonly seed: string;
  readonly redis: boolean;
  readonly workers: number;
  readonly users: number;
  readonly seconds: number;
  readonly sends: number;
  readonly repeatedSends: number;
  readonly acknowledged: number;
  /** Edits, deletions and reactions. */
  readonly changes: number;
  readonly acknowledgedChanges: number;
  readonly deliveries: number;
  readonly deliveredChanges: number;
  readonly sessions: number;
  /** Connections that clients cut. */
  readonly cuts: number;
  /** The longest time from when a first client was shown a message to when another one that was live was. */
  readonly slowestDeliveryMs: number;
  readonly slowestAcknowledgementMs: number;
  /** How often each refusal came that tells a client to try again. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly faults: Readonly<Partial<Record<Fault, FaultReport>>>;
  /** Where the truth that clients were checked against was read from. */
  readonly read: 'database' | 'api';
  readonly node: string;
  readonly machine: string;
}

interface FaultReport {
  readonly times: number;
  readonly medianRecoveryMs: number;
  readonly slowestRecoveryMs: number;
}

/** What a report is made of. */
export interface RunResult {
  readonly options: Options;
  readonly withRedis: boolean;
  readonly checked: CheckResult;
  readonly tally: Tally;
  readonly nemesis: Nemesis;
  readonly seconds: number;
  readonly read: 'database' | 'api';
}

export function reportOf({ options, withRedis, checked, tally, nemesis, seconds, read }: RunResult): Report {
  const { verdict, sends, acknowledged, changes, acknowledgedChanges } = checked;
  const { deliveries, sessions, slowestDeliveryMs } = checked;
  return {
    good: verdict.good,
    counts: verdict.counts,
    examples: verdict.examples,
    seed: options.seed,
    redis: withRedis,
    workers: options.workers,
    users: options.users,
    seconds: Math.round(seconds),
    sends,
    repeatedSends: tally.repeated,
    acknowledged,
    changes,
    acknowledgedChanges,
    deliveries,
    deliveredChanges: tally.deliveredChanges,
    sessions,
    cuts: tally.cuts,
    slowestDeliveryMs,
    slowestAcknowledgementMs: Math.round(tally.slowestAcknowledgementMs),
    refusals: Object.fromEntries(tally.refusals),
    faults: faultReports(options, withRedis, nemesis),
    read,
    node: process.version,
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  };
}

function faultReports(options: Options, withRedis: boolean, nemesis: Nemesis): Report['faults'] {
  const reports: Partial<Record<Fault, FaultReport>> = {};
  for (const { fault } of options.faults) {
    if (needsRedis(fault) && !withRedis) continue;
    const recoveries = (nemesis.recoveriesMs.get(fault) ?? []).sort((a, b) => a - b);
    reports[fault] = {
      times: nemesis.count(fault),
      medianRecoveryMs: Math.round(recoveries[recoveries.length >> 1] ?? 0),
      slowestRecoveryMs: Math.round(recoveries.at(-1) ?? 0),
    };
  }
  return reports;
}

/** The report as Markdown, which is also printed. */
export function reportText(report: Report): string {
  const { counts, examples, faults, refusals } = report;
  const lines = [
    `# ${report.good ? 'All counts are 0' : 'Something is wrong'}`,
    '',
    `${report.acknowledged} messages acknowledged of ${report.sends} sent, and ${report.acknowledgedChanges} edits, deletions ` +
      `and reactions of ${report.changes} (${report.repeatedSends} repeats), ${report.deliveries} deliveries of messages and ` +
      `${report.deliveredChanges} of changes on ${report.sessions} connections (${report.cuts} of them cut), ${report.users} users, ` +
      `${report.workers} workers, ${report.redis ? 'with' : 'without'} Redis, ${report.seconds} s, seed ${report.seed}.`,
    `Checked against the ${report.read === 'database' ? 'database' : 'history that the API shows'}. ` +
      `Node ${report.node}, ${report.machine}.`,
    '',
    '| count | | what it means |',
    '|---|---:|---|',
    ...(Object.keys(VIOLATIONS) as Violation[]).map(
      (name) => `| ${name} | ${counts[name]} | ${VIOLATIONS[name]} |`,
    ),
    '',
    '| fault | times | recovery, median | slowest |',
    '|---|---:|---:|---:|',
    ...(Object.entries(faults) as [Fault, FaultReport][]).map(
      ([fault, { times, medianRecoveryMs, slowestRecoveryMs }]) =>
        `| ${FAULTS[fault]} | ${times} | ${medianRecoveryMs} ms | ${slowestRecoveryMs} ms |`,
    ),
    '',
    `Slowest acknowledgement: ${report.slowestAcknowledgementMs} ms; slowest delivery to a live connection, ` +
      `after the first client was shown the message: ${report.slowestDeliveryMs} ms. Refused with the advice to try again: ` +
      `${
        Object.entries(refusals)
          .map(([what, times]) => `${what} ${times}×`)
          .join(', ') || 'nothing'
      }.`,
  ];
  const cases = (Object.keys(VIOLATIONS) as Violation[]).flatMap((name) =>
    examples[name].map((example) => `- ${name}: ${example}`),
  );
  return `${[...lines, ...(cases.length > 0 ? ['', ...cases] : [])].join('\n')}\n`;
}
