import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BASE } from '../api/routes.js';
import { check } from './checker/checker.js';
import { readDatabase, readHistories } from './checker/read-log.js';
import { type Mint, populate } from './clients/population.js';
import { Workload } from './clients/workload.js';
import type { Deployment } from './faults/deployment.js';
import { needsRedis } from './faults/faults.js';
import { Nemesis } from './faults/nemesis.js';
import type { RedisServer } from './faults/redis-server.js';
import { History, readHistory } from './history.js';
import { textMaker } from './message.js';
import type { Options } from './options.js';
import { Random } from './random.js';
import { type Report, reportOf } from './report.js';
import type { RunContext } from './run-context.js';
import { Tally } from './tally.js';

const PRINT_EVERY_MS = 10_000;
const POLL_EVERY_MS = 50;

/** The server that a run tests. */
export interface RunTarget {
  /** `http://host:port` */
  readonly url: string;
  /** Its DATA_DIR, when its database can be read. */
  readonly dataDir: string | undefined;
  /** The server's processes, and its Redis, when the run may break them. */
  readonly deployment: Deployment | undefined;
  readonly redis: RedisServer | undefined;
  readonly mint: Mint;
}

/** Runs the workload and the faults against a server, then checks what clients saw. The history goes into `folder`. */
export async function run(options: Options, target: RunTarget, folder: string): Promise<Report> {
  const { deployment, redis, mint } = target;
  const { seed, users, rate, seconds, messages, answerMs } = options;
  const { WebSocket } = await import('ws');
  const startMs = performance.now();
  const now = () => performance.now() - startMs;
  const print = (text: string) => console.log(`${(now() / 1000).toFixed(0).padStart(5)} s  ${text}`);
  const history = new History(join(folder, 'history.txt'), now);
  const tally = new Tally(history, now);
  const url = `${target.url}${BASE}`;
  const textOf = textMaker(options.characters);
  const context: RunContext = { url, history, WebSocket, tally, answerMs, textOf, now };
  const random = new Random(seed);

  const name = `prove-${randomBytes(4).toString('hex')}`;
  const population = await populate(context, { users, name, mint, random: random.of('population') });
  const workload = new Workload(context, population, rate, random.of('workload'));
  const nemesisOptions = { random: random.of('nemesis'), everyMs: options.faultEveryMs, print };
  const nemesis = new Nemesis(
    { context, workload, deployment, redis, ...nemesisOptions },
    options.faults.filter(({ fault }) => redis !== undefined || !needsRedis(fault)),
  );
  const printProgress = () =>
    print(
      `${tally.acknowledged} acknowledged, ${tally.delivered} deliveries, ${tally.sessions} connections, ${nemesis.total} faults`,
    );

  const progress = setInterval(printProgress, PRINT_EVERY_MS);
  await workload.start();
  print(`${population.sockets.length} sockets of ${users} users are connected (seed ${seed})`);
  const faults = nemesis.run();
  const untilMs = now() + seconds * 1000;
  while (now() < untilMs || tally.acknowledged < messages || !nemesis.isDone) await sleep(POLL_EVERY_MS);
  nemesis.stop();
  await faults;
  await workload.end();
  workload.stop();
  clearInterval(progress);
  printProgress();
  history.close();

  const { dataDir } = target;
  const log =
    dataDir === undefined
      ? await readHistories(WebSocket, url, population.readers.values())
      : await readDatabase(dataDir, new Set(population.readers.keys()));
  const checked = check(readHistory(history.file), log);
  const read = dataDir === undefined ? 'api' : 'database';
  const withRedis = redis !== undefined;
  return reportOf({ options, withRedis, checked, tally, nemesis, seconds: now() / 1000, read });
}
