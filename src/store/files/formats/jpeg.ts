import type { Format, Size } from './pieces.js';

/** A segment's marker, and what a frame header has up to its width. */
const SEGMENT_BYTES = 9;

/**
 * Walks from segment to segment until the frame header (ITU-T T.81, B.2.2). Cameras and editors write megabytes of XMP,
 * previews and notes before it.
 */
export const jpeg: Format = async (pieces) => {
  const begin = await pieces(0, 4);
  if (begin.length < 4 || begin.readUIntBE(0, 3) !== 0xffd8ff) return undefined;
  for (let at = 2; ; ) {
    const bytes = await pieces(at, SEGMENT_BYTES);
    if (bytes.length < SEGMENT_BYTES) return undefined;
    const found = walk(bytes);
    if (typeof found !== 'number') return found;
    at += found;
  }
};

/** Returns the size, or how far the segments go that begin in these bytes; undefined where no segment begins. */
function walk(bytes: Buffer): Size | number | undefined {
  let at = 0;
  while (at + SEGMENT_BYTES <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1; // Fill bytes may come before a marker.
      continue;
    }
    if (isFrameHeader(marker)) {
      return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    }
    const standsAlone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    const length = standsAlone ? 0 : bytes.readUInt16BE(at + 2);
    if (!standsAlone && length < 2) return undefined;
    at += 2 + length;
  }
  return at;
}

/** SOF0–SOF15 without DHT (C4), JPG (C8) and DAC (CC). */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}
