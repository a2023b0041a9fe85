import type { Format, Pieces } from './pieces.js';

const SCREEN_BYTES = 13;
const DESCRIPTOR_BYTES = 10;
const EXTENSION = 0x21;
const IMAGE = 0x2c;

/**
 * Walks over comments and other extensions to the first image, which may be larger than the screen that it is drawn on
 * (GIF89a, 18 to 26).
 */
export const gif: Format = async (pieces) => {
  const screen = await pieces(0, SCREEN_BYTES);
  if (screen.length < SCREEN_BYTES || !/^GIF8[79]a$/.test(screen.toString('latin1', 0, 6))) return undefined;
  const [width, height] = [screen.readUInt16LE(6), screen.readUInt16LE(8)];
  for (let at = SCREEN_BYTES + colorBytes(screen[10] ?? 0); ; ) {
    const block = await pieces(at, DESCRIPTOR_BYTES);
    if (block.length < DESCRIPTOR_BYTES) return undefined;
    if (block[0] === IMAGE) {
      const right = block.readUInt16LE(1) + block.readUInt16LE(5);
      const bottom = block.readUInt16LE(3) + block.readUInt16LE(7);
      return { width: Math.max(width, right), height: Math.max(height, bottom) };
    }
    if (block[0] !== EXTENSION) return undefined;
    const end = await endOfBlocks(pieces, at + 2);
    if (end === undefined) return undefined;
    at = end;
  }
};

/** The length of the color table that these flags announce. */
function colorBytes(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

/** Each block of an extension begins with its length; an empty one is the last. */
async function endOfBlocks(pieces: Pieces, begin: number): Promise<number | undefined> {
  for (let at = begin; ; ) {
    const bytes = await pieces(at, 1);
    if (bytes.length === 0) return undefined;
    let passed = 0;
    while (passed < bytes.length) {
      const length = bytes[passed] ?? 0;
      passed += 1 + length;
      if (length === 0) return at + passed;
    }
    at += passed;
  }
}
