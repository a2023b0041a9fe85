import cluster from 'node:cluster';
import type { Config } from './config.js';
import { LinkClient } from './ledger/client.js';
import { linkPath } from './ledger/protocol.js';
import { createLogger } from './log.js';
import { onDrain, tellReady } from './process.js';
import { readSecret } from './secret.js';
import { Attachments } from './server/attach.js';
import { Authenticator } from './server/auth.js';
import { createEngine, listen } from './server/engine.js';
import { Http } from './server/http.js';
import { Hub } from './server/hub.js';
import { registerRoutes } from './server/router.js';
import { TypingIndicators } from './server/typing.js';
import { temporaryDir } from './server/uploads.js';
import { WebSockets } from './server/websocket.js';
import { PhotoFiles } from './store/files/photos.js';
import { openReadStore } from './store/sqlite/reads.js';

/** What is under way when a drain begins has this long to be answered. */
const DRAIN_MS = 8000;
const DRAIN_LOOK_MS = 10;
/** Close frames leave before the process does. */
const LINGER_MS = 100;

/** A process with sockets. Resolves when it serves. */
export async function runWorker(config: Config): Promise<void> {
  const log = createLogger(config.logLevel, `worker ${cluster.worker?.id ?? process.pid}`);
  const fatal = (error: unknown) => {
    log.fatal({ err: error }, 'this worker cannot go on; a new one takes its place');
    process.exit(1);
  };
  let store: ReturnType<typeof openReadStore> | undefined;
  let position = () => 0;
  const link = new LinkClient({
    path: linkPath(config.dataDir),
    accept: ({ incarnation, newest }) => {
      store ??= openReadStore(config.dataDir);
      if (!store.hasIncarnation(incarnation)) throw new Error('the ledger writes another database');
      if (position() > newest)
        throw new Error(`the ledger is at ${newest}, this worker at ${position()} already`);
    },
    fatal,
    warn: (message, error) => log.warn({ err: error }, message),
  });
  await link.connect();
  if (store === undefined) throw new Error('connected without a store');

  const app = createEngine();
  const hub = new Hub(store, app, link);
  position = () => hub.follower.position;
  let draining = false;
  const failed = (error: unknown, request?: { requestId: string; method: string; path: string }) => {
    log.error({ err: error, ...(request && pick(request)) }, 'a request failed');
  };
  const auth = new Authenticator(config.jwt, readSecret(config.dataDir), Date.now);
  const http = new Http(auth, failed);
  const attachments = new Attachments(hub, failed);
  const typing = new TypingIndicators(hub, link, config.typingMembersMax, Date.now);
  new WebSockets({
    http,
    auth,
    hub,
    attachments,
    typing,
    submit: link.submit,
    textCharactersMax: config.textCharactersMax,
    queryToken: config.queryToken,
    draining: () => draining,
    failed,
  }).register(app);
  registerRoutes(app, {
    http,
    services: {
      hub,
      submit: link.submit,
      photos: new PhotoFiles(config.dataDir),
      warn: (message, error) => log.warn({ err: error }, message),
    },
    ready: () => link.connected && !draining,
    temporaryDir: temporaryDir(config.dataDir),
    photoBytesMax: config.photoBytesMax,
  });
  const stopListening = await listen(app, config.host, config.port);

  onDrain(async () => {
    draining = true;
    stopListening();
    const deadline = performance.now() + DRAIN_MS;
    while ((http.pending > 0 || link.waiting > 0) && performance.now() < deadline) await sleep(DRAIN_LOOK_MS);
    await hub.follower.exact(() => hub.endAll()); // What was acknowledged is published before the sockets end.
    await sleep(LINGER_MS);
    link.close();
    log.info('stopped');
  });
  log.info({ position: hub.follower.position }, 'ready');
  tellReady();
}

function pick({ requestId, method, path }: { requestId: string; method: string; path: string }) {
  return { requestId, method, path };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
