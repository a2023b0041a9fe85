import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/prove/random.js';
import { boundaryOf, MultipartGuard } from '../../../src/server/uploads/multipart-guard.js';
import { jsonPart, multipartBody, type Part, photoPart, streamOf } from '../../support/multipart.js';

const BOUNDARY = 'a-boundary';
const DELIMITER = `\r\n--${BOUNDARY}`;
const KIB = 1024;
const HEADER_BYTES_MAX = 8 * KIB;

/** An event that the parser emits for a piece of a body. */
interface ParserEvent {
  readonly name: string;
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}
interface Parser extends Transform {
  initWithBoundary(boundary: string): void;
}
const { MultipartParser } = (await import('formidable')) as unknown as { MultipartParser: new () => Parser };

/** The names and values of the fields of each part that the parser sees behind the guard. */
async function headersSeen(chunks: readonly Buffer[]): Promise<string[]> {
  const parser = new MultipartParser();
  parser.initWithBoundary(BOUNDARY);
  const seen: string[] = [];
  parser.on('data', ({ name, buffer: from, start, end }: ParserEvent) => {
    if (name === 'partBegin') seen.push('');
    if (name === 'headerField' || name === 'headerValue')
      seen.push((seen.pop() ?? '') + from.toString('latin1', start, end));
  });
  const guard = new MultipartGuard(BOUNDARY, 100 * KIB);
  await pipeline(streamOf(...chunks), guard, parser).catch(() => undefined); // The guard refuses the rest; the parser has seen what came before.
  return seen;
}

/** A first delimiter and then random pieces, in random chunks; the seed determines all of it. */
function randomBody(seed: number, pieces: readonly string[]): Buffer[] {
  const random = new Random(seed);
  const picked = Array.from({ length: 2 + random.below(10) }, () => random.pick(pieces));
  const body = Buffer.from(`--${BOUNDARY}\r\n${picked.join('')}`, 'latin1');
  const ends = Array.from({ length: random.below(4) }, () => random.below(body.length)).sort((a, b) => a - b);
  return [0, ...ends].map((start, index) => body.subarray(start, ends[index] ?? body.length));
}

/** Resolves to the bytes that come through the guard, or to the code that it refuses with. */
async function through(chunks: readonly Buffer[], bytesMax = 100 * KIB): Promise<Buffer | string> {
  const guard = streamOf(...chunks).pipe(new MultipartGuard(BOUNDARY, bytesMax));
  return buffer(guard).catch((error: { code: string }) => error.code);
}

/** The body as a whole, byte by byte, and cut in two after every `step` bytes. */
function* cuts(body: Buffer, step: number): Generator<Buffer[]> {
  yield [body];
  yield [...body].map((byte) => Buffer.from([byte]));
  for (let at = 1; at < body.length; at += step) yield [body.subarray(0, at), body.subarray(at)];
}

/** A body without what stands behind its last boundary. */
function withoutEnd(body: Buffer): Buffer {
  return body.subarray(0, body.lastIndexOf('--') + 2);
}

/** A part whose headers, from behind the boundary to the empty line, have this many bytes. */
function partOf(headerBytes: number): Part {
  const bare = '\r\nContent-Disposition: form-data; name="json"\r\nX: \r\n\r\n'.length;
  return {
    disposition: 'form-data; name="json"',
    headers: [`X: ${'y'.repeat(headerBytes - bare)}`],
    body: '{}',
  };
}

describe('the guard before the multipart parser', () => {
  it('passes contents on as they are, and of headers the name, however the body is cut', async () => {
    const bare = [...Array<Part>(7).fill(jsonPart({ text: '\r\n\r\n--\r\n--a-bound' })), jsonPart('{}')];
    const parts = bare.map((part, n) =>
      n < 7 ? { ...part, type: 'a/b', headers: ['X-1: y'] } : partOf(8 * KIB),
    );
    const body = Buffer.concat([
      Buffer.from('before the parts\r\n'),
      multipartBody(parts, BOUNDARY),
      Buffer.from('behind them'),
    ]);
    const expected = withoutEnd(multipartBody(bare, BOUNDARY));
    for (const chunks of cuts(body, 7)) {
      const passed = await through(chunks);
      expect(Buffer.isBuffer(passed) && passed.equals(expected)).toBe(true);
    }
  });

  it("refuses a part's header over 8 KiB, however it is cut", async () => {
    const body = multipartBody([jsonPart('{}'), partOf(HEADER_BYTES_MAX + 1), jsonPart('{}')], BOUNDARY);
    for (const chunks of cuts(body, 1)) expect(await through(chunks)).toBe('invalid_multipart');
  });

  it('refuses headers that never end before any of them went on', async () => {
    const guard = new MultipartGuard(BOUNDARY, 100 * KIB);
    let passed = 0;
    guard.on('data', (chunk: Buffer) => {
      passed += chunk.length;
    });
    const start = Buffer.from(`--${BOUNDARY}\r\n`);
    const chunks = [
      start,
      ...Array<Buffer>(200).fill(
        Buffer.from('X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'),
      ),
    ];
    const refused = new Promise((resolve) => guard.once('error', resolve));
    streamOf(...chunks).pipe(guard);
    expect(await refused).toMatchObject({ code: 'invalid_multipart' });
    expect(passed).toBe(`--${BOUNDARY}`.length);
  });

  it('refuses more parts than eight, however they are cut', async () => {
    const body = multipartBody(Array<Part>(9).fill(jsonPart('{}')), BOUNDARY);
    for (const chunks of cuts(body, 1)) expect(await through(chunks)).toBe('invalid_multipart');
  });

  it('refuses contents that are full of carriage returns, and passes what only has many', async () => {
    const MIB = KIB * KIB;
    const photo = (content: Buffer) =>
      multipartBody([{ disposition: 'form-data; name="photo"', body: content }], BOUNDARY);
    const pieces = (body: Buffer) =>
      Array.from({ length: Math.ceil(body.length / (64 * KIB)) }, (_, n) =>
        body.subarray(n * 64 * KIB, (n + 1) * 64 * KIB),
      );
    const random = photo(randomBytes(10 * MIB));
    expect(Buffer.isBuffer(await through(pieces(random), 11 * MIB))).toBe(true);
    const lines = photo(Buffer.from('\r\n'.repeat(8000)));
    expect(Buffer.isBuffer(await through(pieces(lines), 11 * MIB))).toBe(true);
    for (const content of ['\r', '\r\n-', '\r\n--a-boundar', `\r${'x'.repeat(30)}`]) {
      const body = photo(Buffer.from(content.repeat(MIB / content.length)));
      for (const chunks of [[body], pieces(body)])
        expect(await through(chunks, 11 * MIB)).toBe('invalid_multipart');
    }
  });

  it('passes few carriage returns on in one turn of the event loop, and nothing when it was ended', async () => {
    const body = multipartBody([photoPart(Buffer.from('\r\n'.repeat(8000)))], BOUNDARY);
    const guard = new MultipartGuard(BOUNDARY, KIB * KIB);
    const ofTurns: number[] = [];
    let turn = -1;
    const count = () => {
      turn += 1;
      if (!guard.destroyed) setImmediate(count);
    };
    count();
    guard.on('data', (chunk: Buffer) => {
      ofTurns[turn] = (ofTurns[turn] ?? 0) + chunk.toString('latin1').split('\r').length - 1;
      if (ofTurns.length === 10) guard.destroy();
    });
    guard.end(body);
    await once(guard, 'close');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ofTurns).toHaveLength(10);
    expect(Math.max(...ofTurns)).toBeLessThanOrEqual(1024);
  });

  it('refuses a body over its bound, to the byte', async () => {
    const body = multipartBody([jsonPart('x'.repeat(2000))], BOUNDARY);
    for (const chunks of cuts(body, 100)) {
      expect(await through(chunks, body.length - 1)).toBe('too_large');
      expect(Buffer.isBuffer(await through(chunks, body.length))).toBe(true);
    }
  });
});

it.each([
  `${DELIMITER}X`,
  `${DELIMITER} \r\n`,
  `${DELIMITER}\n`,
  `${DELIMITER}\rX`,
  `${DELIMITER}-X`,
])('the guard refuses the delimiter look-alike %j, however it is cut', async (lookAlike) => {
  const before = multipartBody([jsonPart('{}')], BOUNDARY)
    .toString('latin1')
    .replace(/\r\n--[^\n]*\r\n$/, '');
  const body = Buffer.from(`${before}${lookAlike}${DELIMITER}\r\n\r\n${DELIMITER}--\r\n`, 'latin1');
  for (const chunks of cuts(body, 1)) expect(await through(chunks)).toBe('invalid_multipart');
});

describe('the parser behind the guard', () => {
  /** The pieces of random bodies; enough of them are long for a header of over 8 KiB. */
  const PIECES = [
    DELIMITER,
    `${DELIMITER}\r\n`,
    `${DELIMITER}\r\n`,
    `${DELIMITER}--`,
    `${DELIMITER}X`,
    `${DELIMITER}-`,
    `--${BOUNDARY}`,
    '\r\n',
    '\r\n',
    '\r\n\r\n',
    '\r\n\r\n',
    'A: b',
    `X: ${'y'.repeat(5000)}`,
    `X: ${'y'.repeat(8200)}`,
    'text:',
    'Content-Disposition: form-data; name="json"',
    '\r',
    '\n',
    '-',
  ];

  it('never sees a header that the guard did not write', async () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const chunks = randomBody(seed, PIECES);
      for (const header of await headersSeen(chunks))
        expect(header, `seed ${seed}: ${Buffer.concat(chunks).toString('latin1')}`).toMatch(
          /^(Content-Disposition *form-data; name="(json)?")?$/,
        );
    }
  });

  it('sees the name of each part, with what could be something else percent-encoded', async () => {
    const named = (name: string): Part => ({ disposition: `form-data; name="${name}"`, body: '{}' });
    const body = multipartBody([partOf(HEADER_BYTES_MAX), named('a\\"b'), named('é%')], BOUNDARY);
    expect(await headersSeen([body])).toEqual(
      ['json', 'a%5C%22b', '%C3%83%C2%A9%25'].map((name) => `Content-Dispositionform-data; name="${name}"`),
    );
  });
});

describe('boundaryOf', () => {
  it.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['multipart/form-data;boundary=abc;charset=utf-8', 'abc'],
    ['multipart/form-data; charset=utf-8; Boundary="a b"', 'a b'],
    ['multipart/form-data; boundary="a:b=c"', 'a:b=c'],
    ['multipart/form-data; boundary=*****', '*****'],
    ["multipart/form-data; boundary=!#$%&'*+-.^_`|~", "!#$%&'*+-.^_`|~"],
    [`multipart/form-data; boundary="'()+_,-./:=? a"`, "'()+_,-./:=? a"],
    ['multipart/form-data; boundary====a==', '===a=='],
    ['multipart/form-data; x="; boundary=b"; boundary=a', 'a'],
    ['multipart/form-data; boundary=a; boundary=b', 'a'],
    ['multipart/form-data;\tboundary=a', 'a'],
    [`multipart/form-data; boundary=${'x'.repeat(70)}`, 'x'.repeat(70)],
  ])('reads %s', (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary);
  });

  it.each([
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=""',
    'multipart/form-data; xboundary=abc',
    'multipart/form-data; x="; boundary=b"',
    'multipart/form-data boundary=b',
    '',
  ])('says that there is no boundary in %j', (type) => {
    expect(() => boundaryOf(type)).toThrow(
      expect.objectContaining({
        code: 'invalid_multipart',
        message: 'The Content-Type has no boundary; leave this header to the library that makes the body.',
      }),
    );
  });

  it.each([
    'multipart/form-data; boundary="a',
    'multipart/form-data; boundary=a"b',
    'multipart/form-data; boundary=a"',
    'multipart/form-data; boundary="a "',
    'multipart/form-data; boundary="ä"',
    'multipart/form-data; boundary="a;b"',
    'multipart/form-data; boundary="a\\b"',
    'multipart/form-data; boundary=a@b',
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
  ])('refuses %j', (type) => {
    expect(() => boundaryOf(type)).toThrow(
      expect.objectContaining({
        code: 'invalid_multipart',
        message: expect.stringContaining('must have 1 to 70 characters'),
      }),
    );
  });
});
