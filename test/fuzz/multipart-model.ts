export interface Parts {
  readonly json: Buffer;
  readonly photo: Buffer | undefined;
}

const HEAD_BYTES_MAX = 8192;
const PARTS_MAX = 8;
/** Of the carriage returns in contents, beside one for so many bytes. */
const CRS_MIN = 8192;
const BYTES_PER_CR = 64;

/**
 * The parts of a whole body, read as RFC 2046 (5.1.1) writes them; undefined when it is to be refused: also when it
 * has other parts than one json and at most one photo. In latin1 a character is a byte.
 */
export function partsOf(body: Buffer, boundary: string): Parts | undefined {
  const delimiter = `\r\n--${boundary}`;
  /** What is behind the delimiter that was found last. */
  let [, rest] = halves(`\r\n${body.toString('latin1')}`, delimiter);
  const found = new Map<string, Buffer>();
  for (let parts = 0; rest !== undefined; parts++) {
    // What follows the end means nothing.
    if (rest.startsWith('--'))
      return crsIn(found) > CRS_MIN + body.length / BYTES_PER_CR ? undefined : endOf(found);
    const [head, content] = halves(rest, '\r\n\r\n');
    if (!head.startsWith('\r\n') || content === undefined || parts >= PARTS_MAX) return undefined;
    if (head.length + 4 > HEAD_BYTES_MAX) return undefined;
    const fields = head
      .slice(2)
      .replace(/\r\n[ \t]+/g, ' ')
      .split('\r\n');
    if (!fields.every((line) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n]*$/.test(line))) return undefined;
    const name = nameOf(lastOf(fields, 'content-disposition') ?? '');
    if ((name !== 'json' && name !== 'photo') || found.has(name)) return undefined;
    if (!/^(binary|[78]bit)$/i.test(lastOf(fields, 'content-transfer-encoding') ?? 'binary'))
      return undefined;
    const [own, next] = halves(content, delimiter);
    found.set(name, Buffer.from(own, 'latin1'));
    rest = next;
  }
  return undefined;
}

/** What is before and what is behind the first of these; nothing is behind it where there is none. */
function halves(text: string, separator: string): [before: string, behind: string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

function crsIn(found: ReadonlyMap<string, Buffer>): number {
  const contents = [...found.values()].map((content) => content.toString('latin1'));
  return contents.join('').split('\r').length - 1;
}

function endOf(found: ReadonlyMap<string, Buffer>): Parts | undefined {
  const json = found.get('json');
  return json && { json, photo: found.get('photo') };
}

/** Of several, the last. */
function lastOf(fields: readonly string[], name: string): string | undefined {
  const last = fields.findLast((line) => line.toLowerCase().startsWith(`${name}:`));
  return last?.slice(name.length + 1).trim();
}

/** The first parameter `name` of a disposition. */
function nameOf(disposition: string): string {
  const parameters = disposition.matchAll(/;\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g);
  for (const [, key, quoted, token] of parameters)
    if (key?.toLowerCase() === 'name') return quoted ?? token ?? '';
  return '';
}
