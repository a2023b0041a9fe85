import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measureDisk } from '../measure/disk.js';
import { commit, machine, versions } from '../measure/machine.js';
import { runTool } from '../tool.js';
import type { AttackName } from './attacks/all.js';
import { flood } from './flood.js';
import { type Options, readOptions, USAGE } from './options.js';
import { writeReport } from './report.js';
import { Stage } from './stage.js';
import { type FloodVerdict, verdictOf } from './verdict.js';

/** `npm run prove:floods`; this file runs from dist-bench/bench/floods. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const CROWD = 5000;
const DISK_SECONDS = 0.5;

await runTool(USAGE, readOptions, run);

/**
 * Resolves to true when nobody was harmed. The report is written after each flood, so that an interrupted run is not
 * lost.
 */
async function run(asked: Options): Promise<boolean> {
  const start = performance.now();
  const when = new Date().toISOString();
  const disk = [measureDisk(DISK_SECONDS)];
  const about = { when, options: asked, versions: versions(ROOT), commit: commit(ROOT) ?? null };
  const floods: FloodVerdict[] = [];
  for (const attack of asked.attacks) {
    const verdict = await floodOnce(asked, attack);
    floods.push(verdict);
    console.log(`${attack}: ${verdict.harm.length === 0 ? 'nobody was harmed' : verdict.harm.join('; ')}`);
    disk.push(measureDisk(DISK_SECONDS));
    const seconds = (performance.now() - start) / 1000;
    writeReport(resolve(ROOT, asked.out), { ...about, seconds, machine: machine(disk), floods });
  }
  console.log(`written to ${asked.out}`);
  return floods.every(({ harm }) => harm.length === 0);
}

/** Runs one flood on a server of its own. */
async function floodOnce(
  { rounds, seconds, workers, profile }: Options,
  attack: AttackName,
): Promise<FloodVerdict> {
  const node = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(ROOT, profile)}`];
  const stage = await Stage.start({ workers, crowd: CROWD, node });
  try {
    return verdictOf(await flood(stage, { attack, scale: 1, rounds, seconds }));
  } finally {
    await stage.stop();
  }
}
