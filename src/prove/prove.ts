import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.js';
import { OperatorError } from '../operator-error.js';
import { Deployment } from './faults/deployment.js';
import { RedisServer } from './faults/redis-server.js';
import type { Options } from './options.js';
import { type Report, reportText } from './report.js';
import { run } from './run.js';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));
const TOKENS_EXPIRE = '7d';
const STOPS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Resolves to a token for a user that a server with this configuration accepts. */
export type MintToken = (config: Config, sub: string, options: { expires: string }) => Promise<string>;

/** Makes the runs that the options ask for, and prints a report of each. Resolves to true when all counts are 0. */
export async function prove(options: Options, config: Config, mintToken: MintToken): Promise<boolean> {
  const reports: Report[] = [];
  for (const withRedis of options.redis) {
    const folder = mkdtempSync(join(tmpdir(), 'parley-prove-'));
    const report = await proveOnce(options, withRedis, config, mintToken, folder).catch((error) => {
      // The run did not begin, so the folder has nothing that helps.
      if (error instanceof OperatorError) rmSync(folder, { recursive: true });
      throw error;
    });
    reports.push(report);
    console.log(reportText(report));
    if (report.good && !options.keep) rmSync(folder, { recursive: true });
    else console.log(`What the clients saw (history.txt) and the server's own files: ${folder}`);
  }
  if (options.report !== undefined) writeReports(options.report, reports);
  return reports.every(({ good }) => good);
}

function writeReports(folder: string, reports: readonly Report[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'report.md'), reports.map(reportText).join('\n'));
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(reports, null, 2)}\n`);
}

/** One run, against the server that the options name or against one that is started for it. */
async function proveOnce(
  options: Options,
  withRedis: boolean,
  config: Config,
  mintToken: MintToken,
  folder: string,
): Promise<Report> {
  const minter = (config: Config) => (sub: string) => mintToken(config, sub, { expires: TOKENS_EXPIRE });
  const { url, dataDir } = options;
  if (url !== undefined) {
    const target = { url, dataDir, deployment: undefined, redis: undefined, mint: minter(config) };
    return run(options, target, folder);
  }
  const secret = randomBytes(32).toString('hex');
  const mint = minter({ ...config, jwt: { ...config.jwt, key: { secret }, idClaim: 'sub' } });
  const redis = withRedis ? await RedisServer.start({ folder }) : undefined;
  const deployment = await startDeployment(options, secret, redis, folder);
  const stop = async () => {
    await deployment.stop();
    await redis?.end('SIGKILL');
  };
  // When this process is told to end, it takes along what it has started.
  const abandon = () => void stop().finally(() => process.exit(1));
  for (const signal of STOPS) process.once(signal, abandon);
  try {
    const { url, dataDir } = deployment;
    return await run(options, { url, dataDir, deployment, redis, mint }, folder);
  } finally {
    for (const signal of STOPS) process.off(signal, abandon);
    await stop();
  }
}

async function startDeployment(
  { program = PROGRAM, workers }: Options,
  secret: string,
  redis: RedisServer | undefined,
  folder: string,
): Promise<Deployment> {
  try {
    return await Deployment.start({ program, folder, workers, secret, redisUrl: redis?.url });
  } catch (error) {
    await redis?.end('SIGKILL');
    throw error;
  }
}
