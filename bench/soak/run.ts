import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { assertDescriptors } from '../measure/descriptors.js';
import { measureDisk } from '../measure/disk.js';
import { commit, machine, versions } from '../measure/machine.js';
import { Part } from '../parts/dialogue.js';
import { startServer } from '../targets/parley.js';
import type { Target } from '../targets/target.js';
import { runTool } from '../tool.js';
import type { Census } from './census.js';
import type { ChurnFound, ChurnPlan } from './churn-process.js';
import { type Options, readOptions, USAGE } from './options.js';
import { createPopulation } from './population.js';
import { censusOf, named, type Sample, sample } from './processes.js';
import { writeReport } from './report.js';
import { type SoakFound, wrongIn } from './verdict.js';

/** `npm run soak`; this file runs from dist-bench/bench/soak. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const CENSUS_PRELOAD = new URL('./census-preload.js', import.meta.url);
const CHURN_PROCESS = new URL('./churn-process.js', import.meta.url);
const PRELUDE_MS = 5000;
const SAMPLE_EVERY_MS = 10_000;
/** In this time the server ends unused connections, forgets what it caches for a moment, and typing runs out. */
const IDLE_MS = 60_000;
/** A third of the time is left out of the growth, because SQLite's caches take some minutes to fill. */
const WARMUP_SECONDS_PER_MINUTE = 20;
const DISK_SECONDS = 0.5;

await runTool(USAGE, readOptions, run);

/** Resolves to true when nothing is wrong. */
async function run(asked: Options): Promise<boolean> {
  assertDescriptors();
  const when = new Date().toISOString();
  const about = { when, options: asked, versions: versions(ROOT), commit: commit(ROOT) ?? null };
  const disk = measureDisk(DISK_SECONDS);
  const folder = mkdtempSync(join(tmpdir(), 'parley-soak-'));
  try {
    const found = await soak(asked, folder);
    writeReport(resolve(ROOT, asked.out), { ...found, ...about, machine: machine([disk]) });
    const wrong = wrongIn(found);
    console.log(wrong.length === 0 ? 'all is well' : wrong.join('\n'));
    console.log(`written to ${asked.out}`);
    return wrong.length === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function soak({ minutes, visitsPerSecond, workers }: Options, folder: string): Promise<SoakFound> {
  const dataDir = join(folder, 'data');
  const census = join(folder, 'census');
  mkdirSync(census);
  const population = await createPopulation(dataDir);
  const node = ['--import', CENSUS_PRELOAD.href];
  const server = await startServer({ workers, dataDir, node }, { SOAK_CENSUS: census });
  const churn = new Part(CHURN_PROCESS);
  try {
    const plan: ChurnPlan = { port: server.port, population, visitsPerSecond };
    const start = performance.now();
    const atS = () => (performance.now() - start) / 1000;

    await churn.ask('begin', plan);
    await sleep(PRELUDE_MS);
    await churn.ask('end');
    const before = await idle(server, census, atS);

    const samples = new Map<number, Sample[]>();
    const beganS = atS();
    await churn.ask('begin', plan);
    while (atS() - beganS < minutes * 60) {
      await sleep(SAMPLE_EVERY_MS);
      for (const pid of named(server.pids()).keys())
        samples.set(pid, [...(samples.get(pid) ?? []), sample(pid, atS() - beganS)]);
      const { counts, unexpected } = await churn.ask<ChurnFound>('found');
      const rss = [...samples.values()].map((all) => Math.round((all.at(-1)?.rssBytes ?? 0) / 1024 / 1024));
      console.log(
        `${atS().toFixed(0)} s: ${counts['messages'] ?? 0} messages, RSS ${rss.join(' ')} MB`,
        unexpected,
      );
    }
    const { counts, unexpected } = await churn.ask<ChurnFound>('end');
    const after = await idle(server, census, atS);

    const processes = [...named(server.pids())].map(([pid, name]) => {
      const [first, last] = [before.get(pid), after.get(pid)];
      if (first === undefined || last === undefined) throw new Error(`${name} is not the one from the start`);
      return {
        name,
        samples: samples.get(pid) ?? [],
        idle: { before: first.sample, after: last.sample },
        census: first.census && last.census && { before: first.census, after: last.census },
      };
    });
    return { minutes, warmupSeconds: minutes * WARMUP_SECONDS_PER_MINUTE, processes, counts, unexpected };
  } finally {
    await churn.stop();
    await server.stop();
  }
}

/** Samples each process after nothing has happened for a while. */
async function idle(
  server: Target,
  folder: string,
  atS: () => number,
): Promise<Map<number, { sample: Sample; census: Census | undefined }>> {
  await sleep(IDLE_MS);
  const found = new Map<number, { sample: Sample; census: Census | undefined }>();
  for (const [pid, name] of named(server.pids())) {
    const census = name === 'primary' ? undefined : await censusOf(pid, folder);
    found.set(pid, { sample: sample(pid, atS()), census });
  }
  return found;
}
