import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LIMITS_OFF } from '../../src/chat/limits.js';
import { signToken } from '../../src/server/auth/sign-token.js';
import { startProgram, type Target } from './target.js';

const MAIN = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
export const SECRET = 'a secret for benchmarks that is long enough';

export interface ParleyOptions {
  readonly workers: number;
  /** Whoever starts the server has made this folder, and removes it. */
  readonly dataDir: string;
  readonly redisUrl?: string;
  /** Arguments of Node itself, such as `--cpu-prof`. */
  readonly node?: readonly string[];
}

/** Starts the server that is built in dist/, with the limits that it has by default. `settings` is added to them. */
export function startServer(
  { workers, dataDir, redisUrl, node = [] }: ParleyOptions,
  settings: Readonly<Record<string, string>> = {},
): Promise<Target> {
  return startProgram('parley', [...node, MAIN], {
    HOST: '127.0.0.1',
    PORT: '0',
    WORKERS: String(workers),
    DATA_DIR: dataDir,
    JWT_SECRET: SECRET,
    LOG_LEVEL: 'warn',
    ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
    ...settings,
  });
}

/** Starts the same with its limits off; its sockets end at once when it drains. */
export function startParley(options: ParleyOptions): Promise<Target> {
  return startServer(options, { DRAIN_SPREAD_MS: '0', ...LIMITS_OFF });
}

/** A token of this user that the server accepts. */
export function tokenOf(userId: number): Promise<string> {
  return signToken(SECRET, { sub: String(userId) }, {});
}

/** Runs `use` with a data folder that is removed afterwards. */
export async function withDataDir<T>(use: (dataDir: string) => Promise<T>): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  try {
    return await use(dataDir);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
