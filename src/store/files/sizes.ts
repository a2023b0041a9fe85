import sharp, { type Sharp } from 'sharp';
import type { PhotoSize } from '../photo-store.js';
import type { ImageType } from './images.js';

/** A photo in each of its sizes, encoded. */
export type Sizes = Readonly<Record<PhotoSize, Buffer>>;

const PIXELS_MAX = 120_000_000;
const QUALITY = 82;
/** Takes half of the time of the default, 4, for files of the same size. */
const WEBP_EFFORT = 2;

/** Prepares a process for the photos of users: only the decoders of the types that are taken may see them. */
export function prepare(): void {
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Heif'].map((type) => `VipsForeignLoad${type}File`),
  });
}

/**
 * Decodes an image, and encodes it upright, in sRGB and without any metadata, in two sizes: as it is, but at most 1280
 * pixels wide and high, and as a square of at most 160, cut from its middle. Of an animation, the first picture counts.
 * A JPEG stays one, anything else becomes WebP, which may be transparent. Rejects when the image is damaged.
 */
export async function sizesOf(path: string, type: ImageType): Promise<Sizes> {
  const options = {
    limitInputPixels: PIXELS_MAX,
    failOn: 'error',
    autoOrient: true,
    sequentialRead: true,
  } as const;
  const { data, info } = await sharp(path, options)
    .resize(1280, 1280, { fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const decoded = () => sharp(data, { raw: { width, height, channels } });
  const encoded = (image: Sharp) =>
    (type === 'jpeg'
      ? image.jpeg({ quality: QUALITY })
      : image.webp({ quality: QUALITY, effort: WEBP_EFFORT })
    ).toBuffer();
  const side = Math.min(160, width, height);
  return { 1280: await encoded(decoded()), 160: await encoded(decoded().resize(side, side)) };
}
