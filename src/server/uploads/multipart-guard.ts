import { Transform, type TransformCallback } from 'node:stream';
import { ChatError } from '../../chat/errors.js';

const PARTS_MAX = 8;
const PART_HEADER_BYTES_MAX = 1024;
const CR = 0x0d;
/**
 * Each carriage return may begin a delimiter, and costs the parser microseconds, as much as kilobytes without one. In
 * compressed data one byte of 256 is a carriage return, so a photo stays far below these bounds.
 */
const CRS_MIN = 8192;
const BYTES_PER_CR = 64;
/** How many carriage returns of a body are parsed in one turn of the event loop. */
const CRS_PER_TURN = 512;
const END_OF_HEADERS = Buffer.from('\r\n\r\n');
/** Other lines are refused: after one without a colon, the parser takes what follows for content. */
const HEADER_LINE = /^[A-Za-z-]+:[^\r\n]*$/;
/** Only what RFC 2046, 5.1.1 allows, since every reader of the body must find the same boundary. */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;

/** Reads the boundary of a multipart Content-Type, which has 1 to 70 characters. Errors: invalid_multipart. */
export function boundaryOf(contentType: string): string {
  const found = /;\s*boundary=(?:"([^"]*)"|([^\s;]*))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2] ?? '';
  if (!BOUNDARY.test(boundary)) throw new ChatError('invalid_multipart');
  return boundary;
}

/**
 * Protects the multipart parser, which neither bounds the headers of a part nor parses them fast (102 KB of them block
 * the event loop for 685 ms). The guard bounds bytes, parts, carriage returns and the headers of each part. It passes
 * the body on unchanged, and spreads what is slow to parse over several turns of the event loop. A chunk is checked
 * before any of it goes on. Errors: too_large, invalid_multipart.
 *
 * It reads the content of a part up to the next delimiter. Behind that, two dashes end the body, or a line end begins
 * the headers of the next part.
 */
export class MultipartGuard extends Transform {
  readonly #delimiter: Buffer;
  readonly #bytesMax: number;
  #reading: 'content' | 'delimiter' | 'headers' | 'epilogue' = 'content';
  /** The last bytes, which may be the beginning of what is looked for. */
  #rest: Buffer;
  #bytes = 0;
  #parts = 0;
  #crs = 0;

  constructor(boundary: string, bytesMax: number) {
    super();
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
    this.#bytesMax = bytesMax;
    this.#rest = Buffer.from('\r\n'); // The first delimiter stands at the beginning, without a line end before it.
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#bytes += chunk.length;
      if (this.#bytes > this.#bytesMax) throw new ChatError('too_large');
      this.#rest = this.#check(Buffer.concat([this.#rest, chunk]));
    } catch (error) {
      return done(error as Error);
    }
    this.#passOn(chunk, done);
  }

  /** The parser does not notice a body that breaks off between two parts. */
  override _flush(done: TransformCallback): void {
    done(this.#reading === 'epilogue' ? null : new ChatError('invalid_multipart'));
  }

  #passOn(chunk: Buffer, done: TransformCallback): void {
    let end = -1;
    for (let crs = 0; crs < CRS_PER_TURN; crs++) {
      end = chunk.indexOf(CR, end + 1);
      if (end === -1) return done(null, chunk);
    }
    this.push(chunk.subarray(0, end));
    setImmediate(() => {
      if (!this.destroyed) this.#passOn(chunk.subarray(end), done);
    });
  }

  #countCrs(content: Buffer): void {
    const max = CRS_MIN + this.#bytes / BYTES_PER_CR;
    for (let at = content.indexOf(CR); at !== -1; at = content.indexOf(CR, at + 1)) {
      this.#crs += 1;
      if (this.#crs > max) throw new ChatError('invalid_multipart');
    }
  }

  /** Checks as much of the data as can be told; returns the rest, which has to wait for more. */
  #check(data: Buffer): Buffer {
    let left = data;
    for (;;) {
      switch (this.#reading) {
        case 'content': {
          const at = left.indexOf(this.#delimiter);
          const end = at === -1 ? Math.max(0, left.length - this.#delimiter.length + 1) : at;
          this.#countCrs(left.subarray(0, end));
          if (at === -1) return left.subarray(end);
          left = left.subarray(at + this.#delimiter.length);
          this.#reading = 'delimiter';
          break;
        }
        case 'delimiter': {
          if (left.length < 2) return left;
          const next = left.toString('latin1', 0, 2);
          if (next === '--') this.#reading = 'epilogue';
          else if (next === '\r\n' && ++this.#parts <= PARTS_MAX) this.#reading = 'headers';
          else throw new ChatError('invalid_multipart');
          break; // The line end stays, since it is half of the empty line of a part without headers.
        }
        case 'headers': {
          const at = left.indexOf(END_OF_HEADERS);
          const length = at === -1 ? left.length : at + END_OF_HEADERS.length;
          if (length > PART_HEADER_BYTES_MAX) throw new ChatError('invalid_multipart');
          if (at === -1) return left;
          const lines = left.toString('latin1', 2, Math.max(2, at)).split('\r\n');
          if (!lines.every((line) => HEADER_LINE.test(line))) throw new ChatError('invalid_multipart');
          left = left.subarray(length);
          this.#reading = 'content';
          break;
        }
        case 'epilogue':
          return Buffer.alloc(0);
      }
    }
  }
}
