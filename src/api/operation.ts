import type { z } from 'zod';
import type { ErrorCode } from '../chat/errors.js';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** One HTTP endpoint, described as data: the router is made from it, and the tests hold every answer to it. */
export interface Operation {
  readonly method: Method;
  /** `{id}` is a positive integer; anything else in its place is `invalid_id`. */
  readonly path: string;
  readonly summary: string;
  /** Takes `limit` and `offset`. */
  readonly paged?: true;
  readonly body?: z.ZodType;
  /** The body may come as multipart/form-data with the parts `json` and `photo`. */
  readonly photo?: true;
  /** The body may come as `?users=1,2`, for clients and proxies that drop the body of a DELETE. */
  readonly usersInQuery?: true;
  /** The JSON body of a 200; absent where the answer is an image. */
  readonly response?: z.ZodType;
  /** What it may refuse with, beyond what every endpoint may (401, 405, 500, 503, and 400 for its input). */
  readonly errors: readonly ErrorCode[];
}

/** One WebSocket endpoint. */
export interface Channel {
  readonly path: string;
  readonly summary: string;
  /** A chat's endpoints begin with history; `main` has no id and no history. */
  readonly of: 'private' | 'group' | 'main';
}
