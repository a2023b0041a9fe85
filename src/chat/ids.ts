import { z } from 'zod';

/** The id of a user, chat or message: a positive integer up to 2^53-1; in JSON a number, never a string. */
export const Id = z
  .number({ error: 'must be a number' })
  .int({ error: 'must be a positive integer' })
  .min(1, { error: 'must be a positive integer' });

/** Reads an id from a path. Returns undefined for anything but `^[1-9]\d*$` up to 2^53-1. */
export function parseId(text: string): number | undefined {
  if (!/^[1-9]\d{0,15}$/.test(text)) return undefined;
  const id = Number(text);
  return Number.isSafeInteger(id) ? id : undefined;
}

/**
 * Reads where a client resumes: `<id>`, or `<id>@<time>` with the time of that entry in milliseconds since the epoch. The
 * id 0, which has no time, is the beginning. Returns undefined for anything else.
 */
export function parseCursor(
  text: string,
): { readonly id: number; readonly time: number | undefined } | undefined {
  if (text === '0') return { id: 0, time: undefined };
  const [idText = '', timeText, ...rest] = text.split('@');
  const id = parseId(idText);
  const time = timeText === undefined ? undefined : parseId(timeText);
  const isMalformed = id === undefined || rest.length > 0 || (timeText !== undefined && time === undefined);
  return isMalformed ? undefined : { id, time };
}

/** Reads a count such as `limit` or `offset`: a non-negative integer, or undefined. One over 2^53-1 is taken as that. */
export function parseCount(text: string): number | undefined {
  return /^\d+$/.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : undefined;
}

/** A place in the history, as `parseCursor` reads it from `<id>@<time>`. */
export interface Cursor {
  readonly id: number;
  /** Proves which history the id is of; undefined when its entry has gone. */
  readonly time: number | undefined;
}

const OPAQUE_CURSOR = /^c1-([0-9a-z]{1,11})(?:-([0-9a-z]{1,11}))?$/;

/** A cursor in the form that clients keep without reading it: a later version may put more into it. */
export function opaqueCursor({ id, time }: Cursor): string {
  return `c1-${id.toString(36)}${time === undefined ? '' : `-${time.toString(36)}`}`;
}

/** Returns undefined for anything but what `opaqueCursor` gives. */
export function parseOpaqueCursor(text: string): Cursor | undefined {
  const [match, idText = '', timeText] = OPAQUE_CURSOR.exec(text) ?? [];
  if (match === undefined) return undefined;
  const id = Number.parseInt(idText, 36);
  const time = timeText === undefined ? undefined : Number.parseInt(timeText, 36);
  return Number.isSafeInteger(id) && Number.isSafeInteger(time ?? 0) ? { id, time } : undefined;
}
