import { ChatError } from '../../chat/errors.js';
import { isToken, parameterOf } from '../http/grammar.js';

const BYTES_MAX = 8192;
const END = Buffer.from('\r\n\r\n');

/** A line that begins with a blank goes on with the field before it (RFC 5322, 2.2.3). */
const FOLD = /\r\n[ \t]+/g;
/** The name and the value of a field. Neither has a line end of its own. */
const FIELD = /^([^:]+):(.*)$/;
/** Encodings that leave the bytes as they are (RFC 7578, 4.7 deprecates the others). */
const PLAIN_ENCODINGS = ['binary', '8bit', '7bit'];

/** The header of one part, from the line end before it to the empty line that ends it. */
export class PartHeader {
  /** All of it in one place, since it may come byte by byte. */
  readonly #bytes = Buffer.allocUnsafe(BYTES_MAX);
  #length = 0;

  /** Takes what belongs to the header. Returns what is behind its end, once that has come. Errors: invalid_multipart. */
  add(bytes: Buffer): Buffer | undefined {
    const before = this.#length;
    this.#length += bytes.copy(this.#bytes, before);
    const end = this.#bytes.subarray(0, this.#length).indexOf(END, Math.max(0, before - END.length + 1));
    if (end !== -1) {
      this.#length = end;
      return bytes.subarray(end + END.length - before);
    }
    if (this.#length < before + bytes.length)
      throw badMultipart(`The header of a part may have ${BYTES_MAX} bytes at most.`);
    return undefined;
  }

  /** The name of the part; '' when it has none. To be called when the end has come. Errors: invalid_multipart. */
  partName(): string {
    return partNameOf(this.#bytes.toString('latin1', 2, Math.max(2, this.#length)));
  }
}

/**
 * Reads the name of a part out of the lines of its header; '' when it has no name. All that does not matter here, such
 * as filenames and fields that are not known, is passed over. Errors: invalid_multipart.
 */
function partNameOf(lines: string): string {
  const fields = new Map<string, string>();
  for (const line of lines.replace(FOLD, ' ').split('\r\n')) {
    const [, name = '', value = ''] = FIELD.exec(line) ?? [];
    if (!isToken(name))
      throw badMultipart('Each header line of a part must be a field: a name, a colon and a value.');
    fields.set(name.toLowerCase(), value);
  }
  const encoding = fields.get('content-transfer-encoding') ?? 'binary';
  if (!PLAIN_ENCODINGS.includes(encoding.trim().toLowerCase()))
    throw badMultipart(
      `The Content-Transfer-Encoding of a part may be ${PLAIN_ENCODINGS.join(', ')}, no other.`,
    );
  return parameterOf(fields.get('content-disposition') ?? '', 'name') ?? '';
}

/** The refusal of a multipart body, with what is wrong with it. */
export function badMultipart(sentence: string): ChatError {
  return new ChatError('invalid_multipart', { sentence });
}
