import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { UNLIMITED } from '../../src/chat/limits.js';
import { CommitQueue } from '../../src/ledger/commit-queue.js';
import type { Bus } from '../../src/link/bus.js';
import { LinkClient } from '../../src/link/client.js';
import { linkPath } from '../../src/link/protocol.js';
import { RedisHints } from '../../src/link/redis/hints.js';
import { RedisBus } from '../../src/link/redis/redis-bus.js';
import { LinkServer } from '../../src/link/server.js';
import { openWriteStore } from '../../src/store/sqlite/write/ledger-store.js';
import { percentiles, record } from '../load/latency.js';
import type { HintsFound, HintsPlan } from './hints.js';
import { answerPlan } from './process.js';

const HEARD_MS_MAX = 2000;
const FIRST_TRIES_MAX = 100;
const FIRST_TRY_MS = 50;

interface Way {
  /** The end of the ledger. */
  readonly give: { hint(newest: number): void };
  /** The end of the worker. */
  readonly hear: Bus;
}

answerPlan<HintsPlan, HintsFound>(async ({ dataDir, redisUrl, hints, warmupHints }) => {
  const { give, hear } = await (redisUrl === undefined ? openLink(dataDir) : openRedis(redisUrl));
  const latency = createHistogram();
  let newest = 0;
  let heard: () => void = () => undefined;
  hear.onNewest((id) => {
    if (id === newest) heard();
  });
  /** Resolves to the milliseconds that it took; rejects when it is not heard. */
  const hint = (msMax: number) =>
    new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('a hint was not heard')), msMax);
      newest += 1;
      const start = performance.now();
      heard = () => {
        clearTimeout(timer);
        resolve(performance.now() - start);
      };
      give.hint(newest);
    });

  await firstOf(hint);
  for (let given = 0; given < warmupHints; given++) await hint(HEARD_MS_MAX);
  for (let given = 0; given < hints; given++) record(latency, await hint(HEARD_MS_MAX));
  return { latency: percentiles(latency) };
});

/** Hints get lost until both ends are connected. */
async function firstOf(hint: (msMax: number) => Promise<number>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await hint(FIRST_TRY_MS);
      return;
    } catch (error) {
      if (tries === FIRST_TRIES_MAX) throw error;
      await sleep(FIRST_TRY_MS);
    }
  }
}

async function openLink(dataDir: string): Promise<Way> {
  const store = openWriteStore(dataDir, Date.now(), fail);
  const queue = new CommitQueue(store, Date.now, {
    committed: () => undefined,
    failed: fail,
    overloaded: () => false,
    refusal: () => undefined,
    probed: () => undefined,
    idle: () => undefined,
  });
  const path = linkPath(dataDir);
  const server = new LinkServer({
    path,
    greeting: () => ({ schema: 0, incarnation: store.incarnation, newest: 0 }),
    queue,
    limits: UNLIMITED,
    onPosition: () => undefined,
    onDisconnect: () => undefined,
    warn: (message, error) => fail(error ?? message),
  });
  await server.listen();
  const client = new LinkClient({
    path,
    accept: () => undefined,
    fatal: fail,
    warn: (message, error) => fail(error ?? message),
    position: () => undefined,
  });
  await client.connect();
  return { give: server, hear: client };
}

async function openRedis(url: string): Promise<Way> {
  const options = {
    ...{ url, prefix: 'bench:', databaseId: 'bench' },
    logger: { info: () => undefined, warn: (message: string) => fail(message) },
  };
  return { give: await RedisHints.open(options), hear: await RedisBus.open(options) };
}

function fail(what: unknown): never {
  throw what instanceof Error ? what : new Error(String(what));
}
