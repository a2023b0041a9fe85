import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BASE } from '../api/routes.js';
import { mintToken } from '../cli/token.js';
import type { Config } from '../config.js';
import { OperatorError } from '../operator-error.js';
import { judge } from './checker/checker.js';
import { readDatabase, readHistories } from './checker/read-log.js';
import { populate } from './clients/population.js';
import { Workload } from './clients/workload.js';
import { Deployment } from './faults/deployment.js';
import { Nemesis, ofRedis } from './faults/nemesis.js';
import { Redis } from './faults/redis.js';
import { History, readHistory } from './history.js';
import { texts } from './message.js';
import { type Options, readOptions, USAGE } from './options.js';
import { Random } from './random.js';
import { type Report, reportOf, textOfReport } from './report.js';
import { Tally, type World } from './run-context.js';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));
const SAY_EVERY_MS = 10_000;
const LOOK_EVERY_MS = 50;
const TOKENS_EXPIRE = '7d';

/** `prove`: see USAGE. Prints a report of each run, and exits 1 when a count is not 0. */
export async function runProve(args: readonly string[], config: Config): Promise<void> {
  const options = readOptions(args);
  if (options === 'help') return console.log(USAGE);
  const reports: Report[] = [];
  for (const withRedis of options.redis) {
    const folder = mkdtempSync(join(tmpdir(), 'parley-prove-'));
    const report = await proveOnce(options, withRedis, config, folder).catch((error) => {
      if (error instanceof OperatorError) rmSync(folder, { recursive: true }); // There is nothing in it to see.
      throw error;
    });
    reports.push(report);
    console.log(textOfReport(report));
    if (report.good && !options.keep) rmSync(folder, { recursive: true });
    else console.log(`What the clients saw (history.txt), and what there is of the server: ${folder}`);
  }
  if (options.report !== undefined) {
    mkdirSync(options.report, { recursive: true });
    writeFileSync(join(options.report, 'report.md'), reports.map(textOfReport).join('\n'));
    writeFileSync(join(options.report, 'report.json'), `${JSON.stringify(reports, null, 2)}\n`);
  }
  process.exit(reports.every(({ good }) => good) ? 0 : 1);
}

async function proveOnce(
  options: Options,
  withRedis: boolean,
  config: Config,
  folder: string,
): Promise<Report> {
  const secret = randomBytes(32).toString('hex');
  const redis = withRedis ? await Redis.start(folder) : undefined;
  const { program = PROGRAM, workers, url } = options;
  const starting = { program, folder, workers, secret, redisUrl: redis?.url };
  const deployment =
    url !== undefined
      ? undefined
      : await Deployment.start(starting).catch(async (error) => {
          await redis?.kill();
          throw error;
        });
  // Told to end, it takes what it has started with it.
  const abandon = () => {
    void Promise.all([deployment?.stop(), redis?.kill()]).finally(() => process.exit(1));
  };
  process.once('SIGINT', abandon).once('SIGTERM', abandon);
  try {
    const own: Config = { ...config, jwt: { ...config.jwt, key: { secret }, idClaim: 'sub' } };
    return await run(options, deployment === undefined ? config : own, folder, deployment, redis);
  } finally {
    process.off('SIGINT', abandon).off('SIGTERM', abandon);
    await deployment?.stop();
    await redis?.kill();
  }
}

async function run(
  options: Options,
  config: Config,
  folder: string,
  deployment: Deployment | undefined,
  redis: Redis | undefined,
): Promise<Report> {
  const { WebSocket } = await import('ws');
  const beganMs = performance.now();
  const now = () => performance.now() - beganMs;
  const history = new History(join(folder, 'history.txt'), now);
  const tally = new Tally(history, now);
  const url = `${deployment?.url ?? options.url}${BASE}`;
  const { answerMs, characters } = options;
  const world: World = { url, history, WebSocket, tally, answerMs, textOf: texts(characters), now };
  const random = new Random(options.seed);
  const mint = (sub: string) => mintToken(config, sub, { expires: TOKENS_EXPIRE });
  const name = `prove-${randomBytes(4).toString('hex')}`;

  const population = await populate(world, options.users, name, mint, random.of('population'));
  const workload = new Workload(world, population, options.rate, random.of('workload'));
  const say = (text: string) => console.log(`${(now() / 1000).toFixed(0).padStart(5)} s  ${text}`);
  const { faultEveryMs: everyMs } = options;
  const nemesis = new Nemesis(
    { world, workload, deployment, redis, random: random.of('nemesis'), everyMs, say },
    options.faults.filter(({ fault }) => redis !== undefined || !ofRedis(fault)),
  );
  const sayHow = () =>
    say(
      `${tally.acknowledged} acknowledged, ${tally.delivered} deliveries, ${tally.sessions} connections, ${nemesis.faults} faults`,
    );
  const saying = setInterval(sayHow, SAY_EVERY_MS);
  await workload.start();
  say(`${population.sockets.length} sockets of ${options.users} users are connected (seed ${options.seed})`);
  const striking = nemesis.run();
  const untilMs = now() + options.seconds * 1000;
  while (now() < untilMs || tally.acknowledged < options.messages || !nemesis.isDone)
    await sleep(LOOK_EVERY_MS);
  nemesis.stop();
  await striking;
  await workload.end();
  workload.stop();
  clearInterval(saying);
  sayHow();
  history.close();

  const dataDir = deployment?.dataDir ?? options.dataDir;
  const log =
    dataDir === undefined
      ? await readHistories(WebSocket, url, population.readers)
      : await readDatabase(dataDir, new Set(population.readers.keys()));
  const judgement = judge(readHistory(history.file), log);
  const read = dataDir === undefined ? 'api' : 'database';
  return reportOf(options, redis !== undefined, judgement, tally, nemesis, now() / 1000, read);
}
