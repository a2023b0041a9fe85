import { z } from 'zod';

/** The longest text that TEXT_CHARACTERS_MAX may allow. */
export const TEXT_CHARACTERS_MAX = 8192;
const NAME_CHARACTERS_MAX = 128;
const DESCRIPTION_CHARACTERS_MAX = 1024;
const CLIENT_ID_CHARACTERS_MAX = 64;

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

/** Whether everybody can write and read the text: C ends it at NUL, and half a character has no UTF-8. */
function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
const NOT_CLEAN = 'must be well-formed Unicode without NUL';

// The lengths of these schemas are checked by `refine`, because zod's own `min` and `max` count UTF-16 units. JSON
// Schema counts code points (JSON Schema Validation, 6.3), so the metadata gives its readers the same bounds.

/** One line for people: trimmed, 1 to `max` characters, no control characters. */
export function line(max: number) {
  return z
    .string({ error: 'must be a string' })
    .refine((text) => text.isWellFormed(), { error: 'must be well-formed Unicode' })
    .trim()
    .refine((text) => text.length > 0 && fits(text, max), { error: `must have 1 to ${max} characters` })
    .refine((text) => !CONTROL.test(text), { error: 'must not have control characters' })
    .meta({
      minLength: 1,
      maxLength: max,
      description:
        'One line without control characters. White space around it is dropped before it is counted.',
    });
}

/** Text of several lines: 0 to `max` characters, line breaks and tabs allowed, other control characters not. */
export function paragraph(max: number) {
  return z
    .string({ error: 'must be a string' })
    .refine((text) => text.isWellFormed(), { error: 'must be well-formed Unicode' })
    .refine((text) => fits(text, max), { error: `must have at most ${max} characters` })
    .refine((text) => !CONTROL_BUT_LINE_BREAKS.test(text), { error: 'must not have control characters' })
    .meta({
      maxLength: max,
      description: 'Text without control characters other than line breaks and tabs.',
    });
}

/** What a person says: kept as it is, all but NUL; 1 to `max` characters, not only white space. */
export function utterance(max: number) {
  return z
    .string({ error: 'must be a string' })
    .refine(isClean, { error: NOT_CLEAN })
    .refine((text) => fits(text, max) && /\S/.test(text), {
      error: `must have 1 to ${max} characters, not only white space`,
    })
    .meta({
      minLength: 1,
      maxLength: max,
      pattern: '\\S',
      description: 'Any text without NUL. It is kept as it is.',
    });
}

/** The name of a user or a group. */
export const Name = line(NAME_CHARACTERS_MAX);
/** The description of a user or a group. */
export const Description = paragraph(DESCRIPTION_CHARACTERS_MAX);

/** A name that the client chooses for one of its own requests, so that repeating it changes nothing. */
export const ClientId = z
  .string({ error: 'must be a string' })
  .refine(isClean, { error: NOT_CLEAN })
  .refine((text) => text.length > 0 && fits(text, CLIENT_ID_CHARACTERS_MAX), {
    error: `must have 1 to ${CLIENT_ID_CHARACTERS_MAX} characters`,
  })
  .meta({
    minLength: 1,
    maxLength: CLIENT_ID_CHARACTERS_MAX,
    description: "The client's own name for what it sends. Sending the same again changes nothing.",
  });
