import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { messageRoutes } from '../../api/message-routes.js';
import { type Channel, type Method, methodsOf, type Operation } from '../../api/operation.js';
import { BASE, channels, type RouteName, routes } from '../../api/routes.js';
import { ChatError } from '../../chat/errors.js';
import type { HttpGateway, OpenHandler } from './gateway.js';
import { type HandlerOptions, handlerOf } from './handlers.js';

export interface RouterOptions extends HandlerOptions {
  readonly http: HttpGateway;
  /** The most characters of a message. */
  readonly textCharactersMax: number;
  /** Whether the worker can serve: linked to a ledger, and not about to stop. */
  readonly ready: () => boolean;
}

type EngineHandler = (res: HttpResponse, req: HttpRequest) => void;

const REGISTER: Readonly<
  Record<Method, (app: TemplatedApp, pattern: string, handler: EngineHandler) => TemplatedApp>
> = {
  GET: (app, pattern, handler) => app.get(pattern, handler).head(pattern, handler),
  POST: (app, pattern, handler) => app.post(pattern, handler),
  PUT: (app, pattern, handler) => app.put(pattern, handler),
  PATCH: (app, pattern, handler) => app.patch(pattern, handler),
  DELETE: (app, pattern, handler) => app.del(pattern, handler),
};

/**
 * Registers every HTTP route. WebSocket routes must be registered before, because a plain GET on their paths falls
 * through to these.
 */
export function registerRoutes(app: TemplatedApp, options: RouterOptions): void {
  const { http, textCharactersMax } = options;
  const operations: Record<RouteName, Operation> = { ...routes, ...messageRoutes(textCharactersMax) };
  for (const [name, operation] of Object.entries(operations) as [RouteName, Operation][]) {
    const handle = handlerOf(name, operation, options);
    REGISTER[operation.method](app, patternOf(operation.path), (res, req) =>
      http.serve(res, req, operation, handle),
    );
  }
  for (const { path } of channels) {
    app.get(patternOf(path), (res, req) => http.serve(res, req, undefined, upgradeRequired));
  }
  for (const [path, methods] of allowedMethods(Object.values(routes), channels)) {
    const refuse = methodNotAllowed(methods);
    app.any(patternOf(path), (res, req) => http.serve(res, req, undefined, refuse));
  }
  registerProbe(app, http, '/healthz', () => true);
  registerProbe(app, http, '/readyz', options.ready);
  app.any('/*', (res, req) => {
    const path = req.getUrl();
    if (path === BASE || path.startsWith(`${BASE}/`)) http.serve(res, req, undefined, notFound);
    else http.serveOpen(res, req, undefined, notFound);
  });
}

/** The methods of each path, as `Allow` lists them. */
export function allowedMethods(
  operations: readonly Pick<Operation, 'method' | 'path'>[],
  sockets: readonly Pick<Channel, 'path'>[],
): Map<string, readonly string[]> {
  const allowed = new Map<string, Set<string>>();
  const allow = (path: string, ...methods: readonly string[]) =>
    allowed.set(path, new Set([...(allowed.get(path) ?? []), ...methods]));
  for (const { method, path } of operations) allow(path, ...methodsOf(method));
  for (const { path } of sockets) allow(path, 'GET');
  return new Map([...allowed].map(([path, methods]) => [path, [...methods]]));
}

/** Returns the engine's pattern for a path such as `/chat/{id}`. Its parameters are known by their order. */
export function patternOf(path: string): string {
  return path.replace('{id}', ':id').replace('{emoji}', ':emoji');
}

function registerProbe(app: TemplatedApp, http: HttpGateway, path: string, healthy: () => boolean): void {
  const refuse = methodNotAllowed(['GET', 'HEAD']);
  app.any(path, (res, req) =>
    http.serveOpen(res, req, undefined, (exchange) => {
      if (exchange.method !== 'GET' && exchange.method !== 'HEAD') return refuse(exchange);
      if (!healthy()) throw new ChatError('unavailable');
      exchange.json(200, '{"status":"ok"}');
    }),
  );
}

const notFound: OpenHandler = (exchange) => exchange.error(new ChatError('not_found'));

const upgradeRequired: OpenHandler = (exchange) =>
  exchange.error(new ChatError('upgrade_required'), { Upgrade: 'websocket' });

function methodNotAllowed(methods: readonly string[]): OpenHandler {
  const headers = { Allow: methods.join(', ') };
  return (exchange) => exchange.error(new ChatError('method_not_allowed'), headers);
}
