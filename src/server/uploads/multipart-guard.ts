import { Transform, type TransformCallback } from 'node:stream';
import { ChatError } from '../../chat/errors.js';
import { parameterOf } from '../http/grammar.js';
import { badMultipart, PartHeader } from './part-header.js';

const PARTS_MAX = 8;
const CR = 0x0d;
/**
 * Each carriage return may begin a delimiter, and costs the parser microseconds, as much as kilobytes without one. In
 * compressed data one byte of 256 is a carriage return, so a photo stays far below these bounds.
 */
const CRS_MIN = 8192;
const BYTES_PER_CR = 64;
/** How many carriage returns of a body are parsed in one turn of the event loop. */
const CRS_PER_TURN = 512;
const EMPTY = Buffer.alloc(0);
/**
 * What RFC 2046, 5.1.1 allows, and what else a token may have, since clients use it: Android’s samples have `*****`.
 * Other characters are refused, since every reader of the body must find the same boundary.
 */
const BOUNDARY = /^[0-9A-Za-z!#$%&'()*+,\-./:=?^_`|~ ]{0,69}[0-9A-Za-z!#$%&'()*+,\-./:=?^_`|~]$/;

/** Reads the boundary of a multipart Content-Type, which has 1 to 70 characters. Errors: invalid_multipart. */
export function boundaryOf(contentType: string): string {
  const boundary = parameterOf(contentType, 'boundary');
  if (boundary === undefined || boundary === '')
    throw badMultipart(
      'The Content-Type has no boundary; leave this header to the library that makes the body.',
    );
  if (!BOUNDARY.test(boundary))
    throw badMultipart(
      'The boundary in the Content-Type must have 1 to 70 characters, each of a token or of RFC 2046.',
    );
  return boundary;
}

/**
 * Stands before the multipart parser, which takes few names of fields, and neither bounds the header of a part nor reads
 * it fast (102 KB of it block the event loop for 685 ms). The guard bounds bytes, parts, carriage returns and the header
 * of each part. Contents go on as they are, and of a part's header only its name, percent-encoded. What is slow to parse
 * is spread over several turns of the event loop. A chunk is checked before any of it goes on. Errors: too_large,
 * invalid_multipart.
 *
 * It reads up to the next delimiter: first what stands before all parts, later the content of a part. Behind that, two
 * dashes end the body, or a line end begins the header of the next part.
 */
export class MultipartGuard extends Transform {
  readonly #delimiter: Buffer;
  readonly #bytesMax: number;
  #reading: 'preamble' | 'content' | 'delimiter' | 'header' | 'epilogue' = 'preamble';
  /** The last bytes, which may be the beginning of what is looked for. */
  #rest: Buffer;
  #header = new PartHeader();
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
    const passed: Buffer[] = [];
    try {
      this.#bytes += chunk.length;
      if (this.#bytes > this.#bytesMax) throw new ChatError('too_large');
      this.#rest = this.#read(Buffer.concat([this.#rest, chunk]), passed);
    } catch (error) {
      return done(error as Error);
    }
    this.#passOn(Buffer.concat(passed), done);
  }

  /** The parser does not notice a body that breaks off between two parts. */
  override _flush(done: TransformCallback): void {
    if (this.#reading === 'epilogue') return done();
    const isFound = this.#reading !== 'preamble';
    done(
      badMultipart(
        isFound
          ? 'The body ends before its last boundary.'
          : 'The boundary of the Content-Type is not in the body.',
      ),
    );
  }

  #passOn(piece: Buffer, done: TransformCallback): void {
    let end = -1;
    for (let crs = 0; crs < CRS_PER_TURN; crs++) {
      end = piece.indexOf(CR, end + 1);
      if (end === -1) return done(null, piece);
    }
    this.push(piece.subarray(0, end));
    setImmediate(() => {
      if (!this.destroyed) this.#passOn(piece.subarray(end), done);
    });
  }

  #countCrs(content: Buffer): void {
    const max = CRS_MIN + this.#bytes / BYTES_PER_CR;
    for (let at = content.indexOf(CR); at !== -1; at = content.indexOf(CR, at + 1)) {
      this.#crs += 1;
      if (this.#crs > max) throw new ChatError('invalid_multipart');
    }
  }

  /** Reads as much of the data as can be told, and adds to `passed` what goes on; returns the rest, which has to wait. */
  #read(data: Buffer, passed: Buffer[]): Buffer {
    let left = data;
    for (;;) {
      switch (this.#reading) {
        case 'preamble':
        case 'content': {
          const at = left.indexOf(this.#delimiter);
          const end = at === -1 ? Math.max(0, left.length - this.#delimiter.length + 1) : at;
          const content = left.subarray(0, end);
          if (this.#reading === 'content') {
            this.#countCrs(content);
            passed.push(content);
          }
          if (at === -1) return left.subarray(end);
          // The parser wants the first delimiter at the beginning.
          passed.push(this.#parts === 0 ? this.#delimiter.subarray(2) : this.#delimiter);
          left = left.subarray(at + this.#delimiter.length);
          this.#reading = 'delimiter';
          break;
        }
        case 'delimiter': {
          if (left.length < 2) return left;
          const next = left.toString('latin1', 0, 2);
          if (next === '--') {
            passed.push(left.subarray(0, 2));
            this.#reading = 'epilogue';
          } else if (next === '\r\n') {
            this.#parts += 1;
            if (this.#parts > PARTS_MAX) throw badMultipart(`There may be at most ${PARTS_MAX} parts.`);
            this.#header = new PartHeader();
            this.#reading = 'header';
          } else {
            throw badMultipart('Behind a boundary there must be two dashes or a line end of CR and LF.');
          }
          break; // The line end stays, since it is half of the empty line of a part without a header.
        }
        case 'header': {
          const behind = this.#header.add(left);
          if (behind === undefined) return EMPTY;
          passed.push(headerOf(this.#header.partName()));
          left = behind;
          this.#reading = 'content';
          break;
        }
        case 'epilogue':
          return EMPTY;
      }
    }
  }
}

/** The header of a part as it goes on, between the two line ends around it. */
function headerOf(name: string): Buffer {
  return Buffer.from(`\r\nContent-Disposition: form-data; name="${encodeURIComponent(name)}"\r\n\r\n`);
}
