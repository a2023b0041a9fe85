import { Transform, type TransformCallback } from 'node:stream';
import { ChatError } from '../chat/errors.js';

const PARTS_MAX = 8;
const PART_HEADER_BYTES_MAX = 1024;
const END_OF_HEADERS = Buffer.from('\r\n\r\n');

/** The boundary of a multipart Content-Type. Errors: invalid_multipart when it is missing or not 1–70 characters. */
export function boundaryOf(contentType: string): string {
  const found = /;\s*boundary=(?:"([^"]*)"|([^\s;]*))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2] ?? '';
  if (!/^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/.test(boundary))
    throw new ChatError('invalid_multipart');
  return boundary;
}

/**
 * Stands in front of the multipart parser, whose part headers are neither bounded nor cheap (102 KB of one
 * block the event loop for 685 ms): counts bytes, parts and the bytes of each part's headers, and passes the
 * body on unchanged. A chunk is checked before any of it goes on. Errors: too_large, invalid_multipart.
 */
export class MultipartGuard extends Transform {
  readonly #delimiter: Buffer;
  readonly #bytesMax: number;
  /** The end of what was seen that may yet be the beginning of a delimiter, or of a part's header end. */
  #rest: Buffer;
  #inHeaders = false;
  #headerBytes = 0;
  #bytes = 0;
  #parts = 0;
  /** Whether the newest delimiter is the last one, which ends in two dashes. */
  #closed = false;

  constructor(boundary: string, bytesMax: number) {
    super();
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
    this.#bytesMax = bytesMax;
    this.#rest = Buffer.from('\r\n'); // The first delimiter has no line before it.
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#check(chunk);
    } catch (error) {
      return done(error as Error);
    }
    done(null, chunk);
  }

  /** A body that breaks off between two parts would lose the second without a sign. */
  override _flush(done: TransformCallback): void {
    done(this.#closed ? null : new ChatError('invalid_multipart'));
  }

  #check(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax) throw new ChatError('too_large');
    let data = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      if (this.#inHeaders && this.#headerBytes === 0) this.#closed = data.toString('latin1', 0, 2) === '--';
      const mark = this.#inHeaders ? END_OF_HEADERS : this.#delimiter;
      const at = data.indexOf(mark);
      const passed = at === -1 ? Math.max(0, data.length - mark.length + 1) : at + mark.length;
      if (this.#inHeaders) {
        this.#headerBytes += passed;
        const pending = at === -1 ? data.length - passed : 0;
        if (this.#headerBytes + pending > PART_HEADER_BYTES_MAX) throw new ChatError('invalid_multipart');
      }
      data = data.subarray(passed);
      if (at === -1) break;
      if (!this.#inHeaders && ++this.#parts > PARTS_MAX + 1) throw new ChatError('invalid_multipart');
      // A part without headers has its empty line right behind the delimiter's own line end.
      this.#inHeaders = !this.#inHeaders;
      this.#headerBytes = 0;
    }
    this.#rest = data;
  }
}
