import { ChatError } from '../chat/errors.js';

/** How deep objects and lists may be nested. */
export const JSON_DEPTH_MAX = 32;
/**
 * How many values a text may have, and how many of them may be objects and lists. To parse 1 MiB of small ones would
 * block the worker for up to 150 ms.
 */
export const JSON_VALUES_MAX = 32_768;
export const JSON_CONTAINERS_MAX = 16_384;
/** A longer text is counted before it is parsed. */
const UNCOUNTED_CHARACTERS_MAX = 65_536;

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
/** The codes of a bracket and a brace differ in this bit alone. */
const BRACE_BIT = 0x20;
const OPENING = 0x5b;
const CLOSING = 0x5d;

type Refusal = 'invalid_frame' | 'invalid_json';

/**
 * Parses a JSON text from a client. An object that has a key twice, however the key is written, is refused, because two
 * readers could understand two things. Errors: `refusal`, also over JSON_DEPTH_MAX, JSON_VALUES_MAX and
 * JSON_CONTAINERS_MAX, which are checked before the text is parsed.
 */
export function parseJson(text: string, refusal: Refusal): unknown {
  const nests = text.length > UNCOUNTED_CHARACTERS_MAX || text.includes('{', 1) || text.includes('[', 1);
  let keys = nests ? countKeys(text, refusal) : undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ChatError(refusal);
  }
  if (!nests && plainLength(value) === text.length) return value;
  keys ??= countKeys(text, refusal);
  if (keysIn(value) !== keys) throw new ChatError(refusal, { sentence: 'A key comes twice in one object.' });
  return value;
}

/**
 * How long an object of strings is as JSON when nothing in it is escaped, spaced or there twice; undefined for another
 * value. A text of just this length has none of that. Most frames are such texts, and comparing lengths is faster than
 * counting keys.
 */
function plainLength(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  let length = '{'.length;
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item !== 'string') return undefined;
    length += key.length + item.length + '"":"",'.length;
  }
  return length;
}

/** Counts the keys of a text, if that is JSON; a key that comes again counts again. Errors: `refusal`, over the bounds. */
function countKeys(text: string, refusal: Refusal): number {
  let keys = 0;
  let depth = 0;
  let values = 1;
  let containers = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      at = endOfString(text, at);
      if (at === -1) throw new ChatError(refusal);
    } else if (unit === COLON) {
      keys += 1;
    } else if (unit === COMMA) {
      values += 1;
      if (values > JSON_VALUES_MAX) throw tooMuch(refusal);
    } else if ((unit & ~BRACE_BIT) === OPENING) {
      values += 1;
      depth += 1;
      containers += 1;
      if (depth > JSON_DEPTH_MAX || containers > JSON_CONTAINERS_MAX) throw tooMuch(refusal);
    } else if ((unit & ~BRACE_BIT) === CLOSING) {
      depth -= 1;
    }
  }
  return keys;
}

/** The index of the quote that ends the string which begins at `begin`; -1 when there is none. */
function endOfString(text: string, begin: number): number {
  for (let end = begin; ; ) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return -1;
    let before = end;
    while (text.charCodeAt(before - 1) === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 0) return end;
  }
}

function tooMuch(refusal: Refusal): ChatError {
  return new ChatError(refusal, {
    sentence:
      `JSON may be nested ${JSON_DEPTH_MAX} deep, ` +
      `and have ${JSON_VALUES_MAX} values, ${JSON_CONTAINERS_MAX} of them objects and lists.`,
  });
}

/** Counts the keys of all objects in a value. */
function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const isList = Array.isArray(value);
  const items: readonly unknown[] = isList ? value : Object.values(value);
  let keys = isList ? 0 : items.length;
  for (const item of items) keys += keysIn(item);
  return keys;
}
