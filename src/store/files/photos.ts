import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ChatError } from '../../chat/errors.js';
import { fsyncPath } from '../fsync.js';
import {
  type Image,
  PHOTO_SIZES,
  type PhotoOwner,
  type PhotoSize,
  type PhotoStore,
  type StoredPhoto,
} from '../photo-store.js';
import { type ImageType, imageHead } from './images.js';
import { contentTypeOf, fileOf, filesOf, newPhotoName } from './photo-names.js';
import type { Resizer } from './resizer.js';
import type { Sizes } from './sizes.js';

/** AVIF takes 19 bytes for a pixel while it is decoded, and 0.1 s for a megapixel. */
const MEGAPIXELS_MAX = { png: 120, jpeg: 120, webp: 120, gif: 120, avif: 30 } as const;
const TRIES_MAX = 3;

/** Photos as files: `files/<users|groups>/<id>/<name>` in the data folder, one for each size. */
export class PhotoFiles implements PhotoStore {
  readonly #filesDir: string;
  readonly #temporaryDir: string;
  readonly #resizer: Resizer;
  /** Sizes that are being made of photos that lack them, by the path of the photo. */
  readonly #making = new Map<string, Promise<Sizes>>();
  /** Which of `files/users` and `files/groups` have durable names, as have the folders above them. */
  readonly #durableFolders = new Set<string>();

  constructor(dataDir: string, resizer: Resizer) {
    this.#filesDir = join(dataDir, 'files');
    this.#temporaryDir = join(dataDir, 'tmp');
    this.#resizer = resizer;
  }

  async store(uploaded: string, owner: PhotoOwner, id: number): Promise<StoredPhoto> {
    const type = await typeOf(uploaded);
    const sizes = await this.#resizer.resize({ path: uploaded, type });
    const name = newPhotoName(type);
    try {
      await this.#place(owner, id, name, sizes);
      await rm(uploaded, { force: true });
      return { name, remove: () => this.remove(owner, id, name) };
    } catch (error) {
      // A file that cannot be removed is swept later. The caller has to hear the first error.
      await this.remove(owner, id, name).catch(() => undefined);
      throw isDiskFull(error) ? new ChatError('storage_full') : error;
    }
  }

  async read(owner: PhotoOwner, id: number, name: string | null, size: PhotoSize): Promise<Image> {
    if (name === null) throw new ChatError('photo_not_found');
    const file = fileOf(name, size);
    const path = this.#path(owner, id, file);
    const bytes = (await readIfThere(path)) ?? (await this.#makeOrRead(owner, id, name, size));
    return { contentType: contentTypeOf(file), bytes };
  }

  async remove(owner: PhotoOwner, id: number, name: string): Promise<void> {
    for (const file of filesOf(name)) await rm(this.#path(owner, id, file), { force: true });
    await rmdir(join(this.#filesDir, owner, String(id))).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error;
    });
  }

  async removeAll(owner: PhotoOwner, id: number): Promise<void> {
    await rm(join(this.#filesDir, owner, String(id)), { recursive: true, force: true });
  }

  /** Another worker may make the sizes meanwhile, and remove what they are made of. */
  async #makeOrRead(owner: PhotoOwner, id: number, name: string, size: PhotoSize): Promise<Buffer> {
    try {
      return (await this.#make(owner, id, name))[size];
    } catch (error) {
      const made = await readIfThere(this.#path(owner, id, fileOf(name, size)));
      if (made === undefined) throw error;
      return made;
    }
  }

  /** Makes the sizes of a photo that lacks one, all requests for it at once. Errors: photo_not_found, overloaded. */
  #make(owner: PhotoOwner, id: number, name: string): Promise<Sizes> {
    const path = this.#path(owner, id, name);
    const making = this.#making.get(path) ?? this.#makeSizes(owner, id, name);
    this.#making.set(path, making);
    const forget = () => this.#making.delete(path);
    making.then(forget, forget);
    return making;
  }

  /**
   * Photos that were stored before there were sizes are files as they were uploaded, maybe with the place that they were
   * taken at. Nobody is shown such a file: once its sizes are durable, it is removed.
   */
  async #makeSizes(owner: PhotoOwner, id: number, name: string): Promise<Sizes> {
    const path = this.#path(owner, id, name);
    let sizes: Sizes;
    try {
      sizes = await this.#resizer.resize({ path, type: await typeOf(path) });
    } catch (error) {
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const isNoPhoto = error instanceof ChatError && error.code.startsWith('photo_');
      throw isGone || isNoPhoto ? new ChatError('photo_not_found') : error;
    }
    try {
      await this.#place(owner, id, name, sizes);
      if (fileOf(name, 1280) !== name) await rm(path, { force: true });
    } catch (error) {
      if (!isDiskFull(error)) throw error; // Reading goes on. The next request tries again.
    }
    return sizes;
  }

  /** Writes the files of a photo. When the promise resolves, they survive a power loss. */
  async #place(owner: PhotoOwner, id: number, name: string, sizes: Sizes): Promise<void> {
    await this.#makeFolder(this.#temporaryDir);
    const written = PHOTO_SIZES.map((size) => ({
      size,
      from: join(this.#temporaryDir, randomUUID()),
      to: this.#path(owner, id, fileOf(name, size)),
    }));
    try {
      for (const { size, from } of written)
        await writeFile(from, sizes[size], { flag: 'wx', mode: 0o600, flush: true });
      await this.#moveDurably(written);
    } finally {
      for (const { from } of written) await rm(from, { force: true }).catch(() => undefined);
    }
  }

  /** Moves files whose contents are synced into one folder. When the promise resolves, their names are durable, too. */
  async #moveDurably(files: readonly { readonly from: string; readonly to: string }[]): Promise<void> {
    for (const { from, to } of files) await this.#moveInto(from, to);
    // A name is durable when the folder that holds it is synced. The folders above are synced once by this process,
    // also when another made them, because that one may not have synced them yet, or may have been killed before.
    const own = dirname(files[0]?.to ?? '');
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

/** Finds the type of an image by its bytes. Errors: photo_invalid, photo_heic_unsupported. */
async function typeOf(path: string): Promise<ImageType> {
  const file = await open(path, 'r');
  try {
    const { type, width, height } = await imageHead(file);
    const max = MEGAPIXELS_MAX[type];
    if (width * height > max * 1_000_000)
      throw new ChatError('photo_invalid', { sentence: `The photo has more than ${max} megapixels.` });
    return type;
  } finally {
    await file.close();
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
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
