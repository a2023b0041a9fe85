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
