import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Loose, playInputs } from './exchanges.js';
import { requestOf } from './requests.js';
import { storedIn } from './rows.js';
import { FINDINGS_MAX, type Finding, playFrames, type Round } from './sockets.js';
import { FuzzStage, type Watch } from './stage.js';
import { uploadOf } from './uploads.js';
import { blocksOf, type Counts, growthOf, markdown, type Outcome } from './verdict.js';

const LANES = 16;
/** Requests at a time: most of those that wait, wait for nothing. */
const REQUESTS_AT_ONCE = 64;
/** `npm test`: the same inputs each time. `npm run fuzz`: FUZZ_SEED, perhaps a FUZZ_SHARE of them, and a report. */
const LONG = process.env['FUZZ'] === 'long';
const SEED = Number(process.env['FUZZ_SEED'] || 1);
const SHARE = Number(process.env['FUZZ_SHARE'] || 1);
const COUNTS: Counts = LONG
  ? { frames: 1_000_000 * SHARE, requests: 100_000 * SHARE, uploads: 20_000 * SHARE }
  : { frames: 16_400, requests: 3200, uploads: 400 };
/** As much as makes the server's code hot, and fills what it keeps. */
const WARM_UP: Counts = LONG
  ? { frames: 50_000, requests: 10_000, uploads: 2000 }
  : { frames: 0, requests: 0, uploads: 0 };
/** Inputs of the warm-up have numbers of their own. */
const WARM_UP_NUMBER = 500_000_000;
const UPLOADS_NUMBER = 100_000_000;
const CALM_MS = 60_000;
const RESULTS = fileURLToPath(new URL('../../bench/results/fuzz/', import.meta.url));

it('stores what is valid, and nothing else, whatever comes', {
  timeout: LONG ? 3_600_000 : 300_000,
}, async () => {
  const stage = await FuzzStage.open(LANES);
  try {
    const outcome = await run(stage);
    if (LONG) report(outcome);
    const { findings, problems } = outcome;
    expect({ findings: findings.slice(0, 10), problems }, `seed ${SEED}`).toEqual({
      findings: [],
      problems: [],
    });
  } finally {
    await stage.remove();
  }
});

async function run(stage: FuzzStage): Promise<Outcome> {
  const findings: Finding[] = [];
  const loose = new Loose();
  const round: Round = { seed: SEED, stage, rows: stage.rowsOf(), findings, loose };
  await play(round, WARM_UP, WARM_UP_NUMBER);
  const warm = await stage.watch();
  const began = performance.now();
  await play(round, COUNTS, 0);
  const seconds = (performance.now() - began) / 1000;
  const during = await stage.watch();
  const after = await calm(stage, warm);
  const leftovers = await stage.leftovers();
  await stage.end();
  const stored = storedIn(stage.dataDir, (of, id) => (of === 'user' ? loose.users : loose.groups).has(id));
  const extra = round.rows.missingOf(stored);
  const unheard = extra.filter((row) => loose.explains(row)).length;
  const { blocks, setAside } = blocksOf(during);
  const problems = [
    ...leftovers,
    ...stored.missingOf(round.rows).map((row) => `not stored: ${row}`),
    ...extra.filter((row) => !loose.explains(row)).map((row) => `stored: ${row}`),
    // How fast a machine is that does other things too is not for the short run to say.
    ...(LONG ? [...blocks, ...growthOf(warm, after)] : []),
  ].slice(0, FINDINGS_MAX);
  return {
    seed: SEED,
    counts: COUNTS,
    seconds,
    findings,
    problems,
    rows: stored.size,
    unheard,
    setAside,
    warm,
    during,
    after,
  };
}

async function play(round: Round, { frames, requests, uploads }: Counts, first: number): Promise<void> {
  const { seed } = round;
  await playFrames(round, first, frames);
  await playInputs(round, 'a request', first, requests, REQUESTS_AT_ONCE, (number, people) =>
    requestOf(seed, number, people),
  );
  const number = first + UPLOADS_NUMBER;
  await playInputs(round, 'an upload', number, uploads, LANES, (one, people) => uploadOf(seed, one, people));
}

/** When everything is as it was, or does not get there in time. */
async function calm(stage: FuzzStage, warm: readonly Watch[]): Promise<Watch[]> {
  const deadline = performance.now() + (LONG ? CALM_MS : 0);
  for (;;) {
    const after = await stage.watch();
    if (growthOf(warm, after).length === 0 || performance.now() > deadline) return after;
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

function report(outcome: Outcome): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(`${RESULTS}report.md`, markdown(outcome));
  const latest = (key: string, value: unknown) =>
    key === 'late' ? (value as Watch['late']).toSorted((a, b) => b.delay - a.delay).slice(0, 5) : value;
  writeFileSync(`${RESULTS}report.json`, `${JSON.stringify(outcome, latest, 2)}\n`);
}
