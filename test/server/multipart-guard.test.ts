import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { boundaryOf, MultipartGuard } from '../../src/server/multipart-guard.js';
import { jsonPart, multipartBody, type Part, streamOf } from '../support/multipart.js';

const BOUNDARY = 'a-boundary';
const KIB = 1024;

/** What comes through the guard, or the code that it refuses with. */
async function through(chunks: readonly Buffer[], bytesMax = 100 * KIB): Promise<Buffer | string> {
  const guard = streamOf(...chunks).pipe(new MultipartGuard(BOUNDARY, bytesMax));
  return buffer(guard).catch((error: { code: string }) => error.code);
}

/** The body as a whole, byte by byte, and in two at every so many bytes. */
function* cuts(body: Buffer, step: number): Generator<Buffer[]> {
  yield [body];
  yield [...body].map((byte) => Buffer.from([byte]));
  for (let at = 1; at < body.length; at += step) yield [body.subarray(0, at), body.subarray(at)];
}

/** A part whose headers, from behind the boundary to the empty line, are so many bytes. */
function partOf(headerBytes: number): Part {
  const bare = '\r\nContent-Disposition: form-data; name="json"\r\nX: \r\n\r\n'.length;
  return {
    disposition: 'form-data; name="json"',
    headers: [`X: ${'y'.repeat(headerBytes - bare)}`],
    body: '{}',
  };
}

describe('the guard before the multipart parser', () => {
  it('passes a body on as it is, however it is cut', async () => {
    const parts = [...Array<Part>(7).fill(jsonPart({ text: '\r\n\r\n--\r\n--a-bound' })), partOf(KIB)];
    const body = multipartBody(parts, BOUNDARY);
    for (const chunks of cuts(body, 3)) {
      const passed = await through(chunks);
      expect(Buffer.isBuffer(passed) && passed.equals(body)).toBe(true);
    }
  });

  it("refuses a part's headers over 1 KiB, however they are cut", async () => {
    const body = multipartBody([jsonPart('{}'), partOf(KIB + 1), jsonPart('{}')], BOUNDARY);
    for (const chunks of cuts(body, 1)) expect(await through(chunks)).toBe('invalid_multipart');
  });

  it('refuses headers that never end before much of them went on', async () => {
    const guard = new MultipartGuard(BOUNDARY, 100 * KIB);
    let passed = 0;
    guard.on('data', (chunk: Buffer) => {
      passed += chunk.length;
    });
    const start = Buffer.from(`--${BOUNDARY}\r\n`);
    const chunks = [
      start,
      ...Array<Buffer>(50).fill(Buffer.from('X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n')),
    ];
    const refused = new Promise((resolve) => guard.once('error', resolve));
    streamOf(...chunks).pipe(guard);
    expect(await refused).toMatchObject({ code: 'invalid_multipart' });
    expect(passed).toBeLessThanOrEqual(start.length + KIB);
  });

  it('refuses more parts than eight, however they are cut', async () => {
    const body = multipartBody(Array<Part>(9).fill(jsonPart('{}')), BOUNDARY);
    for (const chunks of cuts(body, 1)) expect(await through(chunks)).toBe('invalid_multipart');
  });

  it('refuses a body over its bound, to the byte', async () => {
    const body = multipartBody([jsonPart('x'.repeat(2000))], BOUNDARY);
    for (const chunks of cuts(body, 100)) {
      expect(await through(chunks, body.length - 1)).toBe('too_large');
      expect(Buffer.isBuffer(await through(chunks, body.length))).toBe(true);
    }
  });
});

describe('boundaryOf', () => {
  it.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['multipart/form-data;boundary=abc;charset=utf-8', 'abc'],
    ['multipart/form-data; charset=utf-8; Boundary="a b"', 'a b'],
    ['multipart/form-data; boundary="a:b=c"', 'a:b=c'],
    [`multipart/form-data; boundary=${'x'.repeat(70)}`, 'x'.repeat(70)],
  ])('reads %s', (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary);
  });

  it.each([
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=""',
    'multipart/form-data; boundary="a',
    'multipart/form-data; boundary=a"b',
    'multipart/form-data; boundary=a"',
    'multipart/form-data; boundary="a "',
    'multipart/form-data; boundary="ä"',
    'multipart/form-data; xboundary=abc',
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
    '',
  ])('refuses %j', (type) => {
    expect(() => boundaryOf(type)).toThrow(expect.objectContaining({ code: 'invalid_multipart' }));
  });
});
