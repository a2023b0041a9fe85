import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type Metrics, medians } from './measurement.js';

const PACKAGES = [
  'uWebSockets.js',
  'better-sqlite3',
  'ws',
  'socket.io',
  '@socket.io/redis-adapter',
  'autocannon',
];

/** What the numbers were measured on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** How long a sync of a small append takes in the folder where the measured servers keep their data. */
  readonly fsyncMs: { readonly p50: number; readonly p99: number };
}

export interface Commit {
  readonly id: string;
  /** Whether there were changes that are in no commit; results do not count. */
  readonly dirty: boolean;
}

/** Describes this machine. `disk` has the measurements of its disk. */
export function machine(disk: readonly Metrics[]): Machine {
  const { fsync_p50_ms: p50 = 0, fsync_p99_ms: p99 = 0 } = medians(disk);
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    fsyncMs: { p50, p99 },
  };
}

/** The versions of Node, of SQLite, and of the packages that are measured or measure. */
export function versions(root: string): Record<string, string> {
  const database = new Database(':memory:');
  const sqlite = String(database.prepare('SELECT sqlite_version()').pluck().get());
  database.close();
  const packages = PACKAGES.map((name): [string, string] => {
    // The file is read directly, because a package need not export it.
    const text = readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8');
    const found: { name: string; version: string } = JSON.parse(text);
    return [name, found.name === name ? found.version : `${found.name} ${found.version}`];
  });
  return { node: process.versions.node, sqlite, ...Object.fromEntries(packages) };
}

/** Undefined outside of a git repository. */
export function commit(root: string): Commit | undefined {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return {
      id: git('rev-parse', 'HEAD'),
      dirty: git('status', '--porcelain', '--', '.', ':!bench/results') !== '',
    };
  } catch {
    return undefined;
  }
}
