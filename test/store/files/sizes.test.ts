import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { pngChunk } from '../../../bench/load/photo.js';
import type { ImageType } from '../../../src/store/files/images.js';
import { type Sizes, sizesOf } from '../../../src/store/files/sizes.js';
import { encoded, gif, gifComment, imageOf, png, pngHead, segment } from '../../support/images.js';

const folder = mkdtempSync(join(tmpdir(), 'parley-sizes-'));
afterAll(() => rmSync(folder, { recursive: true }));

function sizes(image: Buffer, type: ImageType): Promise<Sizes> {
  const path = join(folder, randomUUID()); // The library keeps what it has decoded, by the path.
  writeFileSync(path, image);
  return sizesOf(path, type);
}

const PLACE = 'at 52.5163 13.3777';
const EXIF = {
  IFD0: { ImageDescription: PLACE },
  IFD3: { GPSLatitude: '52/1 30/1 58/1', GPSLatitudeRef: 'N' },
};
const XMP = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><place>${PLACE}</place></x:xmpmeta>`;

/** An image that is red on the left, and blue on the right. */
function flag(width: number, height: number, channels: 3 | 4 = 3): Sharp {
  const raw = Buffer.alloc(width * height * channels);
  for (let at = 0; at < width * height; at++) {
    raw[at * channels + (at % width < width / 2 ? 0 : 2)] = 250;
    if (channels === 4) raw[at * channels + 3] = 100;
  }
  return sharp(raw, { raw: { width, height, channels } });
}

const withAll = (image: Sharp) => image.withExif(EXIF).withXmp(XMP).withIccProfile('p3');
const inJpeg = (image: Buffer, marker: number) =>
  Buffer.concat([image.subarray(0, 2), segment(marker, Buffer.from(PLACE)), image.subarray(2)]);

/** The color of a pixel in the middle of a quarter of the image. */
async function quarter(image: Buffer, right: boolean, bottom: boolean): Promise<string> {
  const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const x = Math.floor((info.width * (right ? 3 : 1)) / 4);
  const y = Math.floor((info.height * (bottom ? 3 : 1)) / 4);
  const at = (y * info.width + x) * info.channels;
  return (data[at] ?? 0) > (data[at + 2] ?? 0) ? 'red' : 'blue';
}

describe('what is kept of a photo', () => {
  it.each([
    ['JPEG', 'jpeg', () => withAll(flag(40, 20)).jpeg().toBuffer()],
    ['PNG', 'png', () => withAll(flag(40, 20)).png().toBuffer()],
    ['WebP', 'webp', () => withAll(flag(40, 20)).webp().toBuffer()],
    ['AVIF', 'avif', () => flag(40, 20).withExif(EXIF).withXmp(XMP).avif().toBuffer()],
    ['JPEG with a comment', 'jpeg', async () => inJpeg(await encoded('jpeg', 8, 8), 0xfe)],
    ['JPEG with IPTC', 'jpeg', async () => inJpeg(await encoded('jpeg', 8, 8), 0xed)],
    [
      'JPEG with more behind its end',
      'jpeg',
      async () => Buffer.concat([await encoded('jpeg', 8, 8), Buffer.from(PLACE)]),
    ],
    ['PNG with text', 'png', () => pngHeadAnd(pngChunk('tEXt', Buffer.from(`Comment\0${PLACE}`)))],
    ['GIF with a comment', 'gif', () => gif(8, 8, '89a', [Buffer.from(`!\xfe\x12${PLACE}\0`, 'latin1')])],
  ] as const)('has none of its metadata: a %s', async (_name, type, make) => {
    const image = await make();
    expect(image.includes(PLACE)).toBe(true);
    for (const kept of Object.values(await sizes(image, type))) {
      expect(kept.includes(PLACE)).toBe(false);
      expect(await sharp(kept).metadata()).not.toMatchObject({ exif: expect.anything() });
      expect(Object.keys(await sharp(kept).metadata())).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^(exif|xmp|iptc|icc|comments)$/)]),
      );
    }
  });

  function pngHeadAnd(...chunks: readonly Buffer[]): Buffer {
    return Buffer.concat([pngHead(9, 9, 1, 0), ...chunks, png(9, 9).subarray(33)]);
  }

  it.each([
    [1, [40, 20], 'red', 'blue', 'red'],
    [2, [40, 20], 'blue', 'red', 'blue'],
    [3, [40, 20], 'blue', 'red', 'blue'],
    [4, [40, 20], 'red', 'blue', 'red'],
    [5, [20, 40], 'red', 'red', 'blue'],
    [6, [20, 40], 'red', 'red', 'blue'],
    [7, [20, 40], 'blue', 'blue', 'red'],
    [8, [20, 40], 'blue', 'blue', 'red'],
  ] as const)('stands upright, for orientation %i', async (orientation, [width, height], ...colors) => {
    for (const type of ['jpeg', 'png', 'webp'] as const) {
      const image = await flag(40, 20).withMetadata({ orientation }).toFormat(type).toBuffer();
      const kept = (await sizes(image, type))[1280];
      expect(await imageOf(kept)).toMatchObject({ width, height });
      const seen = [
        await quarter(kept, false, false),
        await quarter(kept, true, false),
        await quarter(kept, false, true),
      ];
      expect(seen).toEqual(colors);
    }
  });

  it.each([
    [4000, 3000, [1280, 960], 160],
    [20, 3000, [9, 1280], 9],
    [1280, 1280, [1280, 1280], 160],
    [1281, 7, [1280, 7], 7],
    [100, 50, [100, 50], 50],
    [1, 1, [1, 1], 1],
    [1, 5000, [1, 1280], 1],
  ] as const)('is no larger than it came, and at most 1280: %i × %i', async (width, height, [w, h], side) => {
    const kept = await sizes(png(width, height), 'png');
    expect(await imageOf(kept[1280])).toEqual({ format: 'webp', width: w, height: h });
    expect(await imageOf(kept[160])).toEqual({ format: 'webp', width: side, height: side });
  });

  it('is as transparent as it was', async () => {
    const image = await flag(30, 30, 4).png().toBuffer();
    for (const kept of Object.values(await sizes(image, 'png'))) {
      const { data, info } = await sharp(kept).raw().toBuffer({ resolveWithObject: true });
      expect([info.channels, data[3]]).toEqual([4, 100]);
    }
  });

  it('is in sRGB', async () => {
    const image = await sharp({ create: { width: 9, height: 9, channels: 3, background: '#00c800' } })
      .withIccProfile('p3')
      .png()
      .toBuffer();
    expect((await sharp(image).metadata()).icc).toBeDefined();
    const [red, green] = await sharp((await sizes(image, 'png'))[1280])
      .raw()
      .toBuffer();
    expect(red).toBeLessThan(40);
    expect(green).toBeGreaterThan(190);
  });

  it.each([
    ['CMYK', 'jpeg', () => flag(30, 20).toColourspace('cmyk').jpeg().toBuffer()],
    ['grey of 16 bits', 'png', () => flag(30, 20).toColourspace('grey16').png().toBuffer()],
    ['color of 16 bits', 'png', () => flag(30, 20).toColourspace('rgb16').png().toBuffer()],
    ['a palette', 'png', () => flag(30, 20).png({ palette: true }).toBuffer()],
    ['progressive', 'jpeg', () => flag(30, 20).jpeg({ progressive: true }).toBuffer()],
    ['interlaced', 'png', () => flag(30, 20).png({ progressive: true }).toBuffer()],
    ['lossless', 'webp', () => flag(30, 20).webp({ lossless: true }).toBuffer()],
  ] as const)('is something that every browser shows: %s', async (_name, type, make) => {
    const kept = (await sizes(await make(), type))[1280];
    expect(await sharp(kept).metadata()).toMatchObject({
      space: 'srgb',
      depth: 'uchar',
      width: 30,
      height: 20,
    });
  });

  it('is the first picture of an animation', async () => {
    const frames = Buffer.concat([Buffer.alloc(100 * 3, Buffer.from([250, 0, 0])), Buffer.alloc(100 * 3, 9)]);
    const image = sharp(frames, { raw: { width: 10, height: 20, channels: 3, pageHeight: 10 } });
    for (const type of ['gif', 'webp'] as const) {
      const animation = await image.clone().toFormat(type).toBuffer();
      expect((await sharp(animation).metadata()).pages).toBe(2);
      const kept = (await sizes(animation, type))[1280];
      expect(await sharp(kept).metadata()).toMatchObject({ width: 10, height: 10 });
      expect((await sharp(kept).raw().toBuffer())[0]).toBeGreaterThan(200);
    }
  });

  it('is made of a JPEG with 9 MiB of notes, and of a PNG with 9 MiB of text', async () => {
    const image = await encoded('jpeg', 30, 20);
    const notes = Array<Buffer>(144).fill(segment(0xe2, Buffer.alloc(65_533, 0xc0)));
    const noted = Buffer.concat([image.subarray(0, 2), ...notes, image.subarray(2)]);
    expect(await imageOf((await sizes(noted, 'jpeg'))[160])).toMatchObject({ width: 20, height: 20 });
    const text = pngHeadAnd(pngChunk('iTXt', Buffer.alloc(9 * 1024 * 1024, 'x')));
    expect(await imageOf((await sizes(text, 'png'))[160])).toMatchObject({ width: 9, height: 9 });
    const comments = gif(9, 9, '89a', [gifComment(30_000)]);
    expect(await imageOf((await sizes(comments, 'gif'))[160])).toMatchObject({ width: 9, height: 9 });
  });

  it.each([
    'jpeg',
    'png',
    'webp',
    'gif',
    'avif',
  ] as const)('is nothing of a %s that breaks off', async (type) => {
    const image = await flag(300, 200).toFormat(type).toBuffer();
    for (const share of [0.1, 0.5, 0.9])
      expect(
        await sizes(image.subarray(0, image.length * share), type).then(
          () => `${share} is enough`,
          () => undefined,
        ),
      ).toBeUndefined();
  });
});
