import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MultipartGuard } from '../../src/server/uploads/multipart-guard.js';
import { readUpload } from '../../src/server/uploads/upload.js';
import { partsOf } from '../fuzz/multipart-model.js';
import { multipartBody, type Part, streamOf, uploadOptions } from '../support/multipart.js';
import { fc, pieces } from './property.js';

const BOUNDARY = 'b';
const MIB = 1024 * 1024;

const bytes = fc
  .oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .array(fc.constantFrom('\r', '\n', '\r\n', '-', '--', '\r\n--', '--b', '\r\n--', 'b', ': ', 'X: y'))
      .map((all) => Buffer.from(all.join(''))),
  )
  .map((one) => Buffer.from(one));
const part = fc.record({ name: fc.constantFrom('json', 'photo', 'x'), body: bytes });

let temporaryDir: string;
beforeAll(async () => {
  temporaryDir = await mkdtemp(join(tmpdir(), 'parley-multipart-'));
});
afterAll(() => rm(temporaryDir, { recursive: true }));

/** What goes on behind the guard, or the code that it refuses with. */
function guarded(chunks: readonly Buffer[]): Promise<Buffer | string> {
  const guard = streamOf(...chunks).pipe(new MultipartGuard(BOUNDARY, MIB));
  return buffer(guard).catch((error: { code: string }) => error.code);
}

it('the guard passes a body on or refuses it, the same however it is cut', () => {
  const cut = fc
    .tuple(fc.array(part, { minLength: 1, maxLength: 9 }), fc.nat(3))
    .map(([parts, lost]) => {
      const whole = multipartBody(
        parts.map(({ name, body }): Part => ({ disposition: `form-data; name="${name}"`, body })),
        BOUNDARY,
      );
      // What seems to be a part of its own has a header, which does not go on.
      const isPlain = !parts.some(({ body }) => body.toString('latin1').includes('\r\n--b'));
      return { whole: whole.subarray(0, whole.length - (lost === 3 ? 5 : 0)), isPlain };
    })
    .chain(({ whole, isPlain }) => fc.tuple(fc.constant(whole), pieces(whole), fc.constant(isPlain)));
  return fc.assert(
    fc.asyncProperty(cut, async ([whole, chunks, isPlain]) => {
      const once = await guarded([whole]);
      // What is behind the end does not go on either.
      if (typeof once !== 'string' && isPlain) expect(once.equals(whole.subarray(0, -2))).toBe(true);
      expect(await guarded(chunks)).toEqual(once);
      expect(await guarded([...whole].map((byte) => Buffer.from([byte])))).toEqual(once);
    }),
  );
});

it('what the model takes is taken, however it is cut, and nothing is left of it', () => {
  const options = uploadOptions(temporaryDir, MIB);
  const good = fc
    .record({ json: fc.json(), photo: bytes })
    .filter(({ photo }) => !/\r\n--b/.test(photo.toString('latin1')))
    .map(({ json, photo }) => ({
      json: Buffer.from(json),
      photo,
      body: multipartBody(
        [
          { disposition: 'form-data; name="json"', body: json },
          { disposition: 'form-data; name=photo', body: photo },
        ],
        BOUNDARY,
      ),
    }))
    .chain((whole) => fc.tuple(fc.constant(whole), pieces(whole.body)));
  return fc.assert(
    fc.asyncProperty(good, async ([{ json, photo, body }, chunks]) => {
      expect(partsOf(body, BOUNDARY)).toEqual({ json, photo });
      const type = `multipart/form-data; boundary=${BOUNDARY}`;
      const upload = await readUpload(streamOf(...chunks), type, '', { id: 1 }, options);
      expect(upload.json).toEqual(JSON.parse(json.toString()));
      if (upload.photo === undefined) expect(photo.length).toBe(0);
      else expect((await readFile(upload.photo.path)).equals(photo)).toBe(true);
      await upload.photo?.discard();
      expect([options.admission.uploadsInProgress, await readdir(temporaryDir)]).toEqual([0, []]);
    }),
  );
});
