import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { pngChunk } from '../../bench/load/photo.js';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const [GRAY, RGB] = [0, 2];

/** A whole black PNG of one bit for each pixel. What is behind its end is no part of the image. */
export function png(width: number, height: number, tail: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([blackPng(width, height), tail]);
}

const blackPngs = new Map<string, Buffer>();

function blackPng(width: number, height: number): Buffer {
  const key = `${width} ${height}`;
  const made = blackPngs.get(key);
  if (made !== undefined) return made;
  const lines = Buffer.alloc((1 + Math.ceil(width / 8)) * height);
  const image = Buffer.concat([pngHead(width, height, 1, GRAY), ...pngBody(lines)]);
  blackPngs.set(key, image);
  return image;
}

/** A PNG of noise, which has about three bytes for each pixel. It cannot be read when any of them is another. */
export function noisePng(width: number, height: number): Buffer {
  const line = 1 + 3 * width;
  const lines = randomBytes(line * height);
  for (let at = 0; at < lines.length; at += line) lines[at] = 0; // No filter.
  return Buffer.concat([pngHead(width, height, 8, RGB), ...pngBody(lines)]);
}

/** A PNG up to its size. */
export function pngHead(width: number, height: number, bits = 8, color = RGB): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([bits, color, 0, 0, 0], 8);
  return Buffer.concat([SIGNATURE, pngChunk('IHDR', data)]);
}

function pngBody(lines: Buffer): Buffer[] {
  return [pngChunk('IDAT', deflateSync(lines, { level: 1 })), pngChunk('IEND', Buffer.alloc(0))];
}

/** A whole GIF of one pixel on a screen of this size. `before` stands before the image. */
export function gif(
  width: number,
  height: number,
  version: '87a' | '89a' = '89a',
  before: readonly Buffer[] = [],
): Buffer {
  const screen = Buffer.alloc(19);
  screen.write(`GIF${version}`, 0, 'latin1');
  screen.writeUInt16LE(width, 6);
  screen.writeUInt16LE(height, 8);
  screen[10] = 0x80; // A table of two colors.
  return Buffer.concat([screen, ...before, gifImage(1, 1), Buffer.from(';')]);
}

/** An image within a GIF. It has the data of one pixel. */
export function gifImage(width: number, height: number): Buffer {
  const descriptor = Buffer.from([0x2c, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  descriptor.writeUInt16LE(width, 5);
  descriptor.writeUInt16LE(height, 7);
  return Buffer.concat([descriptor, Buffer.from([2, 2, 0x44, 1, 0])]);
}

/** A comment within a GIF, of so many blocks. */
export function gifComment(blocks: number, bytes = 255): Buffer {
  const block = Buffer.alloc(1 + bytes, 'c');
  block[0] = bytes;
  return Buffer.concat([Buffer.from([0x21, 0xfe]), ...Array(blocks).fill(block), Buffer.alloc(1)]);
}

/** A red image that can be decoded, as an encoder writes it. */
export function encoded(
  type: 'jpeg' | 'png' | 'webp' | 'gif' | 'avif',
  width: number,
  height: number,
): Promise<Buffer> {
  const background = { r: 200, g: 30, b: 40 };
  return sharp({ create: { width, height, channels: 3, background } })
    .toFormat(type)
    .toBuffer();
}

/** What an image is. */
export async function imageOf(bytes: Buffer): Promise<{ format: string; width: number; height: number }> {
  const { format, width, height } = await sharp(bytes).metadata();
  return { format, width, height };
}

// What follows has the size that it says, and nothing to show.

export function webpLossy(width: number, height: number): Buffer {
  const chunk = Buffer.alloc(10);
  chunk.set([0x30, 0x01, 0x00, 0x9d, 0x01, 0x2a], 0); // Frame tag of a key frame, start code.
  chunk.writeUInt16LE(width | (1 << 14), 6); // The upper two bits are a scaling hint.
  chunk.writeUInt16LE(height | (2 << 14), 8);
  return riff('VP8 ', chunk);
}

export function webpLossless(width: number, height: number, rest = 11): Buffer {
  const chunk = Buffer.alloc(5 + rest);
  chunk[0] = 0x2f;
  chunk.writeUInt32LE(((width - 1) | ((height - 1) << 14)) >>> 0, 1);
  return riff('VP8L', chunk);
}

export function webpExtended(width: number, height: number): Buffer {
  const chunk = Buffer.alloc(10);
  chunk.writeUIntLE(width - 1, 4, 3);
  chunk.writeUIntLE(height - 1, 7, 3);
  return riff('VP8X', chunk);
}

function riff(type: string, chunk: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(12 + chunk.length + (chunk.length % 2), 4);
  head.write(`WEBP${type}`, 8, 'latin1');
  head.writeUInt32LE(chunk.length, 16);
  return Buffer.concat([head, chunk, Buffer.alloc(chunk.length % 2)]);
}

/** A JPEG segment with its length. */
export function segment(marker: number, payload: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(payload.length + 2, 2);
  return Buffer.concat([head, payload]);
}

/** A JPEG up to its frame header: SOF0 is baseline, SOF2 progressive; `before` stands between SOI and SOF. */
export function jpeg(width: number, height: number, sof = 0xc0, before: readonly Buffer[] = []): Buffer {
  const frame = Buffer.from([8, 0, 0, 0, 0, 1, 1, 0x11, 0]);
  frame.writeUInt16BE(height, 1);
  frame.writeUInt16BE(width, 3);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), ...before, segment(sof, frame)]);
}

/** A box of the ISO base media file format. */
export function box(type: string, ...content: readonly (Buffer | string)[]): Buffer {
  const bytes = Buffer.concat(content.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + bytes.length, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, bytes]);
}

const VERSION = Buffer.alloc(4);

/** The size of an image in a HEIF. */
export function extent(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(width, 0);
  bytes.writeUInt32BE(height, 4);
  return box('ispe', VERSION, bytes);
}

/** A HEIF of these brands whose images have these properties. `between` stands behind the brands. */
export function heif(
  brands: readonly string[],
  properties: readonly Buffer[],
  between: readonly Buffer[] = [],
): Buffer {
  const [major = '', ...others] = brands;
  const meta = box('meta', VERSION, box('hdlr', VERSION), box('iprp', box('ipco', ...properties)));
  return Buffer.concat([box('ftyp', major, VERSION, ...others), ...between, meta]);
}
