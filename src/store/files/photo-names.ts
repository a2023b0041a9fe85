import { randomUUID } from 'node:crypto';
import { PHOTO_SIZES, type PhotoSize } from '../photo-store.js';
import type { ImageType } from './images.js';

/** How the name of a photo's file ends: with its size, unless it was stored before there were sizes, and its type. */
const ENDING = /(?:-1280)?\.(\w+)$/;

/** The name of a new photo, `<uuid>-1280.<type>`: it is the name of its largest size. A JPEG stays one. */
export function newPhotoName(type: ImageType): string {
  return fileOf(`${randomUUID()}.${type}`, 1280);
}

/** The name of the file that has a photo in this size. */
export function fileOf(name: string, size: PhotoSize): string {
  const type = ENDING.exec(name)?.[1] === 'jpeg' ? 'jpeg' : 'webp';
  return `${name.replace(ENDING, '')}-${size}.${type}`;
}

/** The names of all files that a photo may have. The file of its own name is an upload as it came, for an old photo. */
export function filesOf(name: string): ReadonlySet<string> {
  return new Set([name, ...PHOTO_SIZES.map((size) => fileOf(name, size))]);
}

/** The Content-Type of a file that has a size of a photo. */
export function contentTypeOf(file: string): string {
  return file.endsWith('.jpeg') ? 'image/jpeg' : 'image/webp';
}
