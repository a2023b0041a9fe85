import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measureDisk } from './measure/disk.js';
import { commit, machine, versions } from './measure/machine.js';
import type { Measurement, Metrics } from './measure/measurement.js';
import { type Options, readOptions, USAGE } from './options.js';
import type { Report } from './report/report.js';
import { metricText } from './report/words.js';
import { writeReport } from './report/write.js';
import { type SuiteName, suiteNamed } from './suites/all.js';
import type { Effort } from './suites/suite.js';
import { runTool } from './tool.js';

/** `npm run bench`; this file runs from dist-bench/bench. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The disk is measured before and after each suite. */
const DISK_SECONDS = 0.5;
const MAIN_METRIC = /^(?!load_|others_)(.*_per_s|.*_ms|.*_us|.*bytes.*|server_us_per_.*)$/;
const MAIN_METRICS_MAX = 5;

await runTool(USAGE, readOptions, run);

/** Resolves to true when no suite failed. */
async function run(options: Options): Promise<boolean> {
  if (options.render === undefined) return measure(options);
  render(resolve(ROOT, options.render));
  return true;
}

function render(folder: string): void {
  const report: Report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
  writeReport(folder, report);
}

/** The report is written after each suite, so that an interrupted run is not lost. */
async function measure({ suites, effort, out }: Options): Promise<boolean> {
  const start = performance.now();
  const when = new Date().toISOString();
  const disk = [measureDisk(DISK_SECONDS)];
  const trialEnded: Effort['trialEnded'] = (subject, metrics) => {
    if (effort.trials > 1) console.log(`${clock(start)}     ${lineOf(subject, metrics)} …`);
  };
  const about = { when, effort, versions: versions(ROOT), commit: commit(ROOT) ?? null };
  const measurements: Measurement[] = [];
  const failures: { suite: SuiteName; error: string }[] = [];
  const folder = resolve(ROOT, out);
  for (const suite of suites) {
    console.log(`${clock(start)} ${suite}`);
    try {
      for await (const one of (await suiteNamed(suite))({ ...effort, trialEnded })) {
        measurements.push(one);
        console.log(`${clock(start)}   ${lineOf(one, one.metrics)}`);
      }
    } catch (error) {
      failures.push({ suite, error: String(error) });
      console.error(`${clock(start)} ${suite} failed:`, error);
    }
    disk.push(measureDisk(DISK_SECONDS));
    const seconds = (performance.now() - start) / 1000;
    writeReport(folder, { ...about, seconds, machine: machine(disk), measurements, failures });
  }
  console.log(`${clock(start)} written to ${folder}`);
  for (const { suite } of failures) console.error(`failed: ${suite}`);
  return failures.length === 0;
}

/** A line with the main numbers of a measurement; the report has all of them. */
function lineOf({ name, target }: Pick<Measurement, 'name' | 'target'>, metrics: Metrics): string {
  const main = Object.entries(metrics).filter(([metric]) => MAIN_METRIC.test(metric));
  const numbers = main.slice(0, MAIN_METRICS_MAX).map(([metric, value]) => metricText(metric, value));
  return `${name}, ${target}: ${numbers.join(', ')}`;
}

function clock(start: number): string {
  const seconds = Math.round((performance.now() - start) / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(3)}:${String(seconds % 60).padStart(2, '0')}`;
}
