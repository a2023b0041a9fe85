import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { pngChunk } from '../../../bench/load/photo.js';
import { type ImageHead, imageHead } from '../../../src/store/files/images.js';
import {
  box,
  encoded,
  extent,
  gif,
  gifComment,
  gifImage,
  heif,
  jpeg,
  pngHead,
  segment,
  webpExtended,
  webpLossless,
  webpLossy,
} from '../../support/images.js';
import { processorMs, processorMsOf, smallestRatio } from '../../support/measure.js';

const folder = mkdtempSync(join(tmpdir(), 'parley-images-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function withFile<T>(bytes: Buffer, work: (file: FileHandle, path: string) => Promise<T>): Promise<T> {
  const path = join(folder, 'image');
  writeFileSync(path, bytes);
  const file = await open(path, 'r');
  try {
    return await work(file, path);
  } finally {
    await file.close();
  }
}

/** What is found in a file: a head, or the code of the refusal. */
const headIn = (file: FileHandle): Promise<ImageHead | string> =>
  imageHead(file).catch(({ code }: { code: string }) => code);

const headOf = (bytes: Buffer) => withFile(bytes, headIn);

const MIB = 1024 * 1024;
const TIMES_MAX = 20;
const APP0 = segment(0xe0, Buffer.from('JFIF\0\x01\x01\0\0\x01\0\x01\0\0', 'latin1'));
const EXIF = segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), Buffer.alloc(40_000, 0xff)]));
const TABLES = [segment(0xdb, Buffer.alloc(65)), segment(0xc4, Buffer.alloc(30, 0xc0))];
const FILL = Buffer.alloc(7, 0xff);
/** 9 MiB of segments that are as long as they may be, with bytes in them that look like a frame header. */
const LOOKALIKE = Buffer.from([0xff, 0xc0, 0, 17, 8, 0, 1, 0, 1]);
const NOTES = Array<Buffer>(144).fill(segment(0xe2, Buffer.alloc(65_533, LOOKALIKE)));
const XMP = pngChunk('iTXt', Buffer.alloc(9 * MIB, 'x'));
const AV1 = box('av1C', Buffer.alloc(4));
const HEVC = box('hvcC', Buffer.alloc(23));
const MEDIA = box('mdat', Buffer.alloc(9 * MIB));
/** The length in 64 bits, behind the type. */
const LONG_MEDIA = Buffer.concat([
  Buffer.from([0, 0, 0, 1]),
  Buffer.from('mdat'),
  Buffer.from([0, 0, 0, 0, 0, 0, 0x10, 0]),
  Buffer.alloc(0x1000 - 16),
]);

const IMAGES: readonly (readonly [string, Buffer, ImageHead])[] = [
  ['a PNG', pngHead(640, 480), { type: 'png', width: 640, height: 480 }],
  ['a PNG with 9 MiB of text', Buffer.concat([pngHead(6, 4), XMP]), { type: 'png', width: 6, height: 4 }],
  ['a GIF 87a', gif(300, 2, '87a'), { type: 'gif', width: 300, height: 2 }],
  ['a GIF 89a', gif(1, 65_535), { type: 'gif', width: 1, height: 65_535 }],
  [
    'a GIF with megabytes of comments',
    gif(4, 5, '89a', [gifComment(20_000), gifComment(20_000), gifComment(1000, 1)]),
    { type: 'gif', width: 4, height: 5 },
  ],
  [
    'a GIF whose image is larger than its screen',
    gif(4, 5, '89a', [gifImage(700, 3)]),
    { type: 'gif', width: 700, height: 5 },
  ],
  [
    'a lossy WebP, whatever its scaling hint',
    webpLossy(16_383, 9),
    { type: 'webp', width: 16_383, height: 9 },
  ],
  ['a lossless WebP', webpLossless(16_384, 12_345), { type: 'webp', width: 16_384, height: 12_345 }],
  ['an extended WebP', webpExtended(1 << 24, 70_000), { type: 'webp', width: 1 << 24, height: 70_000 }],
  ['a baseline JPEG', jpeg(1024, 768), { type: 'jpeg', width: 1024, height: 768 }],
  ['a progressive JPEG', jpeg(3, 4, 0xc2), { type: 'jpeg', width: 3, height: 4 }],
  ['a JPEG with EXIF', jpeg(5, 6, 0xc0, [APP0, EXIF]), { type: 'jpeg', width: 5, height: 6 }],
  ['a JPEG with tables first', jpeg(7, 8, 0xc1, [APP0, ...TABLES]), { type: 'jpeg', width: 7, height: 8 }],
  ['a JPEG with fill bytes', jpeg(9, 10, 0xc2, [APP0, FILL]), { type: 'jpeg', width: 9, height: 10 }],
  ['a JPEG with 9 MiB of notes', jpeg(9, 11, 0xc0, NOTES), { type: 'jpeg', width: 9, height: 11 }],
  [
    'a JPEG with 9 MiB of fill bytes',
    jpeg(9, 12, 0xc0, [Buffer.alloc(9 * MIB, 0xff)]),
    { type: 'jpeg', width: 9, height: 12 },
  ],
  [
    'a JPEG with a stray restart marker',
    jpeg(2, 3, 0xc0, [Buffer.from([0xff, 0xd0])]),
    { type: 'jpeg', width: 2, height: 3 },
  ],
  [
    'an AVIF by its largest image',
    heif(['avif', 'mif1'], [extent(8, 8), extent(300, 200), AV1, extent(64, 64)]),
    { type: 'avif', width: 300, height: 200 },
  ],
  [
    'an AVIF that is an animation',
    heif(['avis', 'msf1'], [extent(20, 10), AV1]),
    { type: 'avif', width: 20, height: 10 },
  ],
  [
    'an AVIF that names no codec in its brands',
    heif(['mif1', 'miaf'], [extent(20, 10), AV1]),
    { type: 'avif', width: 20, height: 10 },
  ],
  [
    'an AVIF whose description is behind its data',
    heif(['avif'], [extent(7, 9), AV1], [MEDIA, LONG_MEDIA]),
    { type: 'avif', width: 7, height: 9 },
  ],
];

describe('the head of an image', () => {
  it.each(IMAGES)('says type and size of %s', async (_name, bytes, head) => {
    expect(await headOf(bytes)).toEqual(head);
  });

  it.each(IMAGES)('is that, or none, when %s ends early', async (_name, bytes, head) => {
    await withFile(bytes, async (file, path) => {
      // Every length near both ends; in between each byte of what is long is like the one before.
      const near = bytes.length > 1000 ? 24 : bytes.length;
      for (let length = bytes.length - 1; length >= 0; length--) {
        truncateSync(path, length);
        const found = await headIn(file);
        if (found !== 'photo_invalid') expect(found).toEqual(head);
        if (length === bytes.length - near && length > near) length = near;
      }
    });
  });

  it.each(['jpeg', 'png', 'webp', 'gif', 'avif'] as const)('is found in a %s of an encoder', async (type) => {
    expect(await headOf(await encoded(type, 37, 21))).toEqual({ type, width: 37, height: 21 });
  });

  it('is found in the smallest WebP that there is, of 26 bytes', async () => {
    // https://github.com/mathiasbynens/small: RIFF, 18 bytes, one VP8L chunk of 6.
    const bytes = Buffer.from('UklGRhIAAABXRUJQVlA4TAYAAAAvQWxvAGs=', 'base64');
    expect(bytes).toHaveLength(26);
    expect(await headOf(bytes)).toMatchObject({ type: 'webp' });
  });

  it.each([
    ['of an iPhone', heif(['heic', 'mif1', 'MiHE'], [HEVC, extent(4032, 3024)])],
    ['with ten bits', heif(['heix', 'mif1'], [HEVC])],
    ['of several views', heif(['heim', 'mif1'], [HEVC])],
    ['that moves', heif(['hevc', 'msf1'], [HEVC])],
    ['that says so only in its boxes', heif(['mif1'], [extent(10, 10), HEVC])],
    ['that is compatible with HEIC', heif(['mif1', 'miaf', 'heic'], [])],
    ['that ends behind its brands', heif(['heic', 'mif1'], []).subarray(0, 40)],
  ])('is refused as HEIC in one %s', async (_name, bytes) => {
    expect(await headOf(bytes)).toBe('photo_heic_unsupported');
  });

  const shortBox = (length: number) => {
    const bytes = heif(['avif'], [extent(9, 9), AV1], [box('free', Buffer.alloc(100))]);
    bytes.writeUInt32BE(length, bytes.indexOf('free') - 4);
    return bytes;
  };
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('just some text that is long enough to be an image head')],
    ['HTML', Buffer.from('<!doctype html><script>alert(1)</script>'.padEnd(100))],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"></svg>')],
    ['a BMP', Buffer.concat([Buffer.from('BM'), Buffer.alloc(100, 1)])],
    ['a TIFF', Buffer.concat([Buffer.from('II*\0\x08\0\0\0'), Buffer.alloc(100, 1)])],
    ['a JPEG XL', Buffer.concat([Buffer.from([0xff, 0x0a]), Buffer.alloc(100, 1)])],
    ['a film', heif(['isom', 'mp42'], [extent(10, 10), AV1])],
    ['a RIFF that is no WebP', Buffer.from('RIFF\0\0\0\0WAVEfmt '.padEnd(60), 'latin1')],
    ['a WebP of an unknown kind', Buffer.from('RIFF\0\0\0\0WEBPVP9 '.padEnd(60), 'latin1')],
    [
      'a PNG whose first chunk is not IHDR',
      Buffer.from(pngHead(1, 1).toString('latin1').replace('IHDR', 'tEXt'), 'latin1'),
    ],
    [
      'a PNG with a broken signature',
      Buffer.from(pngHead(1, 1).toString('latin1').replace('\r\n', '\n\n'), 'latin1'),
    ],
    ['GIF88a', Buffer.from(gif(1, 1).toString('latin1').replace('9a', '8a'), 'latin1')],
    ['a GIF without an image', gif(9, 9, '89a', [Buffer.from(';')])],
    ['a GIF whose comment does not end', gif(9, 9, '89a', [gifComment(9).subarray(0, -1)]).subarray(0, 2300)],
    ['a JPEG without a frame header', Buffer.concat([Buffer.from([0xff, 0xd8]), APP0, ...TABLES, APP0])],
    [
      'a JPEG whose segment does not begin with a marker',
      Buffer.concat([Buffer.from([0xff, 0xd8]), APP0, Buffer.alloc(99)]),
    ],
    [
      'a JPEG whose segment is longer than the file',
      jpeg(1, 1, 0xc0, [Buffer.concat([Buffer.from([0xff, 0xe1, 0xff, 0xff]), Buffer.alloc(900)])]),
    ],
    ['a PNG without width', pngHead(0, 10)],
    ['a GIF without height', gif(10, 0, '89a', [gifImage(1, 0)])],
    ['a JPEG without height', jpeg(10, 0)],
    ['an AVIF without a size', heif(['avif'], [AV1])],
    ['an AVIF with a box that is shorter than its head', shortBox(7)],
    ['an AVIF with a box that is longer than the file', shortBox(0x7fffffff)],
    ['an AVIF with a last box before its description', shortBox(0)],
    ['an AVIF whose description is not there', box('ftyp', 'avif', Buffer.alloc(4))],
  ])('is not found in %s', async (_name, bytes) => {
    expect(await headOf(bytes)).toBe('photo_invalid');
  });

  const bomb = (begin: Buffer, each: Buffer) => Buffer.concat([begin, Buffer.alloc(4 * MIB, each)]);
  const START = Buffer.from([0xff, 0xd8]);
  const SCREEN = gif(1, 1).subarray(0, 19);
  const BRANDS = box('ftyp', 'avif', Buffer.alloc(4));
  it.each([
    ['fill bytes', true, bomb(START, Buffer.alloc(1, 0xff))],
    ['segments without a length', false, bomb(START, Buffer.from([0xff, 0xe0, 0, 0]))],
    ['the shortest segments', true, bomb(START, Buffer.from([0xff, 0xe0, 0, 2]))],
    ['markers that stand alone', true, bomb(START, Buffer.from([0xff, 0xd0]))],
    [
      'the shortest blocks of a comment',
      true,
      bomb(Buffer.concat([SCREEN, Buffer.from('!\xfe', 'latin1')]), Buffer.from('\x01c')),
    ],
    ['empty comments', false, bomb(SCREEN, Buffer.from([0x21, 0xfe, 0]))],
    ['the shortest boxes', false, bomb(BRANDS, box('free'))],
  ])('is not found in 4 MiB of %s, in a few times what it takes to look at each byte, and not at one go', async (_name, passesAll, bytes) => {
    await withFile(bytes, async (file) => {
      let turns = 0;
      let looking = true;
      const turn = () => {
        turns += 1;
        if (looking) setImmediate(turn);
      };
      turn();
      const control = () =>
        processorMs(() => {
          let sum = 0;
          for (let at = 0; at < bytes.length; at++) sum += bytes[at] ?? 0;
          expect(sum).toBeGreaterThan(0);
        });
      const measured = () => processorMsOf(async () => expect(await headIn(file)).toBe('photo_invalid'));
      expect(await smallestRatio({ measured, control, enough: TIMES_MAX })).toBeLessThanOrEqual(TIMES_MAX);
      looking = false;
      // There are 64 pieces, unless it is clear before the end that this is no image.
      if (passesAll) expect(turns).toBeGreaterThan(50);
    });
  });
});
