import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import type { Form, Part } from 'formidable';
import { ChatError } from '../../chat/errors.js';
import { JSON_BYTES_MAX, jsonOf } from '../http/body.js';
import type { FreeSpace } from './free-space.js';
import { boundaryOf, MultipartGuard } from './multipart-guard.js';
import { PhotoFile } from './photo-file.js';
import type { UploadSlots } from './upload-slots.js';

/** The whole body: a photo of 10 MiB, the JSON beside it, and what multipart puts around them. */
const BODY_BYTES_MAX = 11 * 1024 * 1024;

/** Encodings that leave the bytes as they are (RFC 7578, 4.7 has no use for others). */
const PLAIN_ENCODINGS = ['binary', '8bit', '7bit'];

/** A parsed multipart body; the photo, when there is one, lies in the temporary folder. */
export interface Upload {
  readonly json: unknown;
  readonly photo: UploadedPhoto | undefined;
}

export interface UploadedPhoto {
  readonly path: string;
  /** Ends the upload: gives back its slot, and removes the file unless it was moved to its lasting place. */
  discard(): Promise<void>;
}

export interface UploadOptions {
  readonly temporaryDir: string;
  readonly photoBytesMax: number;
  readonly freeSpace: FreeSpace;
  readonly slots: UploadSlots;
}

/** The only place for files that may be gone at the next start. */
export function temporaryDir(dataDir: string): string {
  return join(dataDir, 'tmp');
}

/**
 * Reads `multipart/form-data` with the parts `json` and `photo`, told apart by their names alone. A photo that has
 * anything in it needs a slot of `user` and space to spare, before any of it is written; a body without one needs
 * neither. Whatever it rejects with, nothing of the upload is left on disk, and no slot taken. Errors: too_large,
 * invalid_multipart, invalid_json, storage_low, storage_full, rate_limited, overloaded.
 */
export async function readUpload(
  body: Readable,
  contentType: string,
  contentLength: string,
  user: string,
  options: UploadOptions,
): Promise<Upload> {
  if (Number(contentLength) > BODY_BYTES_MAX) throw new ChatError('too_large');
  const boundary = boundaryOf(contentType);
  const parts = new Parts(user, options, await options.freeSpace.isLow());
  try {
    await makeFolder(options.temporaryDir);
    await parts.read(body, boundary);
    const json = parts.json;
    if (json === undefined)
      throw new ChatError('invalid_multipart', { sentence: 'The part json is missing.' });
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
  /** Absent when there is none, or nothing in it. */
  photo: PhotoFile | undefined;
  readonly #user: string;
  readonly #options: UploadOptions;
  readonly #storageLow: boolean;
  readonly #seen = new Set<string>();
  #giveBackSlot: () => void = () => undefined;

  constructor(user: string, options: UploadOptions, storageLow: boolean) {
    this.#user = user;
    this.#options = options;
    this.#storageLow = storageLow;
  }

  async read(body: Readable, boundary: string): Promise<void> {
    const { formidable, multipart } = await import('formidable');
    // The others would take a boundary with "json" in it for theirs.
    const form = formidable({ enabledPlugins: [multipart] });
    const guard = new MultipartGuard(boundary, BODY_BYTES_MAX);
    form.onPart = (part) => {
      // The parser goes on for a while with what it holds when the body is refused already.
      if (form.error) return;
      const name = nameOf(part.headers['content-disposition'] ?? '');
      const encoding = part.headers['content-transfer-encoding'] ?? 'binary';
      if (!PLAIN_ENCODINGS.includes(encoding.trim().toLowerCase()))
        return form._error(new ChatError('invalid_multipart'));
      const refused = this.#refuse(name);
      if (refused !== undefined) return form._error(refused);
      if (name === 'json') this.#readJson(form, part);
      else this.#readPhoto(form, part, guard);
    };

    // The parser reads two headers. The length is the guard's business.
    const headers = {
      'content-type': `multipart/form-data; boundary="${boundary}"`,
      'transfer-encoding': 'chunked',
    };
    pipeline(body, guard, () => undefined); // Each error reaches the parser through the guard.
    await form.parse(Object.assign(guard, { headers }));
    await this.photo?.end();
  }

  /** Removes what was written, when it is certain that nothing more will be; then the slot is free. */
  async discard(): Promise<void> {
    try {
      await this.photo?.remove();
    } finally {
      this.#giveBackSlot();
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
        const notNow = this.#admit();
        if (notNow !== undefined) return form._error(notNow);
        this.photo = new PhotoFile(this.#options.temporaryDir, {
          behind: () => guard.pause(),
          keepsUp: () => guard.resume(),
          failed: (error) => form._error(error),
        });
      }
      this.photo.write(piece);
      if (this.photo.bytes > this.#options.photoBytesMax) form._error(new ChatError('too_large'));
    });
  }

  /** Why a photo is not taken at this time. */
  #admit(): ChatError | undefined {
    if (this.#storageLow) return new ChatError('storage_low');
    const slot = this.#options.slots.take(this.#user);
    if (slot instanceof ChatError) return slot;
    this.#giveBackSlot = slot;
    return undefined;
  }

  #refuse(name: string): ChatError | undefined {
    if (name !== 'json' && name !== 'photo') {
      return new ChatError('invalid_multipart', { sentence: 'The parts may be json and photo, no others.' });
    }
    if (this.#seen.has(name)) {
      return new ChatError('invalid_multipart', { sentence: `There must be only one part ${name}.` });
    }
    this.#seen.add(name);
    return undefined;
  }
}

/** In the data folder, which is there. (With `recursive`, a full disk is reported as ENOENT.) */
async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** The parameter `name`; one that stands inside a quoted filename is none. */
function nameOf(disposition: string): string {
  for (const [, key, quoted, token] of disposition.matchAll(
    /;\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g,
  )) {
    if (key?.toLowerCase() === 'name') return quoted ?? token ?? '';
  }
  return '';
}

/** What the parser, the guard or the disk said, as one of our errors; the rest is unexpected. */
function refusalOf(error: unknown): unknown {
  if (error instanceof ChatError) return error;
  const { code } = error as { code?: unknown };
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ChatError('storage_full');
  // It was answered already: the time was up.
  if (code === 'ERR_STREAM_PREMATURE_CLOSE') return new ChatError('timeout');
  if (typeof code === 'number') return new ChatError('invalid_multipart');
  return error;
}
