import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LIMITS_OFF } from '../../src/chat/limits.js';
import { signToken } from '../../src/server/auth/sign-token.js';
import { startProgram, type Target } from './target.js';

const MAIN = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
const SECRET = 'a secret for benchmarks that is long enough';

export interface ParleyOptions {
  readonly workers: number;
  /** Made ready before the start; removed by whoever made it. */
  readonly dataDir: string;
  readonly redisUrl?: string;
  /** Arguments of Node itself, such as `--cpu-prof`. */
  readonly node?: readonly string[];
}

/** The server as it is built in dist/, with its limits off. */
export function startParley({ workers, dataDir, redisUrl, node = [] }: ParleyOptions): Promise<Target> {
  return startProgram('parley', [...node, MAIN], {
    HOST: '127.0.0.1',
    PORT: '0',
    WORKERS: String(workers),
    DATA_DIR: dataDir,
    JWT_SECRET: SECRET,
    LOG_LEVEL: 'warn',
    DRAIN_SPREAD_MS: '0',
    ...LIMITS_OFF,
    ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
  });
}

/** A token that the server takes for this user. */
export function tokenOf(userId: number): Promise<string> {
  return signToken(SECRET, { sub: String(userId) }, {});
}

/** Runs `use` with a data folder that is gone afterwards. */
export async function withDataDir<T>(use: (dataDir: string) => Promise<T>): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  try {
    return await use(dataDir);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
