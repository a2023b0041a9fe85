import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BASE } from '../../api/routes.js';
import type { Config } from '../../config.js';
import { mintToken } from '../token.js';
import { judge } from './checker.js';
import { Deployment } from './deployment.js';
import { History, readHistory } from './history.js';
import { Nemesis } from './nemesis.js';
import { type Options, readOptions, USAGE } from './options.js';
import { populate } from './population.js';
import { Random } from './random.js';
import { readDatabase, readHistories } from './read-log.js';
import { Redis } from './redis.js';
import { type Report, reportOf, textOfReport } from './report.js';
import { sleep, Workload } from './workload.js';
import { Tally, type World } from './world.js';

const PROGRAM = fileURLToPath(new URL('../../main.js', import.meta.url));
const SAY_EVERY_MS = 10_000;
const LOOK_EVERY_MS = 50;
const TOKENS_EXPIRE = '7d';

/** `prove`: see USAGE. Prints the report, and exits 1 when a count is not 0. */
export async function runProve(args: readonly string[], config: Config): Promise<void> {
  const options = readOptions(args);
  if (options === 'help') return console.log(USAGE);
  const folder = mkdtempSync(join(tmpdir(), 'parley-prove-'));
  const report = await proveOnce(options, config, folder);
  const text = textOfReport(report);
  console.log(text);
  if (options.report !== undefined) {
    mkdirSync(options.report, { recursive: true });
    writeFileSync(join(options.report, 'report.md'), text);
    writeFileSync(join(options.report, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  }
  if (report.good && !options.keep) rmSync(folder, { recursive: true });
  else
    console.log(
      `What the clients saw (history.txt)${options.url === undefined ? ', the database and the log' : ''}: ${folder}`,
    );
  process.exit(report.good ? 0 : 1);
}

async function proveOnce(options: Options, config: Config, folder: string): Promise<Report> {
  const secret = randomBytes(32).toString('hex');
  const redis = options.redis ? await Redis.start(folder) : undefined;
  const deployment =
    options.url === undefined
      ? await Deployment.start({
          program: options.program ?? PROGRAM,
          folder,
          workers: options.workers,
          secret,
          redisUrl: redis?.url,
        })
      : undefined;
  try {
    const own: Config = { ...config, jwt: { ...config.jwt, key: { secret }, idClaim: 'sub' } };
    return await run(options, deployment === undefined ? config : own, folder, deployment, redis);
  } finally {
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
  const world: World = { url, history, WebSocket, tally, now };
  const random = new Random(options.seed);
  const mint = (sub: string) => mintToken(config, sub, { expires: TOKENS_EXPIRE });
  const name = `prove-${randomBytes(4).toString('hex')}`;

  const population = await populate(world, options.users, name, mint, random.of('population'));
  const workload = new Workload(world, population, options.rate, random.of('workload'));
  const say = (text: string) => console.log(`${(now() / 1000).toFixed(0).padStart(5)} s  ${text}`);
  const { faultEveryMs: everyMs } = options;
  const nemesis = new Nemesis(
    { world, workload, deployment, redis, random: random.of('nemesis'), everyMs, say },
    options.faults,
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
      : readDatabase(dataDir, new Set(population.readers.keys()));
  const judgement = judge(readHistory(history.file), log);
  return reportOf(
    options,
    judgement,
    tally,
    nemesis,
    now() / 1000,
    dataDir === undefined ? 'api' : 'database',
  );
}
