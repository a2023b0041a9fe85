import { z } from 'zod';

const CONTROL = /\p{Cc}/u;
const CONTROL_BUT_LINE_BREAKS = /[^\P{Cc}\n\r\t]/u;

/** Length in Unicode code points, the contract's unit for every text. */
export function characters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** True when `text` has at most `max` code points. Counts only when the UTF-16 length leaves a doubt. */
function fits(text: string, max: number): boolean {
  return text.length <= max || (text.length <= max * 2 && characters(text) <= max);
}

/** What can be written, and read again by anybody: NUL ends a text where C is at work, half a character has no UTF-8. */
function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
const NOT_CLEAN = 'must be well-formed Unicode without NUL';

/** One line for people: trimmed, 1 to `max` characters, no control characters. */
export function line(max: number) {
  return z
    .string({ error: 'must be a string' })
    .refine((text) => text.isWellFormed(), { error: 'must be well-formed Unicode' })
    .transform((text) => text.trim())
    .refine((text) => text.length > 0 && fits(text, max), { error: `must have 1 to ${max} characters` })
    .refine((text) => !CONTROL.test(text), { error: 'must not have control characters' });
}

/** Text of several lines: 0 to `max` characters, line breaks and tabs allowed, other control characters not. */
export function paragraph(max: number) {
  return z
    .string({ error: 'must be a string' })
    .refine((text) => text.isWellFormed(), { error: 'must be well-formed Unicode' })
    .refine((text) => fits(text, max), { error: `must have at most ${max} characters` })
    .refine((text) => !CONTROL_BUT_LINE_BREAKS.test(text), { error: 'must not have control characters' });
}

/** What a person says: kept as it is, all but NUL; 1 to `max` characters, not only white space. */
export function utterance(max: number) {
  return z
    .string({ error: 'must be a string' })
    .refine(isClean, { error: NOT_CLEAN })
    .refine((text) => fits(text, max) && /\S/.test(text), {
      error: `must have 1 to ${max} characters, not only white space`,
    });
}

/** A name that the client chooses for one of its own requests, so that repeating it changes nothing. */
export const ClientId = z
  .string({ error: 'must be a string' })
  .refine(isClean, { error: NOT_CLEAN })
  .refine((text) => text.length > 0 && fits(text, 64), { error: 'must have 1 to 64 characters' });
