import type { z } from 'zod';
import type { ErrorCode } from '../chat/errors.js';

export const BASE = '/api/v1';

export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Method = (typeof METHODS)[number];

/** The methods that a path takes because of an operation: where there is GET, there is HEAD. */
export function methodsOf(method: Method): readonly string[] {
  return method === 'GET' ? ['GET', 'HEAD'] : [method];
}

/** One HTTP endpoint, described as data: the router is made from it, and the tests hold every answer to it. */
export interface Operation {
  readonly method: Method;
  /**
   * `{id}` is a positive integer; anything else in its place is `invalid_id`. `{emoji}`, which may follow, is an emoji,
   * percent-encoded; anything else in its place is `invalid_field`.
   */
  readonly path: string;
  readonly summary: string;
  /** Takes `limit` and `offset`. */
  readonly paged?: true;
  /** Takes `limit` and one of `before`, `after` and `around`, each an id. */
  readonly placed?: true;
  readonly body?: z.ZodType;
  /** The body may come as multipart/form-data with the parts `json` and `photo`. */
  readonly photo?: true;
  /** The body may come as `?users=1,2`, for clients and proxies that drop the body of a DELETE. */
  readonly usersInQuery?: true;
  /** Takes `if_needed`: when it is true, what is so already is passed over, instead of being refused. */
  readonly ifNeeded?: true;
  /** The JSON body of a 200; absent where the answer is an image. */
  readonly response?: z.ZodType;
  /**
   * The answer is an image, in the `size` that the query asks for. A signature in the query (`photo_url`) takes the place
   * of a token.
   */
  readonly image?: true;
  /** What it may refuse with, beside what follows from the traits above (`errorsOf`). */
  readonly errors: readonly ErrorCode[];
  /** Refusals whose bodies have fields beside those that every refusal has. */
  readonly refusals?: { readonly [C in ErrorCode]?: RefusalShape };
}

export interface RefusalShape {
  readonly fields: Readonly<Record<string, unknown>>;
  /** The whole body. */
  readonly schema: z.ZodType;
}

/** One WebSocket endpoint. */
export interface Channel {
  readonly path: string;
  readonly summary: string;
  /** A chat's endpoints begin with history; `main` has no id and no history. */
  readonly of: 'private' | 'group' | 'main';
  /** The frames that the server sends. */
  readonly sends: z.ZodType;
  /** The frames that it takes. */
  readonly takes: z.ZodType;
  /** What an upgrade may be refused with, beside what every upgrade may be (`upgradeErrorsOf`). */
  readonly errors: readonly ErrorCode[];
}

/** What a request is for: an operation, or a channel. */
export type Endpoint = Pick<Operation, 'path' | 'body' | 'image' | 'refusals'>;

/** What an endpoint may refuse with because of what it is. */
const ERRORS = {
  every: ['bad_request', 'internal', 'rate_limited', 'timeout', 'unauthorized', 'unavailable'],
  withId: ['invalid_id'],
  withEmoji: ['invalid_field'],
  withBody: ['invalid_field', 'invalid_json', 'too_large', 'unsupported_media_type'],
  withPhoto: ['invalid_multipart', 'photo_heic_unsupported', 'photo_invalid', 'storage_low'],
  withQuery: ['invalid_query'],
  withImage: ['overloaded', 'photo_not_found'],
  writing: ['overloaded', 'storage_full'],
  upgrade: [
    'after_unknown',
    'history_changed',
    'origin_not_allowed',
    'profile_required',
    'too_many_sockets',
    'upgrade_required',
  ],
} as const satisfies Record<string, readonly ErrorCode[]>;

/** What requests that reach no endpoint are refused with, beside what every endpoint may refuse with. */
export const NO_ENDPOINT_ERRORS = [
  ...ERRORS.every,
  'method_not_allowed',
  'not_found',
  'upgrade_required',
] as const satisfies readonly ErrorCode[];

/** Every code that an endpoint may refuse with. */
export function errorsOf(operation: Operation): readonly ErrorCode[] {
  return [
    ...ERRORS.every,
    ...(operation.path.includes('{id}') ? ERRORS.withId : []),
    ...(operation.path.includes('{emoji}') ? ERRORS.withEmoji : []),
    ...(operation.body ? ERRORS.withBody : []),
    ...(operation.photo ? ERRORS.withPhoto : []),
    ...(hasQuery(operation) ? ERRORS.withQuery : []),
    ...(operation.image ? ERRORS.withImage : []),
    ...(operation.method === 'GET' ? [] : ERRORS.writing),
    ...operation.errors,
  ];
}

function hasQuery({ paged, placed, usersInQuery, ifNeeded, image }: Operation): boolean {
  return [paged, placed, usersInQuery, ifNeeded, image].includes(true);
}

/** Every code that an upgrade may be refused with. */
export function upgradeErrorsOf(channel: Channel): readonly ErrorCode[] {
  return [
    ...ERRORS.every,
    ...(channel.path.includes('{id}') ? ERRORS.withId : []),
    ...ERRORS.withQuery,
    ...ERRORS.upgrade,
    ...channel.errors,
  ];
}

/** The engine answers these by itself, with a line of HTML, and then closes the connection. */
export const ENGINE_STATUSES = {
  400: 'The request is not HTTP, or its framing is not allowed.',
  431: 'The head of the request is larger than 32 KiB.',
  505: 'The engine cannot read the first line as one of HTTP/1.1.',
} as const;
