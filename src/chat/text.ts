import { z } from 'zod';
import { isVisible, isVisibleAlone } from './visible-text.js';

/** The longest text that TEXT_CHARACTERS_MAX may allow. */
export const TEXT_CHARACTERS_MAX = 8192;
const NAME_CHARACTERS_MAX = 128;
const DESCRIPTION_CHARACTERS_MAX = 1024;
const CLIENT_ID_CHARACTERS_MAX = 64;

const CONTROL = /\p{Cc}/u;
/** These show letters in an order that is not that of their script, so that a name could be read as another. */
const DIRECTIONAL_OVERRIDE = /[\u202d\u202e]/;
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

/** Says what a text must have, in the unit that is counted: a person may see fewer characters than there are. */
function mustHave(count: string): string {
  return `must have ${count} characters (Unicode code points)`;
}

// The lengths of these schemas are checked by `refine`, because zod's own `min` and `max` count UTF-16 units. JSON
// Schema counts code points (JSON Schema Validation, 6.3), so the metadata gives its readers the same bounds.

/** One line for people: trimmed, 1 to `max` characters, one of them visible by itself, no controls, no overrides. */
export function line(max: number) {
  return z
    .string({ error: 'must be a string' })
    .refine((text) => text.isWellFormed(), { error: 'must be well-formed Unicode' })
    .trim()
    .refine((text) => text.length > 0 && fits(text, max), { error: mustHave(`1 to ${max}`) })
    .refine((text) => !CONTROL.test(text), { error: 'must not have control characters' })
    .refine((text) => !DIRECTIONAL_OVERRIDE.test(text), { error: 'must not have directional overrides' })
    .refine(isVisibleAlone, {
      error: 'must have a visible character, and not only marks that combine with one',
    })
    .meta({
      minLength: 1,
      maxLength: max,
      description:
        'One line with a visible character, without control characters and directional overrides. White space around ' +
        'it is dropped before it is counted.',
    });
}

/** Text of several lines: 0 to `max` characters, line breaks and tabs allowed, other control characters not. */
export function paragraph(max: number) {
  return z
    .string({ error: 'must be a string' })
    .refine((text) => text.isWellFormed(), { error: 'must be well-formed Unicode' })
    .refine((text) => fits(text, max), { error: mustHave(`at most ${max}`) })
    .refine((text) => !CONTROL_BUT_LINE_BREAKS.test(text), { error: 'must not have control characters' })
    .meta({
      maxLength: max,
      description: 'Text without control characters other than line breaks and tabs.',
    });
}

/** What a person says: kept as it is, all but NUL; 1 to `max` characters, one of them visible. */
export function utterance(max: number) {
  return z
    .string({ error: 'must be a string' })
    .refine(isClean, { error: NOT_CLEAN })
    .refine((text) => fits(text, max) && isVisible(text), {
      error: `${mustHave(`1 to ${max}`)}, not only white space and invisible ones`,
    })
    .meta({
      minLength: 1,
      maxLength: max,
      pattern: '\\S',
      description: 'Any text without NUL that shows something. It is kept as it is.',
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
    error: mustHave(`1 to ${CLIENT_ID_CHARACTERS_MAX}`),
  })
  .meta({
    minLength: 1,
    maxLength: CLIENT_ID_CHARACTERS_MAX,
    description: "The client's own name for what it sends. Sending the same again changes nothing.",
  });
