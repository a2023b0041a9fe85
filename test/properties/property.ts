import fc from 'fast-check';

/** The same cases each time, unless the environment names another seed; a failure says seed and path of its case. */
fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] || 1), numRuns: 500 });

export { fc };

/** Any string of JavaScript: half characters, control characters and NUL among them. */
export const anyString = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '\n', '\u2028', '\0', ' ', 'a', '\ud83d', '\ude00', '\u007f', '\u0085'),
  }),
);

/** Some bytes in pieces, none of them lost: cut at any places. */
export const pieces = <T extends { length: number; slice(from: number, to?: number): T }>(whole: T) =>
  fc.array(fc.nat(whole.length)).map((places) => {
    const cuts = [0, ...places.sort((a, b) => a - b)];
    return cuts.map((from, index) => whole.slice(from, cuts[index + 1]));
  });
