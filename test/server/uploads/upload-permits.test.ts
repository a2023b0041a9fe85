import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  UPLOADS_AT_A_TIME_MAX,
  UPLOADS_AT_A_TIME_PER_USER_MAX,
} from '../../../src/server/limits/admission.js';
import { FreeSpace } from '../../../src/server/uploads/free-space.js';
import { readUpload } from '../../../src/server/uploads/upload.js';
import {
  contentType,
  jsonPart,
  multipartBody,
  type Part,
  photoPart,
  streamOf,
  uploadOptions,
} from '../../support/multipart.js';
import { until } from '../../support/wait.js';

const PHOTO_BYTES_MAX = 64 * 1024;
const json = jsonPart({ username: 'alice' });
const photo = photoPart(randomBytes(3000));

let folder: string;
let options: ReturnType<typeof uploadOptions>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-slots-'));
  options = uploadOptions(folder, PHOTO_BYTES_MAX);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const read = (body: Readable, user: string, by = options) =>
  readUpload(body, contentType(), '', { subject: user }, by);
const whole = (...parts: Part[]) => streamOf(multipartBody(parts));

/** An upload in whose photo nothing more comes. Resolves when it has its permit and its file. */
async function stalled(user: string): Promise<{ body: Readable; ended: Promise<unknown> }> {
  const before = (await readdir(folder)).length;
  const body = new Readable({ read: () => undefined }).on('error', () => undefined);
  const ended = read(body, user).catch((error: unknown) => error);
  body.push(multipartBody([json, photo]).subarray(0, 2000));
  await until(async () => (await readdir(folder)).length === before + 1);
  return { body, ended };
}

/** Ends them as a peer does that goes away. */
async function leave(uploads: readonly Awaited<ReturnType<typeof stalled>>[]): Promise<void> {
  for (const { body } of uploads) body.destroy(new Error('the peer is gone'));
  await Promise.all(uploads.map(({ ended }) => ended));
}

describe('the upload permits of a worker', () => {
  it('are 16, of which a user has 2', () => {
    expect([UPLOADS_AT_A_TIME_MAX, UPLOADS_AT_A_TIME_PER_USER_MAX]).toEqual([16, 2]);
    const { admission } = options;
    for (let n = 0; n < 16; n++) admission.acquireUpload({ subject: `user ${n >> 1}` });
    expect(admission.uploadsInProgress).toBe(16);
    expect(() => admission.acquireUpload({ subject: 'another' })).toThrow(
      expect.objectContaining({ code: 'overloaded', details: { retry_after_ms: 1000 } }),
    );
    expect(() => admission.acquireUpload({ subject: 'user 0' })).toThrow(
      expect.objectContaining({
        code: 'rate_limited',
        details: { limit: 'uploads', retry_after_ms: 1000 },
      }),
    );
  });

  it('are given back once, however often they are released', () => {
    const { admission } = options;
    const user = { id: 1 };
    const [first, second] = [admission.acquireUpload(user), admission.acquireUpload(user)];
    for (let n = 0; n < 3; n++) first.release();
    expect(admission.uploadsInProgress).toBe(1);
    admission.acquireUpload(user);
    expect(() => admission.acquireUpload(user)).toThrow(expect.objectContaining({ code: 'rate_limited' }));
    second.release();
    admission.acquireUpload(user);
  });
});

describe('an upload without a permit', () => {
  it('of a user who has two is refused before anything is written; others go on', async () => {
    const two = [await stalled('alice'), await stalled('alice')];
    await expect(read(whole(json, photo), 'alice')).rejects.toMatchObject({ code: 'rate_limited' });
    await expect(read(whole(photo, json), 'alice')).rejects.toMatchObject({ code: 'rate_limited' });
    expect(await readdir(folder)).toHaveLength(2);
    await (await read(whole(json, photo), 'bob')).photo?.discard();
    await leave(two);
    expect(options.admission.uploadsInProgress).toBe(0);
    await (await read(whole(json, photo), 'alice')).photo?.discard();
    expect(options.admission.uploadsInProgress).toBe(0);
  });

  it('is refused before anything is written when the worker has sixteen', async () => {
    const all = [];
    for (let n = 0; n < UPLOADS_AT_A_TIME_MAX; n++) all.push(await stalled(`user ${n}`));
    await expect(read(whole(json, photo), 'alice')).rejects.toMatchObject({ code: 'overloaded' });
    expect(await readdir(folder)).toHaveLength(UPLOADS_AT_A_TIME_MAX);
    // What brings no photo needs none.
    expect(await read(whole(json), 'alice')).toEqual({ json: { username: 'alice' } });
    expect(await read(whole(photoPart(''), json), 'alice')).toEqual({ json: { username: 'alice' } });
    await leave(all);
    expect(options.admission.uploadsInProgress).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a permit is released', () => {
  const cut = (share: number) => {
    const body = multipartBody([json, photo]);
    return streamOf(body.subarray(0, Math.floor(body.length * share)));
  };
  it.each([
    ['after malformed JSON', () => whole(photo, jsonPart('{')), 'invalid_json'],
    ['after a photo without json', () => whole(photo), 'invalid_multipart'],
    ['after a second photo', () => whole(json, photo, photo), 'invalid_multipart'],
    [
      'after a part that may not be',
      () => whole(photo, { disposition: 'form-data; name="x"', body: '' }),
      'invalid_multipart',
    ],
    [
      'after a photo that is too large',
      () => whole(json, photoPart(Buffer.alloc(PHOTO_BYTES_MAX + 1))),
      'too_large',
    ],
    [
      'after a body that is too large',
      () => streamOf(multipartBody([json, photo]), Buffer.alloc(12 * 1024 * 1024)),
      'too_large',
    ],
    ['after a body that ends within the photo', () => cut(0.5), 'invalid_multipart'],
    ['after a body that ends behind the photo', () => cut(0.99), 'invalid_multipart'],
  ] as const)('%s', async (_when, body, code) => {
    await expect(read(body(), 'alice')).rejects.toMatchObject({ code });
    expect(options.admission.uploadsInProgress).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });

  it('when the photo is empty, and when the upload is discarded, not before', async () => {
    await read(whole(json, photoPart('')), 'alice');
    expect(options.admission.uploadsInProgress).toBe(0);
    const { photo: kept } = await read(whole(json, photo), 'alice');
    expect(options.admission.uploadsInProgress).toBe(1);
    await rm(kept?.path ?? ''); // As the one who moves it to its lasting place.
    await kept?.discard();
    expect(options.admission.uploadsInProgress).toBe(0);
  });

  it('when the disk does not take it', async () => {
    const path = join(folder, 'a file');
    await writeFile(path, '');
    const broken = { ...options, temporaryDir: path };
    await expect(read(whole(json, photo), 'alice', broken)).rejects.toMatchObject({ code: 'ENOTDIR' });
    expect(options.admission.uploadsInProgress).toBe(0);
  });

  it.each([
    ['with an error', new Error('the peer is gone')],
    ['without one', undefined],
  ])('when the peer goes away, %s, at any moment', async (_how, cause) => {
    const body = multipartBody([json, photo]);
    for (let turns = 0; turns < 60; turns++) {
      const peer = new Readable({ read: () => undefined }).on('error', () => undefined);
      peer.push(body.subarray(0, 2000));
      const ended = read(peer, 'alice').catch((error: unknown) => error);
      for (let n = 0; n < turns; n++) await new Promise((resolve) => setImmediate(resolve));
      peer.destroy(cause);
      expect(await ended).toBeInstanceOf(Error);
      expect(options.admission.uploadsInProgress).toBe(0);
      expect(await readdir(folder)).toEqual([]);
    }
  });
});

describe('with too little space', () => {
  const low = () => ({ ...options, freeSpace: new FreeSpace(folder, Number.MAX_SAFE_INTEGER, () => 0) });

  it('a photo is refused before anything is written, and takes no permit', async () => {
    const temporaryDir = join(folder, 'tmp');
    for (const body of [whole(json, photo), whole(photo, json)]) {
      await expect(read(body, 'alice', { ...low(), temporaryDir })).rejects.toMatchObject({
        code: 'storage_low',
        details: { retry_after_ms: 60_000 },
      });
    }
    expect(await readdir(temporaryDir)).toEqual([]);
    expect(options.admission.uploadsInProgress).toBe(0);
  });

  it('a body without a photo, or with an empty one, is taken', async () => {
    for (const body of [whole(json), whole(photoPart(''), json), whole(json, photoPart(''))])
      expect(await read(body, 'alice', low())).toEqual({ json: { username: 'alice' } });
  });
});
