import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ChatError } from '../../chat/errors.js';
import { fsyncPath } from '../fsync.js';
import type { Image, PhotoOwner, PhotoStore, StoredPhoto } from '../photo-store.js';
import { contentTypeOf, type ImageHead, type ImageType, imageHead } from './images.js';

const MEGAPIXELS_MAX = 120;
/**
 * How much of a file's beginning is read to find the image's size: the first is enough for most images, the second for
 * whatever a camera writes before it.
 */
const HEAD_BYTES = [16 * 1024, 1024 * 1024];
const TRIES_MAX = 3;

/** Photos as files: `files/<users|groups>/<id>/<name>` in the data folder. */
export class PhotoFiles implements PhotoStore {
  readonly #filesDir: string;
  /** Which of `files/users` and `files/groups` have durable names, as have the folders above them. */
  readonly #durableFolders = new Set<string>();

  constructor(dataDir: string) {
    this.#filesDir = join(dataDir, 'files');
  }

  async store(uploaded: string, owner: PhotoOwner, id: number): Promise<StoredPhoto> {
    let path: string | undefined;
    try {
      const name = `${randomUUID()}.${await syncedType(uploaded)}`;
      const stored = this.#path(owner, id, name);
      path = stored;
      await this.#moveDurably(uploaded, stored);
      return { name, remove: () => removeWithFolder(stored) };
    } catch (error) {
      // A file that cannot be removed is swept later. The caller has to hear the first error.
      if (path !== undefined) await removeWithFolder(path).catch(() => undefined);
      throw isDiskFull(error) ? new ChatError('storage_full') : error;
    }
  }

  async read(owner: PhotoOwner, id: number, name: string | null): Promise<Image> {
    if (name === null) throw new ChatError('photo_not_found');
    try {
      return { contentType: contentTypeOf(name), bytes: await readFile(this.#path(owner, id, name)) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new ChatError('photo_not_found');
      throw error;
    }
  }

  async remove(owner: PhotoOwner, id: number, name: string): Promise<void> {
    await removeWithFolder(this.#path(owner, id, name));
  }

  async removeAll(owner: PhotoOwner, id: number): Promise<void> {
    await rm(join(this.#filesDir, owner, String(id)), { recursive: true, force: true });
  }

  /** Moves a file whose content is synced. When the promise resolves, its name survives a power loss too. */
  async #moveDurably(uploaded: string, path: string): Promise<void> {
    await this.#moveInto(uploaded, path);
    // A name is durable when the folder that holds it is synced. The folders above are synced once by this process,
    // also when another made them, because that one may not have synced them yet, or may have been killed before.
    const own = dirname(path);
    const ownerFolder = dirname(own);
    await fsyncPath(own).catch(passWhenGone);
    await fsyncPath(ownerFolder);
    if (this.#durableFolders.has(ownerFolder)) return;
    await fsyncPath(this.#filesDir);
    await fsyncPath(dirname(this.#filesDir));
    this.#durableFolders.add(ownerFolder);
  }

  async #moveInto(from: string, to: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#makeFolder(dirname(to));
        return await rename(from, to);
      } catch (error) {
        // The empty folder was removed between the two calls.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === TRIES_MAX) throw error;
      }
    }
  }

  /** Does what mkdir does with `recursive`, which reports ENOENT when there is no space for the folder. */
  async #makeFolder(path: string): Promise<void> {
    try {
      await mkdir(path, { mode: 0o700 });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return;
      if (code !== 'ENOENT') throw error;
      this.#durableFolders.clear(); // A folder above was removed, and the new one is not synced.
      await this.#makeFolder(dirname(path));
      await mkdir(path, { mode: 0o700 }).catch(passWhenThere);
    }
  }

  #path(owner: PhotoOwner, id: number, name: string): string {
    return join(this.#filesDir, owner, String(id), name);
  }
}

/** Finds an upload's type by its bytes, and syncs them. Errors: photo_invalid. */
async function syncedType(path: string): Promise<ImageType> {
  const file = await open(path, 'r');
  try {
    const head = await headOf(file);
    if (head === undefined) throw new ChatError('photo_invalid');
    if (head.width * head.height > MEGAPIXELS_MAX * 1_000_000) {
      throw new ChatError('photo_invalid', {
        sentence: `The photo has more than ${MEGAPIXELS_MAX} megapixels.`,
      });
    }
    await file.sync();
    return head.type;
  } finally {
    await file.close();
  }
}

async function headOf(file: FileHandle): Promise<ImageHead | undefined> {
  for (const bytes of HEAD_BYTES) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, 0);
    const head = imageHead(buffer.subarray(0, bytesRead));
    if (head !== undefined) return head;
    if (bytesRead < bytes) return undefined;
  }
  return undefined;
}

function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function passWhenThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

/** A group that is being deleted takes the photo with it. The row that is to name it is refused then. */
function passWhenGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** Removes a file, and its folder when nothing else is in it. */
async function removeWithFolder(path: string): Promise<void> {
  await rm(path, { force: true });
  await rmdir(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error;
  });
}
