import cluster from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Post, Submit } from '../chat/commands.js';
import type { Config } from '../config.js';
import type { Bus } from '../link/bus.js';
import { LinkClient } from '../link/client.js';
import { CombinedBus } from '../link/combined-bus.js';
import type { LimitsLink } from '../link/limits.js';
import { linkPath } from '../link/protocol.js';
import { RedisBus } from '../link/redis/redis-bus.js';
import { createLogger, type Logger } from '../log.js';
import { OperatorError } from '../operator-error.js';
import { Authenticator } from '../server/auth/authenticator.js';
import { JwksCache } from '../server/auth/jwks-cache.js';
import { readSecret } from '../server/auth/secret.js';
import { createEngine, type Engine, listen } from '../server/engine.js';
import { HttpGateway } from '../server/http/gateway.js';
import { registerRoutes } from '../server/http/router.js';
import { CatchUp } from '../server/hub/catch-up.js';
import { drainSockets } from '../server/hub/drain.js';
import type { Follower } from '../server/hub/follower.js';
import { Hub } from '../server/hub/hub.js';
import { TypingIndicators } from '../server/hub/typing.js';
import { Admission } from '../server/limits/admission.js';
import { ClientAddresses } from '../server/limits/client-address.js';
import { FreeSpace } from '../server/uploads/free-space.js';
import { temporaryDir } from '../server/uploads/upload.js';
import { Expiry } from '../server/websocket/token-expiry.js';
import { WebSockets } from '../server/websocket/websockets.js';
import { PhotoFiles } from '../store/files/photos.js';
import type { ReadStore } from '../store/read-store.js';
import { openReadStore } from '../store/sqlite/read/read-store.js';
import { SCHEMA_VERSION } from '../store/sqlite/upkeep/migrations.js';
import { exitOnUnexpectedError, onDrain, tellReady } from './lifecycle.js';

/** What is under way when a drain begins has this long to be answered. */
const DRAIN_MS = 7000;
const DRAIN_LOOK_MS = 10;
/** Close frames leave before the process ends … */
const LINGER_MS = 100;
/** … and aborted uploads remove their files. */
const ABORTED_MS = 1000;

/** A process with sockets. Resolves when it serves. Errors: ExpectedError when the port is not settled. */
export async function runWorker(config: Config): Promise<void> {
  if (config.port === 0) throw new OperatorError('PORT 0 would give each worker a port of its own');
  const log = createLogger(config.logLevel, `worker ${cluster.worker?.id ?? process.pid}`);
  exitOnUnexpectedError(log);
  const fatal = (error: unknown) => {
    log.fatal({ err: error }, 'this worker cannot go on; a new one takes its place');
    process.exit(1);
  };
  let store: ReadStore | undefined;
  let follower: Follower | undefined;
  const link = new LinkClient({
    path: linkPath(config.dataDir),
    accept: ({ schema, incarnation }) => {
      // A newer one has only more in it: so workers outlive the update of their ledger.
      if (schema < SCHEMA_VERSION)
        throw new Error(`the database has schema ${schema}, this worker needs ${SCHEMA_VERSION}`);
      store ??= openReadStore(config.dataDir);
      if (!store.hasIncarnation(incarnation)) throw new Error('the ledger writes another database');
      // What the hello says is old by the time it is heard: others may have written since.
      const newest = store.snapshot((view) => view.newest());
      if (follower !== undefined && follower.position > newest)
        throw new Error(`the log is at ${newest}, this worker at ${follower.position} already`);
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
  const { engine, hub, http } = composeWorker({
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
  const stopListening = await listen(engine, config.host, config.port);

  onDrain(async () => {
    draining = true;
    http.closing = true;
    // What connected before this tick is taken first: closing the listener resets it.
    await new Promise(setImmediate);
    stopListening();
    const deadline = performance.now() + DRAIN_MS;
    await drainSockets(hub, config.drainSpreadMs, deadline);
    await until(() => http.pending === 0 && link.pending === 0, deadline);
    link.close(); // What the ledger has not answered by then is answered with `timeout`.
    await drainSockets(hub, 0, deadline); // Of upgrades that were under way.
    await sleep(LINGER_MS);
    engine.close(); // What is still arriving is aborted, and removes what it left on disk.
    await sleep(LINGER_MS);
    await until(() => http.handling === 0, performance.now() + ABORTED_MS);
    redis?.close();
    log.info('stopped');
  });
  log.info({ position: hub.follower.position, port: config.port }, 'ready');
  tellReady();
}

async function openRedis({ redis }: Config, databaseId: string, log: Logger): Promise<RedisBus | undefined> {
  return redis && (await RedisBus.open({ ...redis, databaseId, logger: log }));
}

export interface WorkerParts {
  readonly config: Config;
  readonly log: Logger;
  readonly store: ReadStore;
  readonly bus: Bus;
  readonly submit: Submit;
  readonly post: Post;
  /** Undefined: this worker is the only one. */
  readonly limitsLink: LimitsLink | undefined;
  /** The log cannot be followed any more. */
  readonly fatal: (error: unknown) => void;
  /** Whether `/readyz` says yes. */
  readonly ready: () => boolean;
  /** Whether upgrades are refused. */
  readonly draining: () => boolean;
}

export interface Worker {
  readonly engine: Engine;
  readonly hub: Hub;
  readonly http: HttpGateway;
  readonly limits: Admission;
  /** Stops its timers. */
  close(): void;
}

/** Puts a worker's server together, over whichever store, bus and way to the ledger. */
export function composeWorker({
  config,
  log,
  store,
  bus,
  submit,
  post,
  limitsLink,
  fatal,
  ready,
  draining,
}: WorkerParts): Worker {
  const failed = (error: unknown, request?: { requestId: string; method: string; path: string }) => {
    const { requestId, method, path } = request ?? {};
    log.error({ err: error, requestId, method, path }, 'a request failed');
  };
  const warn = (message: string, error: unknown) => log.warn({ err: error }, message);

  const engine = createEngine(config.tls);
  const hub = new Hub(store, engine, bus, fatal);
  const { key } = config.jwt;
  const auth = new Authenticator(config.jwt, readSecret(config.dataDir), Date.now, {
    isRevoked: (identity) => hub.revocations.has(identity),
    jwksFailed: (error) => warn('JWT_JWKS_URL could not be read; the keys before stay in use', error),
    jwksNotCached: (error) => warn('the keys of JWT_JWKS_URL could not be kept in DATA_DIR', error),
    cachedJwks: key && 'keySetUrl' in key ? new JwksCache(config.dataDir, key.keySetUrl) : undefined,
  });
  const limits = new Admission(config.limits, limitsLink, (counts) =>
    log.warn({ refused: counts }, 'limits refused what was too much'),
  );
  const { failedLoginsPerMinutePerAddressMax, socketsPerAddressMax } = config.limits;
  const perAddress = failedLoginsPerMinutePerAddressMax + socketsPerAddressMax > 0;
  const addresses = perAddress ? new ClientAddresses(config.trustProxy) : undefined;
  const http = new HttpGateway({
    auth,
    limits,
    addresses,
    allowedOrigins: config.allowedOrigins,
    tls: config.tls !== undefined,
    failed,
  });
  const catchUp = new CatchUp(hub, failed);
  const typing = new TypingIndicators(hub, bus, config.typingMembersMax, Date.now);
  const expiry = new Expiry(() => hub.everyone(), Date.now);
  const { queryToken, textCharactersMax, photoBytesMax } = config;
  // Before the routes: a plain GET on a WebSocket's path falls through to them.
  new WebSockets({
    http,
    auth,
    hub,
    catchUp,
    limits,
    typing,
    expiry,
    post,
    textCharactersMax,
    queryToken,
    draining,
    failed,
  }).register(engine);
  registerRoutes(engine, {
    http,
    limits,
    services: {
      hub,
      submit,
      photos: new PhotoFiles(config.dataDir),
      assertRows: (caller, rows) => limits.admitRows(caller, rows),
      warn,
    },
    ready,
    temporaryDir: temporaryDir(config.dataDir),
    photoBytesMax,
    freeSpace: new FreeSpace(config.dataDir, config.freeSpaceBytesMin, () => performance.now()),
  });
  const close = () => {
    for (const part of [hub, http, limits, typing, expiry, auth]) part.close();
  };
  return { engine, hub, http, limits, close };
}

async function until(done: () => boolean, deadline: number): Promise<void> {
  while (!done() && performance.now() < deadline) await sleep(DRAIN_LOOK_MS);
}
