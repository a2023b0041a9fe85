// Unicode has no property for what shows nothing. Beside what it says fonts should not show
// (Default_Ignorable_Code_Point: joiners, fillers, variation selectors, bidirectional controls, tags), these are the
// characters that have no ink by themselves. A code point that is not assigned is taken for visible, because it may be
// an emoji that is newer than this Node.

/** Takes no room: the default ignorables, noncharacters, annotation marks, U+FFFC and the Khitan filler. */
const ZERO_WIDTH = String.raw`\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\ufff9-\ufffc\u{16fe4}`;
/** Takes room and leaves it blank: white space, the blanks of Braille and of hieroglyphs, the null notehead. */
const BLANK = String.raw`\s\u2800\u{13441}\u{13442}\u{1d159}`;

const ALL_ZERO_WIDTH = new RegExp(`[${ZERO_WIDTH}]+`, 'gu');
const ALL_BLANK = new RegExp(`[${BLANK}]+`, 'gu');
const WITH_INK = new RegExp(String.raw`[^${ZERO_WIDTH}${BLANK}\p{Cc}]`, 'u');
const WITH_INK_OF_ITS_OWN = new RegExp(String.raw`[^${ZERO_WIDTH}${BLANK}\p{Cc}\p{M}]`, 'u');

/** Whether a reader sees anything of the text. */
export function isVisible(text: string): boolean {
  return WITH_INK.test(text);
}

/** Whether a reader sees a character that stands by itself. A combining mark alone would sit on what is before it. */
export function isVisibleAlone(text: string): boolean {
  return WITH_INK_OF_ITS_OWN.test(text);
}

/** The text without what takes no room. */
export function withoutZeroWidth(text: string): string {
  return text.replace(ALL_ZERO_WIDTH, '');
}

/** The text with one space for each run of blanks, and none at its ends. */
export function withSingleSpaces(text: string): string {
  return text.replace(ALL_BLANK, ' ').trim();
}
