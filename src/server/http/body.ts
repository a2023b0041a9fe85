import type { Readable } from 'node:stream';
import type { z } from 'zod';
import { parseJson } from '../../api/json.js';
import { fieldError } from '../../api/refusal.js';
import { ChatError } from '../../chat/errors.js';

/** The most bytes of a JSON body. A list of 10,000 users with their names fits. */
export const JSON_BYTES_MAX = 1024 * 1024;

/** Reads a whole JSON body. Errors: too_large, invalid_json. */
export async function readJson(body: Readable, contentLength: string): Promise<unknown> {
  if (Number(contentLength) > JSON_BYTES_MAX) throw new ChatError('too_large');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > JSON_BYTES_MAX) throw new ChatError('too_large');
    chunks.push(chunk);
  }
  return jsonOf(Buffer.concat(chunks));
}

/** Parses bytes as JSON. Errors: invalid_json, also for bytes that are not UTF-8. */
export function jsonOf(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ChatError('invalid_json');
  }
  return parseJson(text, 'invalid_json');
}

/** Checks a body against its schema. Errors: invalid_field, which names the field. */
export function parseBody<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw fieldError(parsed.error);
  return parsed.data;
}

/** The media type of a Content-Type header, lower case, without parameters. */
export function mediaType(contentType: string): string {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
