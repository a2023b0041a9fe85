import type { Pieces, Size } from './pieces.js';

/** What a file of the ISO base media file format (ISO/IEC 14496-12) holds that begins as an image does. */
export type Heif = { readonly codec: 'av1'; readonly size: Size } | { readonly codec: 'other' };

interface Box {
  readonly type: string;
  /** Where its content begins. */
  readonly at: number;
  readonly end: number;
}

/** Brands (ISO/IEC 23008-12, AVIF 1.1) whose images are in AV1, in HEVC, and in what their boxes say. */
const AV1 = /^avi[fs]$/;
const HEVC = /^he[iv][cxms]$/;
const ANY = /^(?:mif[12]|msf1|miaf)$/;
const BRANDS_BYTES_MAX = 1024;
const EXTENT_BYTES = 12;

/**
 * Walks the boxes to the properties of the images: `av1C` tells AV1, which AVIF is, from what HEIC is made of. Of the
 * sizes (`ispe`) the largest counts, because tiles and thumbnails have their own. Undefined for what is no HEIF, or
 * breaks off.
 */
export async function heif(pieces: Pieces): Promise<Heif | undefined> {
  const begin = await boxAt(pieces, 0, Number.MAX_SAFE_INTEGER);
  if (begin?.type !== 'ftyp') return undefined;
  const brands = await brandsIn(pieces, begin);
  const has = (brand: RegExp) => brands.some((one) => brand.test(one));
  if (!has(AV1) && has(HEVC)) return { codec: 'other' };
  if (!has(AV1) && !has(ANY)) return undefined;

  const properties = await find(pieces, begin.end, ['meta', 'iprp', 'ipco']);
  if (properties === undefined) return undefined;
  let codec: Heif['codec'] = 'other';
  let size: Size = { width: 0, height: 0 };
  for (let at = properties.at; at < properties.end; ) {
    const box = await boxAt(pieces, at, properties.end);
    if (box === undefined) return undefined;
    if (box.type === 'av1C') codec = 'av1';
    if (box.type === 'ispe') {
      const bytes = await pieces(box.at, EXTENT_BYTES);
      if (bytes.length < EXTENT_BYTES) return undefined;
      const found = { width: bytes.readUInt32BE(4), height: bytes.readUInt32BE(8) };
      if (found.width * found.height > size.width * size.height) size = found;
    }
    at = box.end;
  }
  return codec === 'av1' ? { codec, size } : { codec };
}

/** Behind the first brand stands its version, and then those that the file is compatible with. */
async function brandsIn(pieces: Pieces, { at, end }: Box): Promise<string[]> {
  const length = Math.min(end - at, BRANDS_BYTES_MAX);
  const bytes = (await pieces(at, length)).subarray(0, length);
  const words = bytes.toString('latin1').match(/[\s\S]{4}/g) ?? [];
  return words.filter((_, index) => index !== 1);
}

/** Finds a box by the types on the way to it, in what follows from `begin` on. */
async function find(pieces: Pieces, begin: number, path: readonly string[]): Promise<Box | undefined> {
  let [at, end] = [begin, Number.MAX_SAFE_INTEGER];
  let found: Box | undefined;
  for (const type of path) {
    do {
      found = await boxAt(pieces, at, end);
      if (found === undefined) return undefined;
      at = found.end;
    } while (found.type !== type);
    // What is in `meta` comes behind a version and flags.
    at = type === 'meta' ? found.at + 4 : found.at;
    end = found.end;
  }
  return found;
}

/** Reads the head of a box. Undefined where the file or the box around it ends before. */
async function boxAt(pieces: Pieces, at: number, limit: number): Promise<Box | undefined> {
  if (at + 8 > limit) return undefined;
  const head = await pieces(at, 16);
  if (head.length < 8) return undefined;
  const type = head.toString('latin1', 4, 8);
  const short = head.readUInt32BE(0);
  if (short === 0) return { type, at: at + 8, end: limit }; // It goes to the end of what is around it.
  if (short !== 1)
    return short >= 8 && at + short <= limit ? { type, at: at + 8, end: at + short } : undefined;
  if (head.length < 16) return undefined;
  const long = Number(head.readBigUInt64BE(8));
  return long >= 16 && at + long <= limit ? { type, at: at + 16, end: at + long } : undefined;
}
