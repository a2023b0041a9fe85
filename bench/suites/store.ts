import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { databaseFile } from '../../src/store/sqlite/database.js';
import type { Metrics } from '../measure/measurement.js';
import { HISTORY_CHATS, type History, writeHistory } from '../parts/history.js';
import { READS, type Read, runReads } from '../parts/reads.js';
import { withDataDir } from '../targets/parley.js';
import { populate } from '../targets/population.js';
import { alternate, type Effort, type Subject, type Suite } from './suite.js';

const SUITE = 'store';
const MESSAGES = [1_000_000, 10_000_000];
const MESSAGES_QUICK = [100_000];
/** The numbers of requests. A read that takes as long as a hundred others is made a hundredth as often. */
const REQUESTS: Readonly<Record<Read, number>> = {
  'history newest': 2000,
  'history offset': 2000,
  'history after': 2000,
  'chat list': 100,
};
/** Few reads are cold, because each brings more of the file into memory. */
const COLD_REQUESTS: Readonly<Record<Read, number>> = {
  'history newest': 100,
  'history offset': 100,
  'history after': 100,
  'chat list': 1,
};
const COLD_TRIALS_MIN = 5;
const PIECE_BYTES = 1024 * 1024;

/**
 * What workers read from SQLite, by how much there is: pages of history, and all chats of a user with their newest
 * messages. Warm, the file is in the system's memory; cold, none of it is, and the process is new.
 */
export const store: Suite = async function* (effort) {
  for (const messages of effort.quick ? MESSAGES_QUICK : MESSAGES) {
    yield* await withDataDir(async (dataDir) => {
      const groups = Array.from({ length: HISTORY_CHATS }, () => [1, 2]);
      await populate(dataDir, 2, groups);
      const history = await writeHistory({ dataDir, messages });
      const warm = READS.map((read) => subject(dataDir, history, read, 'warm'));
      const cold = READS.map((read) => subject(dataDir, history, read, 'cold'));
      return [
        ...(await alternate(effort, warm)),
        ...(await alternate({ ...effort, trials: coldTrials(effort) }, cold)),
      ];
    });
  }
};

/** One cold chat list says little. */
function coldTrials({ trials, quick }: Effort): number {
  return quick ? trials : Math.max(trials, COLD_TRIALS_MIN);
}

function subject(dataDir: string, history: History, read: Read, cache: 'warm' | 'cold'): Subject {
  return {
    suite: SUITE,
    name: cache === 'warm' ? read : `${read}, cold`,
    target: 'parley',
    parameters: { messages: history.messages, chats: HISTORY_CHATS, cache },
    trial: () => trial(dataDir, history, read, cache),
  };
}

async function trial(
  dataDir: string,
  history: History,
  read: Read,
  cache: 'warm' | 'cold',
): Promise<Metrics> {
  const isWarm = cache === 'warm';
  const file = databaseFile(dataDir);
  if (isWarm) readThrough(file);
  else dropFromMemory(file);
  const requests = (isWarm ? REQUESTS : COLD_REQUESTS)[read];
  const plan = { dataDir, history, read, requests, warmupRequests: isWarm ? requests / 2 : 0 };
  const { latency, pages, diskBytes } = await runReads(plan);
  if (!isWarm && diskBytes === 0) throw new Error(`${read}: nothing came from the disk, so it was not cold`);
  return {
    p50_ms: latency.p50,
    p99_ms: latency.p99,
    read_pages: pages / requests,
    disk_bytes: diskBytes / requests,
  };
}

/** Brings a file into the system's memory. */
function readThrough(path: string): void {
  const file = openSync(path, 'r');
  const piece = Buffer.alloc(PIECE_BYTES);
  while (readSync(file, piece) > 0);
  closeSync(file);
}

/**
 * Drops a file from the system's memory. coreutils' `dd` can ask for that, Node cannot. It must not be called while
 * this process has the file open as a database: closing any descriptor of it would take SQLite's locks.
 */
function dropFromMemory(path: string): void {
  const args = [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'];
  execFileSync('dd', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
