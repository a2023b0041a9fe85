import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Commit, Machine } from '../measure/machine.js';
import type { Options } from './options.js';
import { growthOf, type ProcessFound, type SoakFound, wrongIn } from './verdict.js';

const MB = 1024 * 1024;

export interface SoakReport extends SoakFound {
  readonly when: string;
  readonly options: Options;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  /** Null outside of a git repository. */
  readonly commit: Commit | null;
}

/** Writes report.json and report.md into a folder. */
export function writeReport(folder: string, report: SoakReport): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 1)}\n`);
  writeFileSync(join(folder, 'report.md'), markdownOf(report));
}

export function markdownOf(report: SoakReport): string {
  const { when, options, machine, versions, commit, minutes, warmupSeconds, processes, counts } = report;
  const wrong = wrongIn(report);
  const counted = Object.entries(counts).map(([what, count]) => `${count.toLocaleString('en')} ${what}`);
  return `# Soak

${when}, on ${machine.cores} cores (${machine.processor}, Linux ${machine.kernel}), Node ${versions['node']}, commit ${commit?.id.slice(0, 10) ?? '–'}${commit?.dirty ? ' with changes' : ''}.

${options.visitsPerSecond} connections a second for ${minutes} minutes, of which the first ${Math.round(warmupSeconds / 60)} warm up, on ${options.workers} workers with their limits on, by 100 users who do not change. Then all leave. “Idle” is what a process was like when nobody was there: after a few seconds of everything, and a minute after the end. The slope is of the line through the samples (one each 10 s) after the warm-up; garbage is collected every 20 s, so that they tell what is held.

**${wrong.length === 0 ? 'Memory stayed level, and nothing was left behind.' : `Wrong: ${wrong.join('; ')}.`}**

| process | RSS at the end of the warm-up | RSS at the end | in ten minutes | descriptors: most | idle | left behind |
|---|---:|---:|---:|---:|---:|---|
${processes.map((one) => rowOf(one, warmupSeconds)).join('\n')}

${counted.join(', ')}.
`;
}

function rowOf(one: ProcessFound, warmupSeconds: number): string {
  const { name, samples, idle, census } = one;
  const warm = samples.find(({ atS }) => atS >= warmupSeconds);
  const mb = (bytes = 0) => `${(bytes / MB).toFixed(1)} MB`;
  const most = Math.max(...samples.map(({ descriptors }) => descriptors));
  const held = census === undefined ? '–' : `nothing of ${Object.keys(census.after).length} kinds`;
  const left = wrongIn({ minutes: 0, warmupSeconds, processes: [one], counts: {}, unexpected: {} });
  return `| ${name} | ${mb(warm?.rssBytes)} | ${mb(samples.at(-1)?.rssBytes)} | ${mb(growthOf(one, warmupSeconds))} | ${most} | ${idle.before.descriptors} → ${idle.after.descriptors} | ${left.length === 0 ? held : left.join('; ')} |`;
}
