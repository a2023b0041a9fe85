import type { Operation } from '../../api/operation.js';
import type { RouteName } from '../../api/routes.js';
import { emojiOf } from '../../chat/emoji.js';
import { ChatError } from '../../chat/errors.js';
import { parseId } from '../../chat/ids.js';
import type { Caller } from '../../chat/users.js';
import { PHOTO_SIZES, type PhotoSize } from '../../store/photo-store.js';
import type { UploadOptions } from '../uploads/upload.js';
import { chatEndpoints } from './endpoints/chats.js';
import type { Endpoints, PhotoOf, Read, Reply, Request, Services, Write } from './endpoints/endpoint.js';
import { groupEndpoints } from './endpoints/groups.js';
import { messageEndpoints } from './endpoints/messages.js';
import { userEndpoints } from './endpoints/users.js';
import type { Exchange } from './exchange.js';
import type { Handler } from './gateway.js';
import { readInput } from './input.js';
import { badParameter, countParameter, flagParameter, parameter, placeParameter } from './query.js';

/** A photo may be replaced between the look at the row and the read of the file; hardly so often. */
const PHOTO_TRIES_MAX = 5;

const endpoints: Endpoints = {
  ...userEndpoints,
  ...chatEndpoints,
  ...groupEndpoints,
  ...messageEndpoints,
};

export interface HandlerOptions extends UploadOptions {
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
    const size = operation.image ? sizeOf(exchange) : 1280;
    const ask = (triesLeft: number) =>
      follower.readSoon(
        () => endpoint(request, services),
        (body) =>
          exchange.run(() => {
            if (exchange.done) return; // The peer is gone.
            if (typeof body === 'string' || !isPhotoOf(body)) return reply(exchange, body);
            return answerPhoto(exchange, body, size, services).catch((error: unknown) => {
              // Its file may have gone with a change since: then the row names another.
              const isGone = error instanceof ChatError && error.code === 'photo_not_found';
              if (!isGone || body.name === null || triesLeft === 0) throw error;
              ask(triesLeft - 1);
            });
          }),
        (error) => exchange.refuse(error),
      );
    ask(PHOTO_TRIES_MAX - 1);
  };
}

/** The path of a photo stays the same when it is replaced, but not the name of its file. */
async function answerPhoto(
  exchange: Exchange,
  { photoOf, id, name }: PhotoOf,
  size: PhotoSize,
  { photos }: Services,
): Promise<void> {
  const etag = `"${name}-${size}"`;
  if (name !== null && exchange.peerHas(etag)) exchange.notModified(etag);
  else exchange.image(etag, await photos.read(photoOf, id, name, size));
}

function isPhotoOf(body: Exclude<Reply, string> | PhotoOf): body is PhotoOf {
  return 'photoOf' in body;
}

/** Reads and checks the body, then hands the change to the ledger. */
function writer(name: RouteName, operation: Operation, options: HandlerOptions): Handler {
  const endpoint = endpoints[name] as Write<RouteName>;
  const { services } = options;
  return async (exchange, identity) => {
    const { caller } = identity;
    const request = requestOf(exchange, caller, operation);
    const { body, photo } = await readInput(exchange, operation, caller, options);
    try {
      // A body may be minutes on its way.
      services.hub.revocations.assertValid(identity);
      reply(exchange, await endpoint({ ...request, body, photo } as Request<RouteName>, services));
    } finally {
      await photo?.discard();
    }
  };
}

/** Errors: invalid_id, invalid_query, invalid_field for what is no emoji. */
function requestOf(exchange: Exchange, caller: Caller, operation: Operation) {
  const id = exchange.idText === undefined ? 0 : parseId(exchange.idText);
  if (id === undefined) throw new ChatError('invalid_id');
  const emoji = exchange.emojiText === undefined ? '' : emojiIn(exchange.emojiText);
  const { paged, placed } = operation;
  const query = new URLSearchParams(paged || placed || operation.ifNeeded ? exchange.query : '');
  const limit = paged || placed ? countParameter(query, 'limit') : undefined;
  const offset = paged && countParameter(query, 'offset');
  const place = placed && placeParameter(query);
  const ifNeeded = operation.ifNeeded && flagParameter(query, 'if_needed');
  return { caller, id, emoji, limit, offset, place, ifNeeded, body: undefined, photo: undefined };
}

/** Reads an emoji from a path, in which it is percent-encoded. Errors: invalid_field. */
function emojiIn(text: string): string {
  let emoji: string | undefined;
  try {
    emoji = emojiOf(decodeURIComponent(text));
  } catch {
    // It is not the encoding of any text.
  }
  if (emoji !== undefined) return emoji;
  const details = { field: 'emoji' };
  throw new ChatError('invalid_field', { sentence: 'The field emoji must be one emoji.', details });
}

/** Errors: invalid_query. */
function sizeOf({ query }: Exchange): PhotoSize {
  const text = parameter(new URLSearchParams(query), 'size');
  const size = PHOTO_SIZES.find((one) => String(one) === (text ?? '1280'));
  if (size === undefined) throw badParameter('size', `must be ${PHOTO_SIZES.join(' or ')}`);
  return size;
}

function reply(exchange: Exchange, body: Reply): void {
  exchange.json(200, typeof body === 'string' ? body : JSON.stringify(body));
}
