import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { refersTo, valuesOf } from './goal.js';
import { RATIOS } from './guard/ratios.js';
import { compare, NOISE_MAX, noiseOf, type Ratio } from './guard/verdict.js';
import { measureDisk } from './measure/disk.js';
import { type Commit, commit, type Machine, machine, versions } from './measure/machine.js';
import { type Measurement, median } from './measure/measurement.js';
import { metricText, numberText } from './report/words.js';
import { suiteNamed } from './suites/all.js';
import type { Effort, Subject } from './suites/suite.js';

/** `npm run bench:guard`; this file runs from dist-bench/bench. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILE = join(ROOT, 'bench', 'results', 'guard.json');
const EFFORT: Effort = { trials: 3, sideTrials: 5, seconds: 2, warmupSeconds: 1, quick: true };
/** There are more of these trials, because the noise is computed from them. */
const BASELINE_TRIALS = 5;
const TRIES = 3;

const USAGE = `usage: npm run bench:guard [-- options]

Measures a few ratios against the bare engine and SQLite itself, all in this run, and compares them with those of
${FILE}. Nothing else should run on the machine. Exit code 1: one is worse by more than noise,
${TRIES} times in a row.

  --write       makes these the ones to compare with; with all changes committed
  --trials <n>  (default ${EFFORT.trials}; with --write ${BASELINE_TRIALS})`;

/** The ratios that are compared with. */
interface Baseline {
  readonly when: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly commit: Commit | null;
  /** The value of each trial, by the name of the ratio. */
  readonly ratios: Readonly<Record<string, readonly number[]>>;
}

const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    trials: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const trials = Number(values.trials ?? (values.write ? BASELINE_TRIALS : EFFORT.trials));
if (!(trials >= 1)) throw new Error('--trials must be a number from 1');
if (values.help) console.log(USAGE);
else process.exitCode = (await (values.write ? write() : guard())) ? 0 : 1;

/** Whether the numbers are calm enough to compare with. */
async function write(): Promise<boolean> {
  const ratios = await measure(RATIOS);
  for (const [name, found] of ratios) {
    const noise = noiseOf(found);
    console.log(`${name}: ${numberText(median(found))} ± ${percent(noise)}`);
    if (noise <= NOISE_MAX) continue;
    console.error(`not written: ${name} was ${found.map(numberText).join(', ')}; the machine is too busy`);
    return false;
  }
  const baseline: Baseline = {
    when: new Date().toISOString(),
    machine: machine([measureDisk(1)]),
    versions: versions(ROOT),
    commit: commit(ROOT) ?? null,
    ratios: Object.fromEntries(ratios),
  };
  writeFileSync(FILE, `${JSON.stringify(baseline, undefined, 1)}\n`);
  console.log(`written: ${FILE}`);
  return true;
}

/** Whether nothing got worse. */
async function guard(): Promise<boolean> {
  if (!existsSync(FILE)) throw new Error('there is nothing to compare with: npm run bench:guard -- --write');
  const baseline: Baseline = JSON.parse(readFileSync(FILE, 'utf8'));
  let suspects = RATIOS;
  for (let attempt = 1; attempt <= TRIES && suspects.length > 0; attempt++) {
    if (attempt > 1) console.log(`again, as it might be chance: try ${attempt} of ${TRIES}`);
    const found = await measure(suspects);
    suspects = suspects.filter((ratio) => {
      const {
        baseline: was,
        measured,
        worse,
        noise,
        regressed,
      } = compare(ratio, baseline.ratios[ratio.name] ?? [], found.get(ratio.name) ?? []);
      const change = `${percent(Math.abs(worse))} ${worse > 0 ? 'worse' : 'better'}, noise ${percent(noise)}`;
      console.log(
        `${regressed ? 'WORSE' : 'fine '} ${ratio.name}: ${numberText(measured)}, was ${numberText(was)} (${change})`,
      );
      return regressed;
    });
  }
  for (const { name } of suspects) console.error(`regressed: ${name}`);
  return suspects.length === 0;
}

/** Each trial's value of each ratio, by its name. Rejects when one could not be measured. */
async function measure(ratios: readonly Ratio[]): Promise<Map<string, readonly number[]>> {
  const refs = ratios.flatMap(({ quantity: { of, to } }) => [of, to]);
  const effort: Effort = {
    ...EFFORT,
    trials,
    only: (subject) => refs.some((ref) => refersTo(ref, subject)),
    trialEnded: (subject, found) => console.log(`  ${trialText(subject, found, refs)}`),
  };
  const measurements: Measurement[] = [];
  for (const name of new Set(refs.map(({ suite }) => suite))) {
    for await (const one of (await suiteNamed(name))(effort)) measurements.push(one);
  }
  return new Map(
    ratios.map(({ name, quantity }) => {
      const found = valuesOf(measurements, quantity);
      if ('missing' in found) throw new Error(`${name}: ${found.missing}`);
      return [name, found.trials];
    }),
  );
}

function trialText(
  subject: Subject,
  metrics: Readonly<Record<string, number>>,
  refs: readonly Ratio['quantity']['of'][],
): string {
  const watched = refs.filter((ref) => refersTo(ref, subject)).map(({ metric }) => metric);
  const numbers = [...new Set(watched)].map((metric) => metricText(metric, metrics[metric] ?? Number.NaN));
  return `${subject.suite}, ${subject.name}, ${subject.target}: ${numbers.join(', ')}`;
}

function percent(share: number): string {
  return `${numberText(Math.round(share * 100))} %`;
}
