import { type Finding, type Goal, judge } from '../goal.js';
import type { Measurement } from '../measure/measurement.js';
import type { Report } from './report.js';
import { numberText, parametersText, wordsOf } from './words.js';

/** A chart's file, and what it shows. */
export interface Image {
  readonly file: string;
  readonly title: string;
}

/** The report as a page. */
export function markdownOf(report: Report, goals: readonly Goal[], images: readonly Image[]): string {
  const { when, seconds, failures, measurements } = report;
  const suites = [...new Set(measurements.map(({ suite }) => suite))];
  return `${[
    '# Benchmark',
    '',
    ...placeLines(report),
    '',
    `Begun ${when}, ${Math.round(seconds / 60)} minutes. ${effortText(report)} A ratio is the median of the ratios of the trials, each against its neighbour in time; ranges are of all trials.`,
    '',
    ...failures.map(({ suite, error }) => `**The suite \`${suite}\` failed**: ${inline(error)}\n`),
    '## The numbers to reach',
    '',
    '| what | to reach | measured | range | |',
    '|---|---:|---:|---:|---|',
    ...goals.map((goal) => goalRow(goal, judge(goal, measurements, report.machine))),
    '',
    ...images.flatMap(({ file, title }) => [`![${title}](${file})`, '']),
    ...suites.flatMap((suite) => [
      `## ${suite}`,
      '',
      ...tables(measurements.filter((one) => one.suite === suite)),
    ]),
  ].join('\n')}`;
}

function placeLines({ machine, versions, commit }: Report): string[] {
  const gib = Math.round(machine.memoryBytes / 2 ** 30);
  const { p50, p99 } = machine.fsyncMs;
  const source =
    commit === null ? 'no commit' : `commit ${commit.id.slice(0, 12)}${commit.dirty ? ', with changes' : ''}`;
  return [
    `${machine.cores} × ${machine.processor}, ${gib} GiB, Linux ${machine.kernel}; fsync p50 ${numberText(p50)} ms, p99 ${numberText(p99)} ms. The load generator runs on the same machine.`,
    '',
    `${source}; ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
  ];
}

function effortText({ effort: { quick, trials, seconds, warmupSeconds } }: Report): string {
  const times = trials === 1 ? 'One trial' : `The median of ${trials} alternating trials`;
  return `${times} of ${seconds} s after ${warmupSeconds} s of warm-up${quick ? '; a quick run, which leaves out what takes long' : ''}.`;
}

function goalRow(goal: Goal, finding: Finding): string {
  const { what, bound, value, unit } = goal;
  const wanted = `${bound} ${numberText(value)} ${unit}`;
  if ('missing' in finding) return `| ${what} | ${wanted} | – | | ${inline(finding.missing)} |`;
  const range = `${numberText(Math.min(...finding.trials))} – ${numberText(Math.max(...finding.trials))}`;
  const measured = `**${numberText(finding.value)}** ${unit}`;
  return `| ${what} | ${wanted} | ${measured} | ${range} | ${finding.reached ? 'reached' : '**not reached**'} |`;
}

/** One table for each set of metrics, so that none has empty cells. */
function tables(measurements: readonly Measurement[]): string[] {
  const groups = new Map<string, Measurement[]>();
  for (const one of measurements) {
    const key = Object.keys(one.metrics).sort().join();
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].flatMap(table);
}

/** What all rows were measured with stands above them. */
function table(group: readonly Measurement[]): string[] {
  const metrics = Object.keys(group[0]?.metrics ?? {});
  const common = Object.entries(group[0]?.parameters ?? {}).filter(([name, value]) =>
    group.every(({ parameters }) => parameters[name] === value),
  );
  const heads = metrics.map((metric) => {
    const { name, unit } = wordsOf(metric);
    return [name, unit].filter(Boolean).join(', ');
  });
  const rows = group.map(({ name, target, parameters, metrics: values }) => {
    const own = Object.entries(parameters).filter(([key]) => !common.some(([other]) => other === key));
    const cells = metrics.map((metric) => numberText(values[metric] ?? Number.NaN));
    return `| ${name} | ${target} | ${parametersText(Object.fromEntries(own))} | ${cells.join(' | ')} |`;
  });
  return [
    ...(common.length === 0 ? [] : [`With ${parametersText(Object.fromEntries(common))}:`, '']),
    `| what | of | with | ${heads.join(' | ')} |`,
    `|---|---|---|${metrics.map(() => '---:|').join('')}`,
    ...rows,
    '',
  ];
}

/** Fit for a table's cell. */
function inline(words: string): string {
  return words.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
}
