import { z } from 'zod';

/** One emoji of Unicode's list for interchange (RGI), which knows families, flags and skin tones as one. */
const EMOJI = /^\p{RGI_Emoji}$/v;
/** No sequence of Unicode 17 has more than 10 code points. */
const EMOJI_CHARACTERS_MAX = 16;
/** Asks for the colourful form of a character that has two. */
const EMOJI_PRESENTATION = '\uFE0F';

/**
 * The form in which an emoji is stored, so that each has one: `❤` without its presentation selector is the same as with
 * it. Undefined for what is no emoji.
 */
export function emojiOf(text: string): string | undefined {
  return [text, `${text}${EMOJI_PRESENTATION}`].find((form) => EMOJI.test(form));
}

export const Emoji = z
  .string({ error: 'must be a string' })
  .transform((text, context) => {
    const emoji = emojiOf(text);
    if (emoji !== undefined) return emoji;
    context.addIssue({ code: 'custom', message: 'must be one emoji' });
    return z.NEVER;
  })
  .meta({
    minLength: 1,
    maxLength: EMOJI_CHARACTERS_MAX,
    description: 'One emoji of Unicode, which may be a sequence of several code points.',
  });
