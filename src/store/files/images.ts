import type { FileHandle } from 'node:fs/promises';
import { ChatError } from '../../chat/errors.js';
import { gif } from './formats/gif.js';
import { heif } from './formats/heif.js';
import { jpeg } from './formats/jpeg.js';
import { type Pieces, piecesOf } from './formats/pieces.js';
import { png } from './formats/png.js';
import { webp } from './formats/webp.js';

/** The types of images that the server takes. */
export type ImageType = 'png' | 'jpeg' | 'webp' | 'gif' | 'avif';

export interface ImageHead {
  readonly type: ImageType;
  readonly width: number;
  readonly height: number;
}

const FORMATS = { png, gif, webp, jpeg } as const;

/**
 * Finds an image's type by its bytes, and the size that it says it has, wherever in the file that stands. Errors:
 * photo_invalid for anything that is not an image of these types, photo_heic_unsupported.
 */
export async function imageHead(file: FileHandle): Promise<ImageHead> {
  const head = await headIn(piecesOf(file));
  if (head === undefined || head.width === 0 || head.height === 0) throw new ChatError('photo_invalid');
  return head;
}

async function headIn(pieces: Pieces): Promise<ImageHead | undefined> {
  for (const type of ['png', 'gif', 'webp', 'jpeg'] as const) {
    const size = await FORMATS[type](pieces);
    if (size !== undefined) return { type, ...size };
  }
  const found = await heif(pieces);
  if (found?.codec === 'other') throw new ChatError('photo_heic_unsupported');
  return found && { type: 'avif', ...found.size };
}
