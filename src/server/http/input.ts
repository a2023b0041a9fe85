import type { Operation } from '../../api/operation.js';
import { ChatError } from '../../chat/errors.js';
import { parseId } from '../../chat/ids.js';
import type { Caller } from '../../chat/users.js';
import { readUpload, type UploadedPhoto, type UploadOptions } from '../uploads/upload.js';
import { mediaType, parseBody, readJson } from './body.js';
import type { Exchange } from './exchange.js';
import { badParameter, parameter } from './query.js';

export interface Input {
  readonly body: unknown;
  readonly photo: UploadedPhoto | undefined;
}

const NO_INPUT: Input = { body: undefined, photo: undefined };

/**
 * Reads and checks the body of a request: JSON, multipart with a photo, or `?users=`. The caller of this
 * function must discard the photo. `caller` is the user that the upload is counted for. Errors: invalid_json,
 * invalid_multipart, invalid_field, invalid_query, too_large, unsupported_media_type, and those of `readUpload`.
 */
export async function readInput(
  exchange: Exchange,
  operation: Operation,
  caller: Caller,
  options: UploadOptions,
): Promise<Input> {
  const schema = operation.body;
  const stream = exchange.body;
  if (schema === undefined || stream === undefined) return NO_INPUT;
  const users = operation.usersInQuery ? parameter(new URLSearchParams(exchange.query), 'users') : undefined;
  if (users !== undefined) {
    stream.resume(); // The list in the query wins over a body, which is read and dropped.
    return { body: parseBody(schema, usersOf(users)), photo: undefined };
  }

  const contentType = exchange.header('content-type');
  const contentLength = exchange.header('content-length');
  const type = mediaType(contentType);
  if (type === 'application/json') {
    return { body: parseBody(schema, await readJson(stream, contentLength)), photo: undefined };
  }
  if (type !== 'multipart/form-data' || operation.photo === undefined) {
    throw new ChatError('unsupported_media_type');
  }
  options.admission.admitUpload(caller);
  const { json, photo } = await readUpload(stream, contentType, contentLength, caller, options);
  try {
    return { body: parseBody(schema, json), photo };
  } catch (error) {
    await photo?.discard();
    throw error;
  }
}

/** `1,2` in the shape of a body. Errors: invalid_query. */
function usersOf(list: string): unknown {
  return {
    users: list.split(',').map((text) => {
      const id = parseId(text);
      if (id === undefined) throw badParameter('users', 'must be ids with commas between them');
      return { id };
    }),
  };
}
