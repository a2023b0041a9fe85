const BYTES = 1024 * 1024;

/** The items that fit into 1 MiB between head and tail. */
function fill(head: string, item: (n: number) => string, tail: string): string {
  const pieces = [head];
  let bytes = head.length + tail.length;
  for (let n = 0; ; n++) {
    const next = item(n);
    bytes += next.length;
    if (bytes > BYTES) return pieces.join('') + tail;
    pieces.push(next);
  }
}

/** JSON texts of 1 MiB that cost as much as any to read, or would if they were read like others. */
export const bombs: Readonly<Record<string, string>> = {
  lists: '['.repeat(BYTES / 2) + ']'.repeat(BYTES / 2),
  'objects in objects': fill('', () => '{"a":', ''),
  'shallow lists side by side': fill('[', () => `${'['.repeat(30)}${']'.repeat(30)},`, '1]'),
  'empty objects': fill('[', () => '{},', '1]'),
  keys: fill('{', (n) => `"k${n}":1,`, '"z":1}'),
  'keys that are numbers': fill('{', (n) => `"${(n * 7919) % 4_294_967_291}":1,`, '"z":1}'),
  'one key': fill('{', () => '"a":1,', '"z":1}'),
  'escaped keys': fill('{', (n) => `"\\u0061${n}":1,`, '"z":1}'),
  'long keys that are alike': fill('{', (n) => `"${'a'.repeat(1000)}${n}":1,`, '"z":1}'),
  'objects of different shapes': fill('[', (n) => `{"k${n}":1},`, '1]'),
  'as many such as may be': fill('[', (n) => `{"k${n}":1${' '.repeat(72)}},`, '1]'),
  'as many keys as may be': fill('{', (n) => `"k${n}":1${' '.repeat(22)},`, '"z":1}'),
  'a long integer': '1'.repeat(BYTES),
  'a long fraction': `0.${'1'.repeat(BYTES - 2)}`,
  'a long exponent': `1e${'9'.repeat(BYTES - 2)}`,
  'short numbers': fill('[', () => '1.1e1,', '1]'),
  'numbers at the edge': fill('[', () => '2.2250738585072011e-308,', '1]'),
  escapes: fill('"', () => '\\u0041', '"'),
  backslashes: fill('"', () => '\\\\', '"'),
  'escaped quotes': fill('{"a":"', () => '\\"', '"}'),
  quotes: '"'.repeat(BYTES),
  'short strings': fill('[', () => '"",', '1]'),
  'a string without an end': `"${'a'.repeat(BYTES - 1)}`,
  'white space': ' '.repeat(BYTES),
  'members that are none': fill('{"name":"g","users":[', () => '0,', '0]}'),
  'members without an id': fill('{"name":"g","users":[', () => '{},', '{}]}'),
};
