import { randomUUID } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { ChatError } from '../chat/errors.js';
import { JSON_BYTES_MAX, jsonOf } from './body.js';
import type { FreeSpace } from './free-space.js';
import { boundaryOf, MultipartGuard } from './multipart-guard.js';
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
    const photo = parts.photo;
    if (!photo?.bytes) await parts.discard();
    return {
      json: jsonOf(json),
      photo: photo?.bytes ? { path: photo.path, discard: () => parts.discard() } : undefined,
    };
  } catch (error) {
    await parts.discard();
    throw refusalOf(error);
  }
}

/** One run of the multipart parser. */
class Parts {
  json: Buffer | undefined;
  photo: { readonly path: string; readonly bytes: number } | undefined;
  readonly #user: string;
  readonly #options: UploadOptions;
  readonly #storageLow: boolean;
  readonly #seen = new Set<string>();
  readonly #files: WriteStream[] = [];
  #giveBackSlot: () => void = () => undefined;

  constructor(user: string, options: UploadOptions, storageLow: boolean) {
    this.#user = user;
    this.#options = options;
    this.#storageLow = storageLow;
  }

  async read(body: Readable, boundary: string): Promise<void> {
    const { formidable, multipart } = await import('formidable');
    const form = formidable({
      enabledPlugins: [multipart], // The others would take a boundary with "json" in it for theirs.
      uploadDir: this.#options.temporaryDir,
      filename: () => randomUUID(), // Its own names cost ten times as much.
      maxFileSize: this.#options.photoBytesMax,
      maxTotalFileSize: this.#options.photoBytesMax,
      allowEmptyFiles: true,
      minFileSize: 0,
      // The parser goes on for a while with what it holds when the body is refused already.
      fileWriteStreamHandler: (file) => (form.error ? new PassThrough().resume() : this.#open(file.filepath)),
    });
    form.onPart = (part) => {
      if (form.error) return;
      const name = nameOf(part.headers['content-disposition'] ?? '');
      const encoding = part.headers['content-transfer-encoding'] ?? 'binary';
      if (!PLAIN_ENCODINGS.includes(encoding.trim().toLowerCase()))
        return form._error(new ChatError('invalid_multipart'));
      const refused = this.#refuse(name);
      if (refused !== undefined) return form._error(refused);
      if (name === 'photo') {
        const notNow = this.#admit();
        // An empty one is none, and needs nothing.
        if (notNow !== undefined) return part.on('data', () => form._error(notNow));
        part.name = name;
        part.mimetype = 'application/octet-stream'; // A part without a type would be taken for a field.
        return form._handlePart(part);
      }
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
    };

    const guard = new MultipartGuard(boundary, BODY_BYTES_MAX);
    // The parser reads two headers. The length is the guard's business.
    const headers = {
      'content-type': `multipart/form-data; boundary="${boundary}"`,
      'transfer-encoding': 'chunked',
    };
    pipeline(body, guard, () => undefined); // Each error reaches the parser through the guard.
    const [, files] = await form.parse(Object.assign(guard, { headers }));
    // The parser may come to the end of the body before it hears that the disk did not take it.
    for (const { errored } of this.#files) if (errored !== null) throw errored;
    const file = Object.hasOwn(files, 'photo') ? files['photo']?.[0] : undefined;
    this.photo = file && { path: file.filepath, bytes: file.size };
  }

  /** Removes what was written, when it is certain that nothing more will be; then the slot is free. */
  async discard(): Promise<void> {
    try {
      for (const file of this.#files) {
        if (!file.closed) {
          await new Promise<void>((resolve) => {
            file.once('close', resolve);
            file.destroy();
          });
        }
        await unlink(file.path).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOENT') throw error;
        });
      }
    } finally {
      this.#giveBackSlot();
    }
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

  #open(path: string): WriteStream {
    const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    file.on('error', () => undefined); // The parser listens too, and reports it.
    this.#files.push(file);
    return file;
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
  const { code, httpCode } = error as { code?: unknown; httpCode?: unknown };
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ChatError('storage_full');
  if (httpCode === 413) return new ChatError('too_large');
  if (typeof code === 'number') return new ChatError('invalid_multipart');
  return error;
}
