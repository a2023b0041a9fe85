import { describe, expect, it } from 'vitest';
import { Emoji, emojiOf } from '../../src/chat/emoji.js';

/** What is one emoji to a person, however many code points it has. */
const EMOJI = {
  'a character': '😀',
  'a character of the first plane': '⌚',
  'a character with its selector': '❤\ufe0f',
  'a sign of another script': '㊗\ufe0f',
  'a skin tone': '👍🏽',
  'a family': '👨‍👩‍👧‍👦',
  'a couple with two skin tones': '👩🏻‍❤️‍💋‍👩🏼',
  'a profession': '👩🏿‍🚀',
  'a gender that is chosen': '🏃🏼‍♀️‍➡️',
  'the flag of a country': '🇩🇪',
  'the flag of a part of one': '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  'a flag that is joined': '🏳️‍🌈',
  'a keycap': '1\ufe0f\u20e3',
  'another keycap': '#\ufe0f\u20e3',
} as const;

describe('an emoji', () => {
  it.each(Object.entries(EMOJI))('is %s, as it is', (_what, emoji) => {
    expect(emojiOf(emoji)).toBe(emoji);
    expect(Emoji.parse(emoji)).toBe(emoji);
  });

  it.each([
    ['❤', '❤\ufe0f'],
    ['☺', '☺\ufe0f'],
    ['✌', '✌\ufe0f'],
    ['©', '©\ufe0f'],
    ['🕊', '🕊\ufe0f'],
  ])('without its selector is the same as with it: %s', (short, whole) => {
    expect(Emoji.parse(short)).toBe(whole);
    expect(Emoji.parse(whole)).toBe(whole);
  });

  it.each([
    ['nothing', ''],
    ['a letter', 'a'],
    ['a digit, which has a keycap', '1'],
    ['a digit with a selector', '1\ufe0f'],
    ['a name', ':heart:'],
    ['two of them', '😀😀'],
    ['two flags', '🇩🇪🇫🇷'],
    ['one and a space', '😀 '],
    ['one and a letter', 'x❤\ufe0f'],
    ['one and a line break', '😀\n'],
    ['half a flag', '🇩'],
    ['a flag of no country', '🇦🇦'],
    ['half a character', '\ud83d'],
    ['a selector alone', '\ufe0f'],
    ['a joiner at the end', '👩\u200d'],
    ['a joiner between what is not joined', '😀\u200d😀'],
    ['two selectors', '❤\ufe0f\ufe0f'],
    ['a selector for text', '❤\ufe0e'],
    ['a skin tone on what has none', '🚗🏽'],
    ['a quote', '"'],
    ['very many of them', '😀'.repeat(10_000)],
    ['a family without an end', '👨‍'.repeat(10_000)],
  ])('is not %s', (_what, text) => {
    expect(emojiOf(text)).toBeUndefined();
    const { success, error } = Emoji.safeParse(text);
    expect(success).toBe(false);
    expect(error?.issues).toMatchObject([{ message: 'must be one emoji' }]);
  });

  it.each([undefined, null, 1, {}, ['😀']])('is a string: %j', (value) => {
    expect(Emoji.safeParse(value).error?.issues).toMatchObject([{ message: 'must be a string' }]);
  });

  it('may stand in JSON as it is', () => {
    for (const emoji of Object.values(EMOJI)) expect(JSON.stringify(emoji)).toBe(`"${emoji}"`);
  });

  it('has at most as many code points as its schema says', () => {
    const { maxLength } = Emoji.meta() as { maxLength: number };
    for (const emoji of Object.values(EMOJI)) expect([...emoji].length).toBeLessThanOrEqual(maxLength);
  });
});
