import type { Post, Submit } from '../chat/commands.js';
import type { Config } from '../config.js';
import type { Bus } from '../link/bus.js';
import type { LimitsLink } from '../link/limits.js';
import type { Logger } from '../log.js';
import { Authenticator } from '../server/auth/authenticator.js';
import { JwksCache } from '../server/auth/jwks-cache.js';
import { PhotoLinks } from '../server/auth/photo-links.js';
import { readSecret } from '../server/auth/secret.js';
import { createEngine, type Engine } from '../server/engine.js';
import { HttpGateway } from '../server/http/gateway.js';
import { registerRoutes } from '../server/http/router.js';
import { CatchUp } from '../server/hub/catch-up/catch-up.js';
import { Hub } from '../server/hub/hub.js';
import { ReadMarkers } from '../server/hub/read-markers.js';
import { TypingIndicators } from '../server/hub/typing.js';
import { Admission } from '../server/limits/admission.js';
import { ClientAddresses } from '../server/limits/client-address.js';
import { FreeSpace } from '../server/uploads/free-space.js';
import { temporaryDir } from '../server/uploads/upload.js';
import { TokenExpiry } from '../server/websocket/token-expiry.js';
import { WebSockets } from '../server/websocket/websockets.js';
import { PhotoFiles } from '../store/files/photos.js';
import { Resizer } from '../store/files/resizer.js';
import type { ReadStore } from '../store/read-store.js';

/** What a worker's server is built on. */
export interface WorkerParts {
  readonly config: Config;
  readonly log: Logger;
  readonly store: ReadStore;
  readonly bus: Bus;
  readonly submit: Submit;
  readonly post: Post;
  /** Undefined when this worker is the only one. */
  readonly limitsLink: LimitsLink | undefined;
  /** The log cannot be followed, so the worker must end. */
  readonly fatal: (error: unknown) => void;
  /** Whether `/readyz` answers with 200. */
  readonly ready: () => boolean;
  /** Whether upgrades are refused. */
  readonly draining: () => boolean;
}

export interface WorkerServer {
  readonly engine: Engine;
  readonly hub: Hub;
  readonly http: HttpGateway;
  readonly admission: Admission;
  /** Stops the timers of its parts. */
  close(): void;
}

/** Builds a worker's server on the given store, bus and link to the ledger. The engine does not listen yet. */
export async function composeWorker({
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
}: WorkerParts): Promise<WorkerServer> {
  const failed = (error: unknown, request?: { requestId: string; method: string; path: string }) => {
    const { requestId, method, path } = request ?? {};
    log.error({ err: error, requestId, method, path }, 'a request failed');
  };
  const warn = (message: string, error: unknown) => log.warn({ err: error }, message);

  const engine = createEngine(config.tls);
  const hub = await Hub.open(store, engine, bus, fatal);
  const { key } = config.jwt;
  const auth = new Authenticator(config.jwt, readSecret(config.dataDir), Date.now, {
    isRevoked: (identity) => hub.revocations.has(identity),
    jwksFailed: (error) => warn('JWT_JWKS_URL could not be read; the last JWKS stays in use', error),
    jwksNotStored: (error) => warn('the JWKS of JWT_JWKS_URL could not be cached in DATA_DIR', error),
    jwksStore: key && 'jwksUrl' in key ? new JwksCache(config.dataDir, key.jwksUrl) : undefined,
  });
  const admission = new Admission(config.limits, limitsLink, {
    limits: (counts) => log.warn({ refused: counts }, 'limits refused what was too much'),
    tokens: (counts) => log.warn({ refused: counts }, 'tokens were refused'),
    token: ({ reason, why }, { requestId, userId }) =>
      log.debug({ requestId, userId, reason, why }, 'a token was refused'),
  });
  const { failedLoginsPerMinutePerAddressMax, socketsPerAddressMax } = config.limits;
  const photoLinks = new PhotoLinks({
    key: store.photoKey,
    revokedBefore: (claim) => hub.revocations.before(claim),
    now: Date.now,
  });
  const http = new HttpGateway({
    auth,
    photoLinks,
    admission,
    addresses: new ClientAddresses(config.trustProxy),
    limitsAddresses: failedLoginsPerMinutePerAddressMax + socketsPerAddressMax > 0,
    allowedOrigins: config.allowedOrigins,
    tls: config.tls !== undefined,
    failed,
  });
  const catchUp = new CatchUp(hub, failed);
  const typing = new TypingIndicators(hub, bus, config.limits.typingMembersMax, Date.now);
  const readMarkers = new ReadMarkers(hub, submit);
  const expiry = new TokenExpiry(() => hub.everyone(), Date.now);
  const { queryToken, textCharactersMax, photoBytesMax } = config;
  // WebSockets come before the routes, because a plain GET on a WebSocket's path falls through to the next handler.
  new WebSockets({
    http,
    auth,
    hub,
    catchUp,
    admission,
    typing,
    readMarkers,
    expiry,
    post,
    submit,
    textCharactersMax,
    queryToken,
    draining,
    failed,
  }).register(engine);
  const resizer = new Resizer({
    lost: (exit) => log.warn({ exit }, 'the process that decodes photos ended: the photo at hand is refused'),
  });
  registerRoutes(engine, {
    http,
    admission,
    textCharactersMax,
    services: {
      hub,
      submit,
      typingMembersMax: config.limits.typingMembersMax,
      admission,
      photos: new PhotoFiles(config.dataDir, resizer),
      photoLinks,
      warn,
    },
    ready,
    temporaryDir: temporaryDir(config.dataDir),
    photoBytesMax,
    freeSpace: new FreeSpace(config.dataDir, config.freeSpaceBytesMin, () => performance.now()),
  });
  const close = () => {
    for (const part of [hub, http, admission, typing, readMarkers, expiry, auth, resizer]) part.close();
  };
  return { engine, hub, http, admission, close };
}
