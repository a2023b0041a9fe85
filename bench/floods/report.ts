import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Commit, Machine } from '../measure/machine.js';
import type { Options } from './options.js';
import { FLOOR_MS, type FloodVerdict, type Latency, TIMES_MAX } from './verdict.js';
import { MEASURED } from './victims.js';

export interface FloodsReport {
  readonly when: string;
  readonly seconds: number;
  readonly options: Options;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  /** Null outside of a git repository. */
  readonly commit: Commit | null;
  readonly floods: readonly FloodVerdict[];
}

/** Writes report.json and report.md into a folder. */
export function writeReport(folder: string, report: FloodsReport): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 1)}\n`);
  writeFileSync(join(folder, 'report.md'), markdownOf(report));
}

export function markdownOf(report: FloodsReport): string {
  const { when, seconds, options, machine, versions, commit, floods } = report;
  const harmed = floods.filter(({ harm }) => harm.length > 0);
  return `# Floods

${when}, ${Math.round(seconds / 60)} minutes, on ${machine.cores} cores (${machine.processor}, Linux ${machine.kernel}), Node ${versions['node']}, commit ${commit?.id.slice(0, 10) ?? '–'}${commit?.dirty ? ' with changes' : ''}.

A server with ${options.workers} workers and its limits on. 20 users send 100 messages, 50 requests (\`GET /user\`) and 40 new connections a second; each flood, for ${options.rounds} times ${options.seconds} seconds, in turn with as long without it. Victims, server and attackers share the cores; attackers have the lowest priority (nice 19), and take what the others leave. Limits for each address do not apply here, as all come from the loopback. Milliseconds from when it was due, the median of the phases; the p99 with the flood may be ${TIMES_MAX} × the p99 without, and ${FLOOR_MS} ms.

**${harmed.length === 0 ? `Nobody was harmed by any of ${floods.length} floods.` : `Harm in ${harmed.length} of ${floods.length} floods.`}**

| flood | ${MEASURED.map((what) => `${what}: p50 | p99 | max`).join(' | ')} | errors | server’s processors | |
|---|${MEASURED.map(() => '---:|---:|---:|').join('')}---:|---:|---|
${floods.map(rowOf).join('\n')}

Each cell: without → with the flood. What the attackers did and were answered, a second:

${floods.map(({ attack, countsPerSecond }) => `- **${attack}**: ${Object.entries(countsPerSecond).map(perSecond).join(', ')}`).join('\n')}
`;
}

function rowOf({ attack, latency, errors, harm, serverProcessors }: FloodVerdict): string {
  const cells = MEASURED.flatMap((what) => {
    const { calm, flooded } = latency[what];
    return (['p50', 'p99', 'max'] as const).map((one) => `${ms(calm, one)} → ${ms(flooded, one)}`);
  });
  const errorCount = Object.values(errors).reduce((sum, count) => sum + count, 0);
  const processors = `${serverProcessors.calm.toFixed(2)} → ${serverProcessors.flooded.toFixed(2)}`;
  return `| ${attack} | ${cells.join(' | ')} | ${errorCount} | ${processors} | ${harm.length === 0 ? 'good' : harm.join('; ')} |`;
}

function ms(latency: Latency, which: 'p50' | 'p99' | 'max'): string {
  return latency[which].toFixed(1);
}

function perSecond([what, count]: [string, number]): string {
  return `${count >= 10 ? Math.round(count).toLocaleString('en') : count.toFixed(1)} ${what}`;
}
