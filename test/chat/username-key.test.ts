import { describe, expect, it } from 'vitest';
import { usernameKey } from '../../src/chat/username-key.js';
import { isVisible } from '../../src/chat/visible-text.js';

/** The key of every character that a well-formed text can have. */
const KEYS = new Map(
  Array.from({ length: 0x110000 }, (_, code) => code)
    .filter((code) => code < 0xd800 || code > 0xdfff)
    .map((code) => String.fromCodePoint(code))
    .map((character) => [character, usernameKey(character)]),
);

/** The characters of which it does not hold. */
const exceptions = (holds: (character: string, key: string) => boolean) =>
  [...KEYS].filter(([character, key]) => !holds(character, key)).map(([character]) => character);

describe('the key of a username', () => {
  it.each([
    ['Alice', 'alice'],
    ['ALICE', 'alice'],
    ['ａｌｉｃｅ', 'alice'],
    ['ﬁsh', 'fish'],
    ['Ⅷ', 'viii'],
    ['e\u0301', 'é'],
    ['É', 'é'],
    ['E\u034f\u0301', 'é'],
    ['Ålesund', 'ålesund'],
    ['\u212Bngström', 'ångström'],
    ['Groß', 'gross'],
    ['GROẞ', 'gross'],
    ['Miſt', 'mist'],
    ['\u212aelvin', 'kelvin'],
    ['ΣΊΣΥΦΟΣ', 'σίσυφοσ'],
    ['σίσυφος', 'σίσυφοσ'],
    ['ᾼ', 'αι'],
    ['\u1fb3', 'αι'],
    ['α\u0345', 'αι'],
    ['İ', 'i\u0307'],
    ['ŉ', 'ʼn'],
    ['Ǆ', 'dž'],
    ['ǅ', 'dž'],
    ['և', 'եւ'],
    ['ЖЕНЯ', 'женя'],
    ['ꭰ', 'ꭰ'],
    ['Ꭰ', 'ꭰ'],
    ['Ა', 'ა'],
    ['𐐔', '𐐼'],
    ['al\u200bice', 'alice'],
    ['a\u00adl\u2060i\u200dc\ufe0fe\u{e0061}', 'alice'],
    ['\u202ealice\u202c', 'alice'],
    ['alice\u3164\u115f', 'alice'],
    ['alice\ufffc', 'alice'],
    ['alice\u2800', 'alice'],
    ['alice \u200b', 'alice'],
    ['a\u00a0\u2003b', 'a b'],
    ['a\u2800b', 'a b'],
    ['علی\u200cرضا', 'علیرضا'],
  ])('%j is %j', (username, key) => {
    expect(usernameKey(username)).toBe(key);
    expect(usernameKey(key)).toBe(key);
  });

  it.each([
    ['alice', 'a1ice'],
    ['alice', 'álice'],
    ['alice', 'аlice'],
    ['a b', 'ab'],
    ['ılık', 'ilik'],
    ['i\u0307', 'i'],
    ['ö', 'oe'],
    ['👍🏽', '👍🏿'],
    ['🇩🇪', '🇫🇷'],
  ])('keeps %s and %s apart', (one, other) => {
    expect(usernameKey(one)).not.toBe(usernameKey(other));
  });

  it('is its own key, of every character', () => {
    expect(
      exceptions((one, key) => one === key || KEYS.get(key) === key || usernameKey(key) === key),
    ).toEqual([]);
  });

  it('is that of the lower and the upper case, of every character but the dotless i', () => {
    const isSame = (one: string, other: string) => one === other || usernameKey(other) === KEYS.get(one);
    expect(exceptions((one) => isSame(one, one.toLowerCase()))).toEqual([]);
    expect(exceptions((one) => isSame(one, one.toUpperCase()))).toEqual(['ı']);
  });

  it('of every character that shows something is not empty, and of every other it is', () => {
    const isControl = (one: string) => /\p{Cc}/u.test(one);
    expect(exceptions((one, key) => (key !== '') === isVisible(one) || isControl(one))).toEqual([]);
  });
});
