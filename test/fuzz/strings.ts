import type { Random } from '../../src/prove/random.js';

/** What trips readers of text: each is well-formed Unicode without NUL. */
const PIECES = [
  'a', 'Z', '0', ' ', '  ', '\t', '\n', '\r\n', '\u0001', '\u001b[31m', '\u007f', '\u0085', '\u00a0', '\u00ad',
  'é', 'e\u0301', 'ß', 'İ', 'ﬁ', '\u0300\u0301\u0302\u0303', '\u200b', '\u200d', '\u200e', '\u202e', '\u2028',
  '\u2029', '\u3000', '\ufeff', '\ufffd', '\uffff', '\ue000', '漢字', 'שלום', 'مرحبا', '😀', '👨‍👩‍👧‍👦', '🏳️‍🌈', '\u{10ffff}',
  '"', '\\', '/', "'", '`', '<script>', '&amp;', '%00', '%s%n', '$(x)', '__proto__', 'constructor', 'null', '-0',
  '{"type":"message"}', '\\u0000', '\\', "'; DROP TABLE entry; --", '../../etc/passwd',
] as const; // biome-ignore format: a table

/** Text of up to so many pieces. */
export function words(random: Random, pieces: number): string {
  let text = '';
  for (let left = random.from(0, pieces); left > 0; left--) text += random.pick(PIECES);
  return text;
}

/** How a text may stand in JSON: plain, or with some or all of its units escaped. */
export function written(random: Random, text: string): string {
  const escaped = random.pick([0, 0, 0, 0.1, 1]);
  if (escaped === 0) return JSON.stringify(text);
  let json = '';
  for (const unit of text.split('')) {
    const code = unit.charCodeAt(0).toString(16).padStart(4, '0');
    if (random.chance(escaped)) json += `\\u${random.chance(0.5) ? code : code.toUpperCase()}`;
    else if (unit === '/' && random.chance(0.5)) json += '\\/';
    // Half of a pair that is escaped leaves the other half escaped too.
    else json += /[\ud800-\udfff]/.test(unit) ? `\\u${code}` : JSON.stringify(unit).slice(1, -1);
  }
  return `"${json}"`;
}
