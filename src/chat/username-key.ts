import { withoutZeroWidth, withSingleSpaces } from './visible-text.js';

/**
 * The key under which a username is unique: two usernames with one key look the same, but for case and compatibility
 * forms. It is Unicode's comparison of identifiers (NFKC_Casefold: compatibility forms, without default ignorables,
 * full case folding), and blanks count as one space and not at the ends.
 */
export function usernameKey(username: string): string {
  // What is left out may have kept marks from composing, and folding may bring what composes.
  const normalized = withoutZeroWidth(username).normalize('NFKC');
  return withSingleSpaces(foldCase(normalized).normalize('NFKC'));
}

/**
 * Full case folding, which JavaScript does not have. Through lower and upper case all forms of a letter meet, as folding
 * has them meet: `ẞ` goes by `ß` to `ss`. Each code point goes alone, because a whole word would get a final `ς`. Only
 * the dotless i would meet a letter from which folding keeps it apart.
 */
function foldCase(text: string): string {
  return text.replace(/[^ı]/gu, (letter) => letter.toLowerCase().toUpperCase().toLowerCase());
}
