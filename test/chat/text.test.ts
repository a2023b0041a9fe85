import { describe, expect, it } from 'vitest';
import { ClientId, characters, line, paragraph, utterance } from '../../src/chat/text.js';

const FOX = '🦊';
/** One picture, five code points: the contract counts code points. */
const FAMILY = '👨‍👩‍👧';
const LONE_HIGH = '\ud83e';
const LONE_LOW = '\udd8a';

describe('characters', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    [FOX, 1],
    [FAMILY, 5],
    ['e\u0301', 2],
    [LONE_HIGH, 1],
    [`${LONE_LOW}${LONE_HIGH}`, 2],
  ])('counts the code points of %j', (text, count) => {
    expect(characters(text)).toBe(count);
  });
});

const REFUSED_BY_ALL = [
  undefined,
  null,
  1,
  true,
  [],
  {},
  LONE_HIGH,
  LONE_LOW,
  `a${LONE_LOW}b`,
  `${FOX}${LONE_HIGH}`,
];

describe('a line', () => {
  const schema = line(5);
  it.each([
    ['a', 'a'],
    ['  a b  ', 'a b'],
    ['\u00a0\ufeffa\u2003', 'a'],
    ['abcde', 'abcde'],
    ['   abcde   ', 'abcde'],
    [FOX.repeat(5), FOX.repeat(5)],
    [FAMILY, FAMILY],
    ['\u200ba\u200b', '\u200ba\u200b'],
    ['\u2067א\u2069', '\u2067א\u2069'],
    ['\u202aa\u202c', '\u202aa\u202c'],
    ['\u200ea\u061c', '\u200ea\u061c'],
    ['\ta\n', 'a'],
  ])('%j becomes %j', (text, result) => {
    expect(schema.parse(text)).toBe(result);
  });

  it.each([
    ...REFUSED_BY_ALL,
    '',
    ' ',
    '\n\t',
    'abcdef',
    FOX.repeat(6),
    `${FAMILY}a`,
    'a\nb',
    'a\tb',
    '\u0000',
    'a\u007f',
    'a\u0085b',
    '\u200b',
    '\u0301',
    '\u202ea',
    'a\u202db',
    'a\u202e\u202c',
  ])('%j is refused', (text) => {
    expect(schema.safeParse(text).success).toBe(false);
  });
});

describe('a paragraph', () => {
  const schema = paragraph(5);
  it.each([
    '',
    ' ',
    'abcde',
    ' a ',
    'a\nb',
    'a\r\nb',
    'a\tb',
    FOX.repeat(5),
    '\n\n\n\n\n',
    '\u200b\u202e',
  ])('%j stays as it is', (text) => {
    expect(schema.parse(text)).toBe(text);
  });

  it.each([
    ...REFUSED_BY_ALL,
    'abcdef',
    FOX.repeat(6),
    'a\u0000',
    '\u001b',
    '\u000b',
    '\u007f',
    '\u0085',
  ])('%j is refused', (text) => {
    expect(schema.safeParse(text).success).toBe(false);
  });
});

describe('an utterance', () => {
  const schema = utterance(5);
  it.each([
    'a',
    ' a ',
    'a\n',
    '\u0001\u001b\u007fa',
    FOX.repeat(5),
    'abcde',
    '\u200b.\u200b',
    '\u202e\u2066a',
    '\u0301',
    '.',
  ])('%j stays as it is', (text) => {
    expect(schema.parse(text)).toBe(text);
  });

  it.each([
    ...REFUSED_BY_ALL,
    '',
    ' ',
    '\n\t ',
    '\u00a0\u3000',
    '\u200b',
    ' \u3164\n',
    '\u0001\u001b',
    'abcdef',
    '    a ',
    'a\u0000',
    FOX.repeat(6),
  ])('%j is refused', (text) => {
    expect(schema.safeParse(text).success).toBe(false);
  });

  it('counts 4096 characters, not the bytes or the UTF-16 units', () => {
    const longest = utterance(4096);
    expect(longest.safeParse(FOX.repeat(4096)).success).toBe(true);
    expect(longest.safeParse(FOX.repeat(4097)).success).toBe(false);
    expect(longest.safeParse(`${FOX.repeat(4095)}ab`).success).toBe(false);
    expect(longest.safeParse('x'.repeat(10_000_000)).success).toBe(false);
  });
});

describe('a client id', () => {
  it.each([
    'a',
    ' ',
    '0',
    'x'.repeat(64),
    FOX.repeat(64),
    '__proto__',
    'a\nb',
  ])('%j is taken as it is', (text) => {
    expect(ClientId.parse(text)).toBe(text);
  });

  it.each([
    ...REFUSED_BY_ALL,
    '',
    '\u0000',
    'a\u0000',
    'x'.repeat(65),
    FOX.repeat(65),
  ])('%j is refused', (text) => {
    expect(ClientId.safeParse(text).success).toBe(false);
  });
});

describe('what is said of a text that is too long', () => {
  it.each([
    ['a line', line(5), 'must have 1 to 5 characters (Unicode code points)'],
    ['a paragraph', paragraph(5), 'must have at most 5 characters (Unicode code points)'],
    [
      'an utterance',
      utterance(5),
      'must have 1 to 5 characters (Unicode code points), not only white space and invisible ones',
    ],
    ['a client id', ClientId, 'must have 1 to 64 characters (Unicode code points)'],
  ])('names the unit: %s', (_what, schema, message) => {
    const { error } = schema.safeParse(FAMILY.repeat(20));
    expect(error?.issues[0]?.message).toBe(message);
  });
});
