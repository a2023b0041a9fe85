import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import type { Form, Part } from 'formidable';
import { ChatError } from '../../chat/errors.js';
import type { Caller } from '../../chat/users.js';
import { JSON_BYTES_MAX, jsonOf } from '../http/body.js';
import type { Admission, UploadPermit } from '../limits/admission.js';
import type { FreeSpace } from './free-space.js';
import { boundaryOf, MultipartGuard } from './multipart-guard.js';
import { badMultipart } from './part-header.js';
import { PhotoFile } from './photo-file.js';

/** The whole body holds a photo of 10 MiB, the JSON beside it, and what multipart puts around them. */
const BODY_BYTES_MAX = 11 * 1024 * 1024;

/** A parsed multipart body. Its photo, if it has one, lies in the temporary folder. */
export interface Upload {
  readonly json: unknown;
  readonly photo: UploadedPhoto | undefined;
}

export interface UploadedPhoto {
  readonly path: string;
  /** Ends the upload: removes the file, unless it was stored, and releases the permit. */
  discard(): Promise<void>;
}

export interface UploadOptions {
  readonly temporaryDir: string;
  readonly photoBytesMax: number;
  readonly freeSpace: FreeSpace;
  readonly admission: Pick<Admission, 'admitUpload' | 'acquireUpload'>;
}

/** The folder for files that the next start may remove. */
export function temporaryDir(dataDir: string): string {
  return join(dataDir, 'tmp');
}

/**
 * Reads `multipart/form-data` with the parts `json` and `photo`, told apart by their names alone. A photo that has
 * anything in it needs a permit for `caller` and free space, before any of it is written; a body without one needs
 * neither. When it rejects, nothing of the upload is left on disk, and the permit is released. Errors: too_large,
 * invalid_multipart, invalid_json, storage_low, storage_full, rate_limited, overloaded, timeout.
 */
export async function readUpload(
  body: Readable,
  contentType: string,
  contentLength: string,
  caller: Caller,
  options: UploadOptions,
): Promise<Upload> {
  if (Number(contentLength) > BODY_BYTES_MAX) throw new ChatError('too_large');
  const boundary = boundaryOf(contentType);
  const parts = new Parts(caller, options, await options.freeSpace.isLow());
  try {
    await makeFolder(options.temporaryDir);
    await parts.read(body, boundary);
    const json = parts.json;
    if (json === undefined) throw badMultipart('The part json is missing.');
    const { photo } = parts;
    return {
      json: jsonOf(json),
      photo: photo && { path: photo.path, discard: () => parts.discard() },
    };
  } catch (error) {
    await parts.discard();
    throw refusalOf(error);
  }
}

/** One run of the multipart parser. */
class Parts {
  json: Buffer | undefined;
  /** Undefined without a part `photo`, and when there is nothing in it. */
  photo: PhotoFile | undefined;
  readonly #caller: Caller;
  readonly #options: UploadOptions;
  readonly #storageLow: boolean;
  readonly #seen = new Set<string>();
  #permit: UploadPermit | undefined;

  constructor(caller: Caller, options: UploadOptions, storageLow: boolean) {
    this.#caller = caller;
    this.#options = options;
    this.#storageLow = storageLow;
  }

  async read(body: Readable, boundary: string): Promise<void> {
    const { formidable, multipart } = await import('formidable');
    // The other plugins would take a body whose boundary has "json" in it.
    const form = formidable({ enabledPlugins: [multipart] });
    const guard = new MultipartGuard(boundary, BODY_BYTES_MAX);
    form.onPart = (part) => {
      // After a refusal, the parser goes on with what it holds already.
      if (form.error) return;
      const refused = this.#refusePart(part.name);
      if (refused !== undefined) return form._error(refused);
      if (part.name === 'json') this.#readJson(form, part);
      else this.#readPhoto(form, part, guard);
    };

    // The parser reads these two headers. The guard checks the length.
    const headers = {
      'content-type': `multipart/form-data; boundary="${boundary}"`,
      'transfer-encoding': 'chunked',
    };
    pipeline(body, guard, () => undefined); // The guard passes each error on to the parser.
    await form.parse(Object.assign(guard, { headers }));
    await this.photo?.end();
  }

  /** Removes what was written, once nothing more can be, and then releases the permit. */
  async discard(): Promise<void> {
    try {
      await this.photo?.remove();
    } finally {
      this.#permit?.release();
    }
  }

  #readJson(form: Form, part: Part): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    part.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes > JSON_BYTES_MAX) form._error(new ChatError('too_large'));
      else chunks.push(chunk);
    });
    part.on('end', () => {
      this.json = Buffer.concat(chunks);
    });
  }

  #readPhoto(form: Form, part: Part, guard: MultipartGuard): void {
    part.on('data', (piece) => {
      if (form.error) return;
      if (this.photo === undefined) {
        const refused = this.#admitPhoto();
        if (refused !== undefined) return form._error(refused);
        this.photo = new PhotoFile(this.#options.temporaryDir, {
          behind: () => guard.pause(),
          drained: () => guard.resume(),
          failed: (error) => form._error(error),
        });
      }
      this.photo.write(piece);
      if (this.photo.bytes > this.#options.photoBytesMax) form._error(new ChatError('too_large'));
    });
  }

  /** Returns why a photo is not taken at this time. */
  #admitPhoto(): Error | undefined {
    if (this.#storageLow) return new ChatError('storage_low');
    try {
      this.#permit = this.#options.admission.acquireUpload(this.#caller);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  /** Returns why a part of this name is not taken. */
  #refusePart(name: string): ChatError | undefined {
    if (name !== 'json' && name !== 'photo')
      return badMultipart('The parts may be json and photo, no others.');
    if (this.#seen.has(name)) return badMultipart(`There must be only one part ${name}.`);
    this.#seen.add(name);
    return undefined;
  }
}

/** Makes a folder in one that exists. (With `recursive`, Node reports a full disk as ENOENT.) */
async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** Turns an error of the parser, the guard or the disk into a refusal. Others are unexpected, and stay as they are. */
function refusalOf(error: unknown): unknown {
  if (error instanceof ChatError) return error;
  const { code } = error as { code?: unknown };
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ChatError('storage_full');
  // The request took too long, and was answered already.
  if (code === 'ERR_STREAM_PREMATURE_CLOSE') return new ChatError('timeout');
  if (typeof code === 'number') return new ChatError('invalid_multipart');
  return error;
}
