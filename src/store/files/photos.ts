import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ChatError } from '../../chat/errors.js';
import { fsyncPath } from '../fsync.js';
import type { Image, PhotoOwner, PhotoStore, PlacedPhoto } from '../photo-store.js';
import { contentTypeOf, type ImageHead, type ImageType, imageHead } from './images.js';

const MEGAPIXELS_MAX = 120;
/** The size of an image stands within this much of its beginning: of most, and whatever a camera puts before it. */
const HEAD_BYTES = [16 * 1024, 1024 * 1024];
const TRIES_MAX = 3;

/** Photos as files: `files/<users|groups>/<id>/<name>` in the data folder. */
export class PhotoFiles implements PhotoStore {
  readonly #filesDir: string;
  /** `files/users`, `files/groups`: those whose names, and the names above them, are durable. They stay for good. */
  readonly #rooted = new Set<string>();

  constructor(dataDir: string) {
    this.#filesDir = join(dataDir, 'files');
  }

  async place(uploaded: string, owner: PhotoOwner, id: number): Promise<PlacedPhoto> {
    let lasting: string | undefined;
    try {
      const name = `${randomUUID()}.${await syncedType(uploaded)}`;
      lasting = this.#path(owner, id, name);
      await this.#settle(uploaded, lasting);
      const placed = lasting;
      return { name, remove: () => removeWithFolder(placed) };
    } catch (error) {
      // Otherwise it is swept later; why it failed is what matters.
      if (lasting !== undefined) await removeWithFolder(lasting).catch(() => undefined);
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

  /** Moves what is synced to where it lasts. When it resolves, it survives a power loss. */
  async #settle(uploaded: string, lasting: string): Promise<void> {
    await this.#moveInto(uploaded, lasting);
    // Names are durable when the folder that they stand in is synced. All of them, until this process has done it
    // once: who made one of the folders may be about to sync it still, or have been killed before.
    const own = dirname(lasting);
    const ownerFolder = dirname(own);
    await fsyncPath(own).catch(passWhenGone);
    await fsyncPath(ownerFolder);
    if (this.#rooted.has(ownerFolder)) return;
    await fsyncPath(this.#filesDir);
    await fsyncPath(dirname(this.#filesDir));
    this.#rooted.add(ownerFolder);
  }

  async #moveInto(from: string, to: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#makeFolder(dirname(to));
        return await rename(from, to);
      } catch (error) {
        // Someone removed the empty folder between the two.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === TRIES_MAX) throw error;
      }
    }
  }

  /** As mkdir with `recursive`, which says ENOENT for a folder that it could not make for want of space. */
  async #makeFolder(path: string): Promise<void> {
    try {
      await mkdir(path, { mode: 0o700 });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return;
      if (code !== 'ENOENT') throw error;
      this.#rooted.clear(); // Someone took it away: the next one is another.
      await this.#makeFolder(dirname(path));
      await mkdir(path, { mode: 0o700 }).catch(passWhenThere);
    }
  }

  #path(owner: PhotoOwner, id: number, name: string): string {
    return join(this.#filesDir, owner, String(id), name);
  }
}

/** What an upload is, told by its bytes, which are on disk when it resolves. Errors: photo_invalid. */
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
