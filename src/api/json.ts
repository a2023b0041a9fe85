import { ChatError } from '../chat/errors.js';

/** Objects and lists within one another. */
export const JSON_DEPTH_MAX = 32;
/** Values of one text, and how many of them are objects and lists: 1 MiB of small ones would take up to 150 ms. */
export const JSON_VALUES_MAX = 32_768;
export const JSON_CONTAINERS_MAX = 16_384;
/** Longer texts are counted through before anything else. */
const PLAIN_CHARACTERS_MAX = 65_536;

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
/** Brackets and braces differ in this bit alone. */
const BRACE_BIT = 0x20;
const OPENING = 0x5b;
const CLOSING = 0x5d;

type Refusal = 'invalid_frame' | 'invalid_json';

/**
 * The value of a JSON text from a client. A key that comes twice in an object, however it is written, is refused:
 * two readers could understand two things. Errors: `refusal`, also over JSON_DEPTH_MAX, JSON_VALUES_MAX and
 * JSON_CONTAINERS_MAX, which are looked at before anything is built.
 */
export function parseJson(text: string, refusal: Refusal): unknown {
  const nests = text.length > PLAIN_CHARACTERS_MAX || text.includes('{', 1) || text.includes('[', 1);
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
 * How long an object of strings is as JSON when nothing in it is escaped, spaced or there twice. A text of just this
 * length is none that has any of that, which is found out faster than by reading it: most frames are such.
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

/** How many keys the text has, one that comes again too, provided that it is JSON. Keeps the bounds. */
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

/** Where the string that begins here ends; -1 when it does not. */
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

/** The keys of all objects in a value. */
function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const isList = Array.isArray(value);
  const items: readonly unknown[] = isList ? value : Object.values(value);
  let keys = isList ? 0 : items.length;
  for (const item of items) keys += keysIn(item);
  return keys;
}
