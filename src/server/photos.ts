import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ChatError } from '../chat/errors.js';
import type { Image } from './exchange.js';
import { contentTypeOf, imageHead } from './images.js';

const MEGAPIXELS_MAX = 120;
/** The size of an image stands within this much of its beginning, whatever a camera puts before it. */
const HEAD_BYTES = 1024 * 1024;

export type PhotoOwner = 'users' | 'groups';

/** A photo that was placed, and can be taken back as long as no row names it. */
export interface PlacedPhoto {
  /** The name that the row holds. */
  readonly name: string;
  remove(): Promise<void>;
}

/** Lasting photos: `files/<users|groups>/<id>/<name>` in the data folder. */
export class Photos {
  readonly #filesDir: string;

  constructor(dataDir: string) {
    this.#filesDir = join(dataDir, 'files');
  }

  /** The type of an uploaded image. Errors: photo_invalid. */
  async inspect(path: string): Promise<{ extension: string }> {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const head = imageHead(buffer.subarray(0, bytesRead));
      if (head === undefined) throw new ChatError('photo_invalid');
      if (head.width * head.height > MEGAPIXELS_MAX * 1_000_000) {
        throw new ChatError('photo_invalid', {
          sentence: `The photo has more than ${MEGAPIXELS_MAX} megapixels.`,
        });
      }
      return { extension: head.type };
    } finally {
      await file.close();
    }
  }

  /** Moves an upload to its lasting place. When it resolves, file and name survive a power loss. */
  async place(path: string, extension: string, owner: PhotoOwner, id: number): Promise<PlacedPhoto> {
    const name = `${randomUUID()}.${extension}`;
    const lasting = this.#path(owner, id, name);
    const firstMade = await mkdir(dirname(lasting), { recursive: true, mode: 0o700 });
    await sync(path);
    await rename(path, lasting);
    await sync(dirname(lasting));
    if (firstMade !== undefined) await this.#syncUpwards(dirname(dirname(lasting)), dirname(firstMade));
    return { name, remove: () => removeWithFolder(lasting) };
  }

  /** Errors: photo_not_found, also when its file is gone. */
  async read(owner: PhotoOwner, id: number, name: string | null): Promise<Image> {
    if (name === null) throw new ChatError('photo_not_found');
    try {
      return { contentType: contentTypeOf(name), bytes: await readFile(this.#path(owner, id, name)) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new ChatError('photo_not_found');
      throw error;
    }
  }

  /** Removes the folder of one that is deleted. */
  async removeAll(owner: PhotoOwner, id: number): Promise<void> {
    await rm(join(this.#filesDir, owner, String(id)), { recursive: true, force: true });
  }

  #path(owner: PhotoOwner, id: number, name: string): string {
    return join(this.#filesDir, owner, String(id), name);
  }

  /** A new folder's name is durable when the folder that it stands in is synced, up to the first that was there. */
  async #syncUpwards(from: string, last: string): Promise<void> {
    for (let folder = from; folder.length >= last.length; folder = dirname(folder)) await sync(folder);
  }
}

/** Removes a file, and its folder when nothing else is in it. */
async function removeWithFolder(path: string): Promise<void> {
  await rm(path, { force: true });
  await rmdir(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error;
  });
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
