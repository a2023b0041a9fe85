import cluster from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.js';
import { assertUsable } from '../data-folder/prepare.js';
import { LinkClient } from '../link/client.js';
import { CombinedBus } from '../link/combined-bus.js';
import { linkPath } from '../link/protocol.js';
import { RedisBus } from '../link/redis/redis-bus.js';
import { createLogger, type Logger } from '../log.js';
import { chain } from '../maybe-promise.js';
import { OperatorError } from '../operator-error.js';
import { listen } from '../server/engine.js';
import { drainSockets } from '../server/hub/drain.js';
import type { Follower } from '../server/hub/follower.js';
import { storage } from '../storage.js';
import type { ReadStore } from '../store/read-store.js';
import { composeWorker } from './compose-worker.js';
import { exitOnUnexpectedError, notifyReady, onDrain } from './lifecycle.js';
import { whyNot } from './port.js';

/** Requests and commands that are in progress when a drain begins have this long to end. */
const DRAIN_MS = 7000;
const DRAIN_POLL_MS = 10;
/** How long close frames have to leave before the process ends. */
const LINGER_MS = 100;
/** How long aborted uploads have to remove their files. */
const ABORTED_MS = 1000;

/**
 * Runs a worker, which serves clients. Resolves when it is ready. Errors: OperatorError for port 0, for a link that it
 * may not use, and for an address that it cannot listen on.
 */
export async function runWorker(config: Config): Promise<void> {
  if (config.port === 0) throw new OperatorError('PORT=0 would give each worker another port');
  const log = createLogger(config.logLevel, `worker ${cluster.worker?.id ?? process.pid}`);
  exitOnUnexpectedError(log);
  assertUsable(config.dataDir, linkPath(config.dataDir));
  const fatal = (error: unknown) => {
    log.fatal({ err: error }, 'this worker cannot go on and ends; a new one is started');
    process.exit(1);
  };
  let store: ReadStore | undefined;
  let follower: Follower | undefined;
  const link = new LinkClient({
    path: linkPath(config.dataDir),
    accept: ({ schema, incarnation }) => {
      // A newer schema only adds to this one, so workers may outlive the update of their ledger.
      if (schema < storage.schemaVersion)
        throw new Error(`the database has schema ${schema}; this worker needs ${storage.schemaVersion}`);
      const opened = store ?? storage.openReader(config.dataDir);
      store = opened;
      // The hello's newest id may be old by now, so the store is asked.
      const newest = chain(opened.hasIncarnation(incarnation), (isOurs) => {
        if (!isOurs) throw new Error('the ledger writes to another database');
        return opened.newest();
      });
      return chain(newest, (end) => {
        if (follower !== undefined && follower.position > end)
          throw new Error(`the log ends at ${end}; this worker has followed it to ${follower.position}`);
      });
    },
    fatal,
    warn: (message, error) => log.warn({ err: error }, message),
    position: () => follower?.position,
    prefetched: (entries) => follower?.prefetch(entries),
  });
  await link.connect();
  if (store === undefined) throw new Error('connected without a store');

  const redis = await openRedis(config, store.databaseId, log);
  let draining = false;
  const { engine, hub, http } = await composeWorker({
    config,
    log,
    store,
    bus: redis === undefined ? link : new CombinedBus(link, redis),
    submit: link.submit,
    post: link.post,
    limitsLink: link.limits,
    fatal,
    ready: () => link.connected && !draining,
    draining: () => draining,
  });
  follower = hub.follower;
  const stopListening = await listen(engine, config.host, config.port).catch(async () => {
    throw await whyNot(config);
  });

  onDrain(async () => {
    draining = true;
    http.drain();
    // Connections that wait for this tick are accepted first, because closing the listener would reset them.
    await new Promise(setImmediate);
    stopListening();
    const deadline = performance.now() + DRAIN_MS;
    await drainSockets(hub, config.drainSpreadMs, deadline);
    await until(() => http.pending === 0 && link.pending === 0, deadline);
    link.close(); // Commands that the ledger has not answered end with `timeout`.
    await drainSockets(hub, 0, deadline); // Upgrades may have been in progress when the others were drained.
    await sleep(LINGER_MS);
    engine.close(); // Aborts requests that are still arriving. They remove their files.
    await sleep(LINGER_MS);
    await until(() => http.handling === 0, performance.now() + ABORTED_MS);
    redis?.close();
    log.info('stopped');
  });
  log.info({ position: hub.follower.position, port: config.port }, 'ready');
  notifyReady();
}

async function openRedis({ redis }: Config, databaseId: string, log: Logger): Promise<RedisBus | undefined> {
  return redis && (await RedisBus.open({ ...redis, databaseId, logger: log }));
}

async function until(done: () => boolean, deadline: number): Promise<void> {
  while (!done() && performance.now() < deadline) await sleep(DRAIN_POLL_MS);
}
