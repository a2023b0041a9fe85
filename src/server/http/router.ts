import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import type { Readable } from 'node:stream';
import type { Operation } from '../../api/operation.js';
import { BASE, channels, type RouteName, routes } from '../../api/routes.js';
import { ChatError } from '../../chat/errors.js';
import { parseId } from '../../chat/ids.js';
import type { Image } from '../../store/photo-store.js';
import type { Identity } from '../auth/authenticator.js';
import type { Admission } from '../limits/admission.js';
import type { UploadOptions } from '../uploads/upload.js';
import { chatEndpoints } from './endpoints/chats.js';
import type { Endpoints, PhotoOf, Read, Reply, Request, Services, Write } from './endpoints/endpoint.js';
import { groupEndpoints } from './endpoints/groups.js';
import { userEndpoints } from './endpoints/users.js';
import type { Exchange } from './exchange.js';
import type { HttpGateway } from './gateway.js';
import { isMultipart, readInput } from './input.js';
import { countParameter } from './query.js';

const endpoints: Endpoints = { ...userEndpoints, ...chatEndpoints, ...groupEndpoints };

export interface RouterOptions extends UploadOptions {
  readonly http: HttpGateway;
  readonly limits: Admission;
  readonly services: Services;
  /** Whether the worker can serve: linked to a ledger, and not about to stop. */
  readonly ready: () => boolean;
}

/** Registers every HTTP route. WebSocket routes must be there before: a plain GET on their paths is for here. */
export function registerRoutes(app: TemplatedApp, options: RouterOptions): void {
  const { http } = options;
  const allowed = new Map<string, string[]>();
  const allow = (path: string, ...methods: string[]) =>
    allowed.set(path, [...new Set([...(allowed.get(path) ?? []), ...methods])]);

  for (const [name, operation] of Object.entries(routes) as [RouteName, Operation][]) {
    const pattern = patternOf(operation.path);
    const handler = (res: HttpResponse, req: HttpRequest) => serve(res, req, name, operation, options);
    if (operation.method === 'POST') app.post(pattern, handler);
    else if (operation.method === 'DELETE') app.del(pattern, handler);
    else if (operation.method === 'PATCH') app.patch(pattern, handler);
    else app.get(pattern, handler).head(pattern, handler);
    allow(operation.path, ...(operation.method === 'GET' ? ['GET', 'HEAD'] : [operation.method]));
  }
  for (const { path } of channels) {
    app.get(patternOf(path), (res, req) => {
      const exchange = http.exchange(res, req);
      http.authorized(exchange, () => {
        exchange.error(new ChatError('upgrade_required'), { Upgrade: 'websocket' });
      });
    });
    allow(path, 'GET');
  }
  for (const [path, methods] of allowed) {
    app.any(patternOf(path), (res, req) => {
      const exchange = http.exchange(res, req);
      http.authorized(exchange, () => {
        exchange.error(new ChatError('method_not_allowed'), { Allow: methods.join(', ') });
      });
    });
  }
  registerProbe(app, http, '/healthz', () => true);
  registerProbe(app, http, '/readyz', options.ready);
  app.any('/*', (res, req) => {
    const exchange = http.exchange(res, req);
    const nothing = () => exchange.error(new ChatError('not_found'));
    const inside = exchange.path === BASE || exchange.path.startsWith(`${BASE}/`);
    if (inside) http.authorized(exchange, nothing);
    else http.guard(exchange, nothing);
  });
}

function serve(
  res: HttpResponse,
  req: HttpRequest,
  name: RouteName,
  operation: Operation,
  options: RouterOptions,
): void {
  const { http } = options;
  const exchange = http.exchange(res, req);
  const idText = operation.path.includes('{id}') ? req.getParameter(0) : undefined;
  const stream = operation.body === undefined ? undefined : exchange.receive();
  http.authorized(exchange, (identity) => {
    const { caller } = identity;
    const id = idText === undefined ? 0 : parseId(idText);
    if (id === undefined) throw new ChatError('invalid_id');
    const query = operation.paged && new URLSearchParams(exchange.query);
    const limit = query && countParameter(query, 'limit');
    const offset = query && countParameter(query, 'offset');
    const request = { caller, id, limit, offset, body: undefined, photo: undefined };
    if (operation.method === 'GET') return read(exchange, request, name, options);
    return write(exchange, identity, request, name, operation, stream, options);
  });
}

/** Answers from the end of the log. One look at it is enough for all that this tick brings. */
function read(
  exchange: Exchange,
  request: Omit<Request<RouteName>, 'body'>,
  name: RouteName,
  { http, services }: RouterOptions,
): void {
  // The name picks the endpoint for this very request; TypeScript cannot see that the two belong together.
  const endpoint = endpoints[name] as Read<RouteName>;
  services.hub.follower.readSoon(
    () => endpoint(request as Request<RouteName>, services),
    (body) => {
      if (exchange.done) return; // The peer is gone.
      if (typeof body === 'string' || !isPhotoOf(body)) return reply(exchange, body);
      const { photoOf, id, name } = body;
      http.attempt(exchange, async () => reply(exchange, await services.photos.read(photoOf, id, name)));
    },
    (error) =>
      http.attempt(exchange, () => {
        throw error;
      }),
  );
}

function isPhotoOf(body: Exclude<Reply, Image> | PhotoOf): body is PhotoOf {
  return typeof body === 'object' && 'photoOf' in body;
}

async function write(
  exchange: Exchange,
  identity: Identity,
  request: Omit<Request<RouteName>, 'body'>,
  name: RouteName,
  operation: Operation,
  stream: Readable | undefined,
  options: RouterOptions,
): Promise<void> {
  if (operation.photo && isMultipart(exchange)) options.limits.admitUpload(request.caller);
  const { body, photo } =
    operation.body === undefined || stream === undefined
      ? { body: undefined, photo: undefined }
      : await readInput(exchange, stream, operation.body, operation, request.caller, options);
  try {
    // A body may be minutes on its way.
    if (options.services.hub.revocations.has(identity)) throw new ChatError('unauthorized');
    const endpoint = endpoints[name] as Write<RouteName>;
    reply(exchange, await endpoint({ ...request, body, photo } as Request<RouteName>, options.services));
  } finally {
    await photo?.discard();
  }
}

function reply(exchange: Exchange, body: Reply): void {
  if (typeof body === 'string') exchange.json(200, body);
  else if (isImage(body)) exchange.image(body);
  else exchange.json(200, JSON.stringify(body));
}

function isImage(body: Exclude<Reply, string>): body is Image {
  return 'bytes' in body && Buffer.isBuffer(body.bytes);
}

function registerProbe(app: TemplatedApp, http: HttpGateway, path: string, healthy: () => boolean): void {
  app.any(path, (res, req) => {
    const exchange = http.exchange(res, req);
    http.guard(exchange, () => {
      if (exchange.method !== 'GET' && exchange.method !== 'HEAD') {
        exchange.error(new ChatError('method_not_allowed'), { Allow: 'GET, HEAD' });
      } else if (healthy()) {
        exchange.json(200, '{"status":"ok"}');
      } else {
        throw new ChatError('unavailable');
      }
    });
  });
}

/** The engine's way to write `/chat/{id}`. */
export function patternOf(path: string): string {
  return path.replace('{id}', ':id');
}
