import { Readable } from 'node:stream';
import { UNLIMITED } from '../../src/chat/limits.js';
import { Admission } from '../../src/server/limits/admission.js';
import { FreeSpace } from '../../src/server/uploads/free-space.js';
import type { UploadOptions } from '../../src/server/uploads/upload.js';

export const BOUNDARY = '----WebKitFormBoundaryq7zPl0bV2cD8sXyA';

export interface Part {
  /** The value of the part's Content-Disposition, or none at all. */
  readonly disposition?: string;
  readonly type?: string;
  /** Further header lines. */
  readonly headers?: readonly string[];
  readonly body: string | Buffer;
}

/** The part `json` as a browser sends it, without a type. */
export function jsonPart(value: unknown, more: Partial<Part> = {}): Part {
  const body = typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value);
  return { disposition: 'form-data; name="json"', body, ...more };
}

/** The part `photo` as a browser sends it. */
export function photoPart(body: Buffer | string, more: Partial<Part> = {}): Part {
  return { disposition: 'form-data; name="photo"; filename="me.png"', type: 'image/png', body, ...more };
}

/** A whole multipart/form-data body, byte for byte as browsers write it. */
export function multipartBody(parts: readonly Part[], boundary = BOUNDARY): Buffer {
  const pieces: Buffer[] = [];
  for (const part of parts) {
    const lines = [
      ...(part.disposition === undefined ? [] : [`Content-Disposition: ${part.disposition}`]),
      ...(part.type === undefined ? [] : [`Content-Type: ${part.type}`]),
      ...(part.headers ?? []),
    ];
    pieces.push(Buffer.from(`--${boundary}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`));
    pieces.push(Buffer.from(part.body), Buffer.from('\r\n'));
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return Buffer.concat(pieces);
}

export function contentType(boundary = BOUNDARY): string {
  return `multipart/form-data; boundary=${boundary}`;
}

/** A stream of bytes that delivers exactly these chunks. */
export function streamOf(...chunks: readonly Buffer[]): Readable {
  return Readable.from(
    chunks.filter((chunk) => chunk.length > 0),
    { objectMode: false },
  );
}

/** What an upload is read with when there is space, and when no other upload is in progress. */
export function uploadOptions(
  temporaryDir: string,
  photoBytesMax: number,
): UploadOptions & { readonly admission: Admission } {
  const freeSpace = new FreeSpace(temporaryDir, 0, () => 0);
  const nobody = () => undefined;
  const admission = new Admission(UNLIMITED, undefined, { limits: nobody, tokens: nobody, token: nobody });
  return { temporaryDir, photoBytesMax, freeSpace, admission };
}
