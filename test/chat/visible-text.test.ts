import { describe, expect, it } from 'vitest';
import { isVisible, isVisibleAlone } from '../../src/chat/visible-text.js';

const NOTHING: [string, string][] = [
  ['the empty text', ''],
  ['white space', ' \t\n\u00a0\u1680\u2003\u2028\u202f\u205f\u3000'],
  ['control characters', '\u0001\u001b\u007f\u0085'],
  ['zero width spaces and joiners', '\u200b\u200c\u200d\u2060\ufeff'],
  ['the fillers of Hangul', '\u115f\u1160\u3164\uffa0'],
  ['the blank of Braille', '\u2800'],
  ['variation selectors', '\ufe00\ufe0f\u{e0100}\u{e01ef}'],
  [
    'marks and controls of direction',
    '\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069',
  ],
  ['tags', '\u{e0001}\u{e0041}\u{e007f}'],
  ['a soft hyphen and a combining grapheme joiner', '\u00ad\u034f'],
  ['the separator and selectors of Mongolian', '\u180b\u180c\u180d\u180e\u180f'],
  ['the inherent vowels of Khmer', '\u17b4\u17b5'],
  ['invisible operators and what is deprecated', '\u2061\u2064\u206a\u206f'],
  ['annotations and the place of an object', '\ufff9\ufffa\ufffb\ufffc'],
  ['controls of shorthand and of music', '\u{1bca0}\u{1d173}\u{1d17a}\u{1d159}'],
  ['the blanks of hieroglyphs and the filler of Khitan', '\u{13441}\u{13442}\u{16fe4}'],
  ['ignorables that are not assigned', '\u2065\ufff0\u{e0fff}'],
  ['noncharacters', '\ufffe\uffff\ufdd0\u{1fffe}\u{10ffff}'],
];

describe('a text that shows nothing', () => {
  it.each(NOTHING)('is %s', (_what, text) => {
    expect([isVisible(text), isVisibleAlone(text)]).toEqual([false, false]);
    for (const one of text) expect([isVisible(one), one.codePointAt(0)]).toEqual([false, one.codePointAt(0)]);
  });

  it.each(NOTHING)('becomes visible with a letter: %s', (_what, text) => {
    expect([isVisible(`${text}a`), isVisibleAlone(`a${text}`)]).toEqual([true, true]);
  });
});

describe('a text that shows marks alone', () => {
  it.each([
    '\u0301',
    '\u20e3',
    '\u0e31',
    '\u064e\u0651',
    '\u0903',
    ' \u0308',
    '\u200d\u094d',
  ])('is visible, and does not stand by itself: %j', (text) => {
    expect([isVisible(text), isVisibleAlone(text)]).toEqual([true, false]);
  });
});

describe('a text that stands by itself', () => {
  it.each([
    ['a letter', 'x'],
    ['a digit', '0'],
    ['punctuation', '.'],
    ['a spacing accent', '¨'],
    ['a heart with its selector', '❤️'],
    ['a family', '👨‍👩‍👧‍👦'],
    ['a flag of regional indicators', '🇩🇪'],
    ['a flag of tags', '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}'],
    ['a flag with a joiner', '🏳️‍🌈'],
    ['a keycap', '1️⃣'],
    ['a thumb with a skin tone', '👍🏽'],
    ['a skin tone alone', '🏽'],
    ['Arabic, with its marks', 'مُحَمَّد'],
    ['Persian, with a non-joiner', 'علی\u200cرضا'],
    ['Hebrew, with points', 'שָׁלוֹם'],
    ['Hebrew in an isolate', '\u2067שלום\u2069'],
    ['Devanagari, with a joiner', 'क्\u200dष'],
    ['Bengali', 'শ্রী'],
    ['Sinhala, with a joiner', 'ශ්\u200dරී'],
    ['Thai', 'สมชาย'],
    ['Khmer', 'ខ្មែរ'],
    ['Tibetan', 'བོད་'],
    ['Mongolian, with a vowel separator', 'ᠬᠠᠷ\u180eᠠ'],
    ['Hangul', '김철수'],
    ['Hangul of conjoining jamo', '\u1100\u1161\u11a8'],
    ['a vowel of Hangul after a filler', '\u115f\u1161'],
    ['Han outside the first plane', '𠮷'],
    ['kana with a combining mark', 'か\u3099'],
    ['Cherokee', 'ᏣᎳᎩ'],
    ['Deseret', '𐐔'],
    ['Adlam', '𞤀𞤣'],
    ['a letter of private use', '\uf8ff'],
    ['a code point that may be a new emoji', '\u{1fae9}\u{1fbff}'],
    ['the replacement character', '\ufffd'],
    ['the end of a verse of the Quran', '\u06dd'],
    ['a Braille letter', '\u2801'],
  ])('is %s', (_what, text) => {
    expect([isVisible(text), isVisibleAlone(text)]).toEqual([true, true]);
  });
});
