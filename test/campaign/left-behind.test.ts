import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Census } from '../../bench/soak/census.js';
import { TestServer } from '../support/server.js';
import { until } from '../support/wait.js';

/** The tool as it is built: a part of it is loaded into the server's processes. */
const BUILT = fileURLToPath(new URL('../../dist-bench/bench/soak', import.meta.url));
const VISITS = 2000;
const VISITS_AT_ONCE = 150;
/** Sockets and answers are forgotten at once; who types after 8 seconds, a connection without requests after 10. */
const FORGOTTEN_MS_MAX = 60_000;

async function built() {
  const { createPopulation } = (await import(
    `${BUILT}/population.js`
  )) as typeof import('../../bench/soak/population.js');
  const { Tally } = (await import(`${BUILT}/tally.js`)) as typeof import('../../bench/soak/tally.js');
  const { Visits } = (await import(`${BUILT}/visits.js`)) as typeof import('../../bench/soak/visits.js');
  const { Errands } = (await import(`${BUILT}/errands.js`)) as typeof import('../../bench/soak/errands.js');
  const { grown } = (await import(`${BUILT}/verdict.js`)) as typeof import('../../bench/soak/verdict.js');
  const processes = (await import(`${BUILT}/processes.js`)) as typeof import('../../bench/soak/processes.js');
  const { SECRET } = (await import(
    `${BUILT}/../targets/parley.js`
  )) as typeof import('../../bench/targets/parley.js');
  return { SECRET, createPopulation, Tally, Visits, Errands, grown, ...processes };
}

let folder: string;
let server: TestServer;
let population: import('../../bench/soak/population.js').Population;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-left-behind-'));
  const dataDir = join(folder, 'data');
  const { createPopulation, SECRET } = await built();
  population = await createPopulation(dataDir);
  server = await TestServer.start({
    dataDir,
    env: {
      JWT_SECRET: SECRET,
      NODE_OPTIONS: `--import=${pathToFileURL(join(BUILT, 'census-preload.js')).href}`,
      SOAK_CENSUS: folder,
    },
  });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('2,000 sockets that come and go in every way', () => {
  it('leave nothing behind: no object, nothing in any collection, no file descriptor', async () => {
    const { Tally, Visits, Errands, grown, censusOf, sample } = await built();
    const { ledger, workers } = await server.pids();
    const pids = [ledger, ...workers];
    const tally = new Tally();
    const visits = new Visits(server.port, population, tally, 200);
    const errands = new Errands(server.port, population, tally);
    const go = async (count: number) => {
      for (let come = 0; come < count; come++) {
        visits.next();
        if (come % 50 === 0) errands.group();
        if (come % 100 === 0) errands.upload();
        if (come % 100 === 50) errands.halfUpload();
        await until(() => tally.open < VISITS_AT_ONCE);
      }
      await until(() => tally.open === 0);
    };
    const look = (): Promise<Census[]> =>
      Promise.all(
        pids.map(async (pid) => {
          const { descriptors } = sample(pid, 0);
          return { ...(await censusOf(pid, folder)), descriptors };
        }),
      );
    /** What there is more of than before. */
    const left = async (before: readonly Census[]) =>
      (await look()).flatMap((after, index) => grown(before[index] ?? {}, after));

    await look(); // To look opens things, too; and some are made when they are first needed.
    await go(VISITS / 4); // So many that everybody has spoken in each chat.
    let before = await look();
    await until(async () => {
      before = await look();
      return before.every((one) => (one['TypingIndicators.#shown'] ?? 0) === 0);
    }, FORGOTTEN_MS_MAX);
    await go(VISITS);
    expect(tally.unexpected).toEqual({});
    expect(tally.counts['visits to groups']).toBeGreaterThan(VISITS / 2);
    let last: string[] = [];
    await until(async () => {
      last = await left(before);
      return last.length === 0;
    }, FORGOTTEN_MS_MAX).catch(() => undefined);
    expect(last).toEqual([]);
  });
});
