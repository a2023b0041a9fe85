import type { Random } from '../../src/prove/random.js';

/** Bytes and runs of them that mean something to somebody. */
const TELLING = [
  '\0', '\xff', '\x80', '\x7f', '\r', '\n', '\r\n', '\r\n\r\n', ':', ';', ',', ' ', '\t', '"', '\\', '--', '{', '}',
  '[', ']', '0', '9', 'ffffffff', '\x81\xfe', '\x89\x80', '\x88\x80', '\x81\xff\xff\xff\xff\xff', '\xc0\xaf',
  '\xed\xa0\x80', '\xf4\x90\x80\x80', '%', 'chunked', 'Content-Length: 5\r\n', 'HTTP/1.1',
].map((text) => Buffer.from(text, 'latin1')); // biome-ignore format: a table

/** Some bytes with one to four things wrong in them; `others` are what pieces may come from. */
export function mutated(random: Random, bytes: Buffer, others: Buffer): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  for (let left = random.pick([1, 1, 1, 2, 2, 3, 4]); left > 0; left--)
    changed = changedOnce(random, changed, others);
  return changed;
}

function changedOnce(random: Random, bytes: Buffer, others: Buffer): Buffer {
  const at = random.from(0, Math.max(0, bytes.length - 1));
  const count = random.pick([1, 1, 2, 4, 16, 128]);
  const before = bytes.subarray(0, at);
  switch (random.from(0, 7)) {
    case 0: {
      // A bit.
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << random.from(0, 7));
      return copy;
    }
    case 1: {
      // A byte.
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at] = random.from(0, 255);
      return copy;
    }
    case 2: // The end.
      return before;
    case 3: // A piece less.
      return Buffer.concat([before, bytes.subarray(at + count)]);
    case 4: // A piece again.
      return Buffer.concat([before, bytes.subarray(at, at + count), bytes.subarray(at)]);
    case 5: // Something that means something.
      return Buffer.concat([before, random.pick(TELLING), bytes.subarray(at + random.from(0, 2))]);
    case 6: {
      // A piece of something else.
      const from = random.from(0, Math.max(0, others.length - 1));
      return Buffer.concat([
        before,
        others.subarray(from, from + count),
        bytes.subarray(at + random.from(0, count)),
      ]);
    }
    default: {
      // Two pieces that change places.
      const other = random.from(at, bytes.length);
      return Buffer.concat([before, bytes.subarray(other), bytes.subarray(at, other)]);
    }
  }
}
