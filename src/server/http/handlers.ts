import type { Operation } from '../../api/operation.js';
import type { RouteName } from '../../api/routes.js';
import { ChatError } from '../../chat/errors.js';
import { parseId } from '../../chat/ids.js';
import type { Caller } from '../../chat/users.js';
import type { MaybePromise } from '../../maybe-promise.js';
import type { Image } from '../../store/photo-store.js';
import type { Admission } from '../limits/admission.js';
import type { UploadOptions } from '../uploads/upload.js';
import { chatEndpoints } from './endpoints/chats.js';
import type { Endpoints, PhotoOf, Read, Reply, Request, Services, Write } from './endpoints/endpoint.js';
import { groupEndpoints } from './endpoints/groups.js';
import { userEndpoints } from './endpoints/users.js';
import type { Exchange } from './exchange.js';
import type { Handler } from './gateway.js';
import { isMultipart, readInput } from './input.js';
import { countParameter } from './query.js';

const endpoints: Endpoints = { ...userEndpoints, ...chatEndpoints, ...groupEndpoints };

export interface HandlerOptions extends UploadOptions {
  readonly limits: Admission;
  readonly services: Services;
}

/** What answers the requests of one operation, by its endpoint. */
export function handlerOf(name: RouteName, operation: Operation, options: HandlerOptions): Handler {
  return operation.method === 'GET' ? reader(name, operation, options) : writer(name, operation, options);
}

// The name picks the operation and its endpoint at once; TypeScript cannot see that the two belong together.

/** Answers from the end of the log. One look at it is enough for all that this tick brings. */
function reader(name: RouteName, operation: Operation, { services }: HandlerOptions): Handler {
  const endpoint = endpoints[name] as Read<RouteName>;
  const { follower } = services.hub;
  return (exchange, { caller }) => {
    const request = requestOf(exchange, caller, operation) as Request<RouteName>;
    follower.readSoon(
      () => endpoint(request, services),
      (body) => exchange.run(() => answer(exchange, body, services)),
      (error) => exchange.refuse(error),
    );
  };
}

/** A photo is read from its file when the row that names it is. */
function answer(
  exchange: Exchange,
  body: Exclude<Reply, Image> | PhotoOf,
  { photos }: Services,
): MaybePromise<void> {
  if (exchange.done) return; // The peer is gone.
  if (typeof body === 'string' || !isPhotoOf(body)) return reply(exchange, body);
  return photos.read(body.photoOf, body.id, body.name).then((image) => reply(exchange, image));
}

function isPhotoOf(body: Exclude<Reply, Image | string> | PhotoOf): body is PhotoOf {
  return 'photoOf' in body;
}

/** Reads and checks the body, then hands the change to the ledger. */
function writer(name: RouteName, operation: Operation, options: HandlerOptions): Handler {
  const endpoint = endpoints[name] as Write<RouteName>;
  const { services, limits } = options;
  return async (exchange, identity) => {
    const { caller } = identity;
    const request = requestOf(exchange, caller, operation);
    if (operation.photo && isMultipart(exchange)) limits.admitUpload(caller);
    const { body, photo } = await readInput(exchange, operation, caller, options);
    try {
      // A body may be minutes on its way.
      if (services.hub.revocations.has(identity)) throw new ChatError('unauthorized');
      reply(exchange, await endpoint({ ...request, body, photo } as Request<RouteName>, services));
    } finally {
      await photo?.discard();
    }
  };
}

/** Errors: invalid_id, invalid_query. */
function requestOf(exchange: Exchange, caller: Caller, operation: Operation) {
  const id = exchange.idText === undefined ? 0 : parseId(exchange.idText);
  if (id === undefined) throw new ChatError('invalid_id');
  const query = operation.paged && new URLSearchParams(exchange.query);
  const limit = query && countParameter(query, 'limit');
  const offset = query && countParameter(query, 'offset');
  return { caller, id, limit, offset, body: undefined, photo: undefined };
}

function reply(exchange: Exchange, body: Reply): void {
  if (typeof body === 'string') exchange.json(200, body);
  else if (isImage(body)) exchange.image(body);
  else exchange.json(200, JSON.stringify(body));
}

function isImage(body: Exclude<Reply, string>): body is Image {
  return 'bytes' in body && Buffer.isBuffer(body.bytes);
}
