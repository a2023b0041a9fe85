import { describe, expect, it } from 'vitest';
import { contentTypeOf, imageHead } from '../../../src/store/files/images.js';
import { gif, jpeg, png, segment, webpExtended, webpLossless, webpLossy } from '../../support/images.js';
import { processorMs, smallestRatio } from '../../support/measure.js';

const APP0 = segment(0xe0, Buffer.from('JFIF\0\x01\x01\0\0\x01\0\x01\0\0', 'latin1'));
const EXIF = segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), Buffer.alloc(40_000, 0xff)]));
const TABLES = [segment(0xdb, Buffer.alloc(65)), segment(0xc4, Buffer.alloc(30, 0xc0))];
const FILL = Buffer.alloc(7, 0xff);
const TIMES_MAX = 20;

const IMAGES: readonly (readonly [string, Buffer, ReturnType<typeof imageHead>])[] = [
  ['a PNG', png(640, 480), { type: 'png', width: 640, height: 480 }],
  ['a GIF 87a', gif(300, 2, '87a'), { type: 'gif', width: 300, height: 2 }],
  ['a GIF 89a', gif(1, 65_535), { type: 'gif', width: 1, height: 65_535 }],
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
];

describe('imageHead', () => {
  it.each(IMAGES)('reads type and size of %s', (_name, bytes, head) => {
    expect(imageHead(bytes)).toEqual(head);
  });

  it.each(IMAGES)('never throws on %s that ends early, nor invents a size', (_name, bytes, head) => {
    // Every length near both ends; in between each byte of a long EXIF is like the one before.
    for (let length = 0; length < bytes.length; length++) {
      const found = imageHead(bytes.subarray(0, length));
      if (found !== undefined) expect(found).toEqual(head);
      if (length === 200 && bytes.length > 1000) length = bytes.length - 200;
    }
  });

  it('takes the smallest WebP that there is, of 26 bytes', () => {
    // https://github.com/mathiasbynens/small: RIFF, 18 bytes, one VP8L chunk of 6.
    const bytes = Buffer.from('UklGRhIAAABXRUJQVlA4TAYAAAAvQWxvAGs=', 'base64');
    expect(bytes).toHaveLength(26);
    expect(imageHead(bytes)?.type).toBe('webp');
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('just some text that is long enough to be an image head')],
    ['HTML', Buffer.from('<!doctype html><script>alert(1)</script>'.padEnd(100))],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"></svg>')],
    ['a BMP', Buffer.concat([Buffer.from('BM'), Buffer.alloc(100, 1)])],
    ['a RIFF that is no WebP', Buffer.from('RIFF\0\0\0\0WAVEfmt '.padEnd(60), 'latin1')],
    ['a WebP of an unknown kind', Buffer.from('RIFF\0\0\0\0WEBPVP9 '.padEnd(60), 'latin1')],
    [
      'a PNG whose first chunk is not IHDR',
      Buffer.from(png(1, 1).toString('latin1').replace('IHDR', 'tEXt'), 'latin1'),
    ],
    [
      'a PNG with a broken signature',
      Buffer.from(png(1, 1).toString('latin1').replace('\r\n', '\n\n'), 'latin1'),
    ],
    ['GIF88a', Buffer.from(gif(1, 1).toString('latin1').replace('9a', '8a'), 'latin1')],
    ['a JPEG without a frame header', Buffer.concat([Buffer.from([0xff, 0xd8]), APP0, ...TABLES, APP0])],
    [
      'a JPEG whose segment does not begin with a marker',
      Buffer.concat([Buffer.from([0xff, 0xd8]), APP0, Buffer.alloc(99)]),
    ],
    ['a PNG without width', png(0, 10)],
    ['a GIF without height', gif(10, 0)],
    ['a JPEG without height', jpeg(10, 0)],
  ])('is not taken in by %s', (_name, bytes) => {
    expect(imageHead(bytes)).toBeUndefined();
  });

  it.each([
    ['fill bytes', Buffer.alloc(1024 * 1024, 0xff)],
    ['segments without a length', Buffer.alloc(1024 * 1024, Buffer.from([0xff, 0xe0, 0, 0]))],
    ['the shortest segments', Buffer.alloc(1024 * 1024, Buffer.from([0xff, 0xe0, 0, 2]))],
    ['markers that stand alone', Buffer.alloc(1024 * 1024, Buffer.from([0xff, 0xd0]))],
  ])('is done with 1 MiB of %s in a few times what it takes to look at each byte', async (_name, rest) => {
    const bytes = Buffer.concat([Buffer.from([0xff, 0xd8]), rest]);
    const control = () =>
      processorMs(() => {
        let sum = 0;
        for (let at = 0; at < bytes.length; at++) sum += bytes[at] ?? 0;
        expect(sum).toBeGreaterThan(0);
      });
    const measured = () => processorMs(() => expect(imageHead(bytes)).toBeUndefined());
    expect(await smallestRatio({ measured, control, enough: TIMES_MAX })).toBeLessThanOrEqual(TIMES_MAX);
  });
});

describe('contentTypeOf', () => {
  it.each([
    ['a.png', 'image/png'],
    ['a.jpeg', 'image/jpeg'],
    ['a.webp', 'image/webp'],
    ['a.b.gif', 'image/gif'],
    ['a.svg', 'application/octet-stream'],
    ['a', 'application/octet-stream'],
  ])('knows that %s is %s', (name, type) => {
    expect(contentTypeOf(name)).toBe(type);
  });
});
