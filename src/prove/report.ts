import { cpus } from 'node:os';
import type { Judgement } from './checker/checker.js';
import { VIOLATIONS, type Violation } from './checker/verdict.js';
import { FAULTS, type Fault, type Nemesis, ofRedis } from './faults/nemesis.js';
import type { Options } from './options.js';
import type { Tally } from './run-context.js';

/** What a run has shown; the same numbers as text for people and as JSON. */
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
  readonly deliveries: number;
  readonly sessions: number;
  /** Connections that clients cut. */
  readonly cuts: number;
  /** From when the first client was shown a message to when the last one that was live was. */
  readonly slowestDeliveryMs: number;
  readonly slowestAcknowledgementMs: number;
  readonly refusals: Readonly<Record<string, number>>;
  readonly faults: Readonly<Partial<Record<Fault, FaultReport>>>;
  readonly read: 'database' | 'api';
  readonly node: string;
  readonly machine: string;
}

interface FaultReport {
  readonly times: number;
  readonly medianRecoveryMs: number;
  readonly slowestRecoveryMs: number;
}

export function reportOf(
  options: Options,
  redis: boolean,
  { verdict, sends, acknowledged, deliveries, sessions, slowestDeliveryMs }: Judgement,
  tally: Tally,
  nemesis: Nemesis,
  seconds: number,
  read: 'database' | 'api',
): Report {
  const faults: Partial<Record<Fault, FaultReport>> = {};
  for (const { fault } of options.faults) {
    if (ofRedis(fault) && !redis) continue;
    const recoveries = (nemesis.recoveriesMs.get(fault) ?? []).sort((a, b) => a - b);
    faults[fault] = {
      times: nemesis.count(fault),
      medianRecoveryMs: Math.round(recoveries[recoveries.length >> 1] ?? 0),
      slowestRecoveryMs: Math.round(recoveries.at(-1) ?? 0),
    };
  }
  return {
    good: verdict.good,
    counts: verdict.counts,
    examples: verdict.examples,
    seed: options.seed,
    redis,
    workers: options.workers,
    users: options.users,
    seconds: Math.round(seconds),
    sends,
    repeatedSends: tally.repeated,
    acknowledged,
    deliveries,
    sessions,
    cuts: tally.cuts,
    slowestDeliveryMs,
    slowestAcknowledgementMs: Math.round(tally.slowestAcknowledgementMs),
    refusals: Object.fromEntries(tally.refusals),
    faults,
    read,
    node: process.version,
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  };
}

/** As Markdown, which is also what is printed. */
export function textOfReport(report: Report): string {
  const { counts, examples, faults, refusals } = report;
  const lines = [
    `# ${report.good ? 'All counts are 0' : 'Something is wrong'}`,
    '',
    `${report.acknowledged} messages acknowledged of ${report.sends} sent (${report.repeatedSends} repeats), ` +
      `${report.deliveries} deliveries on ${report.sessions} connections (${report.cuts} of them cut), ${report.users} users, ` +
      `${report.workers} workers, ${report.redis ? 'with' : 'without'} Redis, ${report.seconds} s, seed ${report.seed}.`,
    `Held against the ${report.read === 'database' ? 'database' : 'history that the API shows'}. ` +
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
    `Slowest acknowledgement: ${report.slowestAcknowledgementMs} ms; slowest delivery to one who was live, ` +
      `after the first who was shown it: ${report.slowestDeliveryMs} ms. Refused for the moment, and tried again: ` +
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
