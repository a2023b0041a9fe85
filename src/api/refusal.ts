import { z } from 'zod';
import { ChatError, ERROR_CODES } from '../chat/errors.js';
import { Id } from '../chat/ids.js';
import { LIMIT_NAMES } from '../chat/limits.js';
import type { Endpoint } from './operation.js';
import { Room } from './responses.js';

/** What is wrong, for a person. It names no cause that lies within the server. */
export const Sentence = z.string().regex(/^[A-Z][\s\S]*\.$/);

/** What helps a program to go on. At least one field is there; which, depends on the code. */
export const Details = z.strictObject({
  /** The path of the field that is not allowed, such as `users.0.id`. */
  field: z.string().max(128).optional(),
  /** The query parameter that is not allowed. */
  parameter: z
    .enum([
      'limit',
      'offset',
      'before',
      'after',
      'around',
      'users',
      'if_needed',
      'size',
      'features',
      'access_token',
    ])
    .optional(),
  /** The users in conflict with the request. */
  users: z.array(Id).min(1).optional(),
  /** The limit that was reached, and its number where that is fixed. */
  limit: z.enum(LIMIT_NAMES).optional(),
  max: z.number().int().min(1).optional(),
  /** When to ask again; the header Retry-After says the same in seconds. */
  retry_after_ms: z.number().int().min(1).optional(),
});

/** The body of every answer that is not a 200. */
export const Refusal = z.strictObject({
  status: z.literal('error'),
  code: z.enum(ERROR_CODES),
  error: Sentence,
  details: Details.optional(),
});
export type Refusal = z.infer<typeof Refusal>;

/** A caller without any chat is answered 404, and the body has the empty list all the same. */
export const ChatsNotFound = Refusal.extend({
  code: z.literal('chats_not_found'),
  rooms: z.array(Room).max(0),
});

/** The body of a refusal. `endpoint` is what refuses; undefined when the request reached none. */
export function refusalBody(
  error: ChatError,
  endpoint: Endpoint | undefined,
): Readonly<Record<string, unknown>> {
  return {
    status: 'error',
    code: error.code,
    error: error.message,
    ...(error.details && { details: error.details }),
    ...endpoint?.refusals?.[error.code]?.fields,
  };
}

/** The first thing that a schema found wrong, as the error that names the field: `users.0.id must be …`. */
export function fieldError(error: z.ZodError): ChatError {
  const issue = error.issues[0];
  const field = issue === undefined || issue.path.length === 0 ? 'body' : issue.path.map(String).join('.');
  return new ChatError('invalid_field', {
    sentence: `The field ${field} ${issue?.message ?? 'is not allowed'}.`,
    details: { field },
  });
}
