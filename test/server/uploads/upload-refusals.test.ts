import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readUpload } from '../../../src/server/uploads/upload.js';
import { smallestRatio } from '../../support/measure.js';
import {
  BOUNDARY,
  contentType,
  jsonPart,
  multipartBody,
  type Part,
  photoPart,
  streamOf,
  uploadOptions,
} from '../../support/multipart.js';
import { until } from '../../support/wait.js';

const MIB = 1024 * 1024;
const PHOTO_BYTES_MAX = 64 * 1024;
const GOOD_PHOTO_BYTES = 102_000;
const TIMES_MAX = 10;
const photo = randomBytes(3000);
const profile = { username: 'alice', name: 'Alice' };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-uploads-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface More {
  readonly type?: string;
  readonly length?: string;
}

/** Reads an upload that must be refused, and resolves to the code; nothing of it may be left. */
async function refusal(body: Readable | Buffer, { type = contentType(), length = '' }: More = {}) {
  const stream = Buffer.isBuffer(body) ? streamOf(body) : body;
  const options = uploadOptions(folder, PHOTO_BYTES_MAX);
  const error = await readUpload(stream, type, length, { id: 1 }, options).then(
    ({ json }) => new Error(`accepted with ${JSON.stringify(json)}`),
    (refused: Error & { code?: unknown }) => refused,
  );
  expect(await readdir(folder)).toEqual([]);
  expect(options.admission.uploadsInProgress).toBe(0);
  return 'code' in error ? error.code : error.message;
}

describe('an upload is refused, and nothing of it is left,', () => {
  const parts: readonly (readonly [string, readonly Part[]])[] = [
    ['without json', [photoPart(photo)]],
    ['without any part', []],
    ['with two photos', [jsonPart(profile), photoPart(photo), photoPart(photo)]],
    ['with two json', [jsonPart(profile), photoPart(photo), jsonPart(profile)]],
    ['with two json, the first empty', [jsonPart(''), photoPart(photo), jsonPart(profile)]],
    [
      'with an unknown part',
      [photoPart(photo), jsonPart(profile), { disposition: 'form-data; name="x"', body: '' }],
    ],
    [
      'with an unknown part first',
      [{ disposition: 'form-data; name="file"', body: photo }, jsonPart(profile)],
    ],
    [
      'with a part without a name',
      [photoPart(photo), jsonPart(profile), { disposition: 'form-data', body: 'x' }],
    ],
    ['with a part without headers', [photoPart(photo), jsonPart(profile), { body: 'x' }]],
    [
      'with a part of an empty name',
      [photoPart(photo), jsonPart(profile), { disposition: 'form-data; name=""', body: '' }],
    ],
    ['with nine parts', [jsonPart(profile), photoPart(photo), ...Array<Part>(7).fill(jsonPart(profile))]],
    [
      'with a name in capitals',
      [photoPart(photo), jsonPart(profile, { disposition: 'form-data; name="JSON"' })],
    ],
    ...['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((name): [string, Part[]] => [
      `with a part ${name}`,
      [photoPart(photo), jsonPart(profile), { disposition: `form-data; name="${name}"`, body: '{}' }],
    ]),
    ...['__proto__', 'constructor'].map((name): [string, Part[]] => [
      `with ${name} instead of json`,
      [photoPart(photo), jsonPart(profile, { disposition: `form-data; name="${name}"` })],
    ]),
  ];
  it.each(parts)('%s', async (_name, list) => {
    expect(await refusal(multipartBody(list))).toBe('invalid_multipart');
  });

  it.each([
    ['malformed JSON', '{"username":'],
    ['empty JSON', ''],
    ['JSON that is not UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ['JSON that ends within a character', Buffer.from([0x22, 0xf0, 0x9f])],
    ['JSON in UTF-16', Buffer.from('{"username":"alice"}', 'utf16le')],
  ])('with %s', async (_name, json) => {
    expect(await refusal(multipartBody([jsonPart(json), photoPart(photo)]))).toBe('invalid_json');
    expect(await refusal(multipartBody([photoPart(photo), jsonPart(json)]))).toBe('invalid_json');
  });

  it.each([
    ['no boundary', 'multipart/form-data'],
    ['an empty boundary', 'multipart/form-data; boundary='],
    ['an empty boundary in quotes', 'multipart/form-data; boundary=""'],
    ['a boundary of 71 characters', contentType('b'.repeat(71))],
    ['a boundary that ends in a space', 'multipart/form-data; boundary="abc "'],
    ['another boundary than the body has', contentType('something-else')],
  ])('with %s', async (_name, type) => {
    const boundary = /b{71}/.exec(type)?.[0] ?? BOUNDARY;
    const body = multipartBody([jsonPart(profile), photoPart(photo)], boundary);
    expect(await refusal(body, { type })).toBe('invalid_multipart');
  });

  it('cut off at any byte before the last delimiter', async () => {
    const body = multipartBody([jsonPart(profile), photoPart(photo.subarray(0, 60))]);
    const complete = body.lastIndexOf('\r\n--');
    for (let end = 0; end <= complete; end++) {
      expect(await refusal(body.subarray(0, end)), `cut off at ${end}`).toBe('invalid_multipart');
    }
  });
});

describe('an upload is bounded', () => {
  const full = (size: number) => multipartBody([jsonPart(profile), photoPart(Buffer.alloc(size))]);

  it('in its whole, with and without a Content-Length', async () => {
    const unread = new Readable({ read: () => undefined });
    expect(await refusal(unread, { length: String(11 * MIB + 1) })).toBe('too_large');
    unread.destroy();
    // A preamble belongs to no part, so only the whole can be too large.
    const chunks = [...Array<Buffer>(12).fill(Buffer.alloc(MIB, 'x')), Buffer.from('\r\n'), full(1)];
    expect(await refusal(streamOf(...chunks))).toBe('too_large');
  });

  it('in its whole, wherever the bound is met', async () => {
    const body = full(60);
    const rest = Buffer.alloc(11 * MIB, 'x');
    for (let at = 1; at <= body.length; at++) {
      expect(await refusal(streamOf(body.subarray(0, at), rest)), `at ${at}`).toBe('too_large');
    }
    await nextTurn();
    expect(await readdir(folder)).toEqual([]);
  });

  it('in its photo', async () => {
    for (const size of [PHOTO_BYTES_MAX + 1, PHOTO_BYTES_MAX * 2, 2 * MIB]) {
      expect(await refusal(full(size))).toBe('too_large');
    }
    const options = uploadOptions(folder, PHOTO_BYTES_MAX);
    const { photo } = await readUpload(
      streamOf(full(PHOTO_BYTES_MAX)),
      contentType(),
      '',
      { id: 1 },
      options,
    );
    expect(photo).toBeDefined();
  });

  it('in its json', async () => {
    const body = multipartBody([photoPart(photo), jsonPart(`"${'x'.repeat(MIB)}"`)]);
    expect(await refusal(body)).toBe('too_large');
  });

  it("in each part's headers", async () => {
    const padded = (bytes: number) => {
      const part = { disposition: 'form-data; name="json"', headers: ['X: '] };
      const bare = multipartBody([jsonPart('{}', part)]).indexOf('\r\n\r\n') - BOUNDARY.length;
      return multipartBody([
        photoPart(photo),
        jsonPart('{}', { ...part, headers: [`X: ${'y'.repeat(bytes - bare)}`] }),
      ]);
    };
    expect(await refusal(padded(8300))).toBe('invalid_multipart');
    const options = uploadOptions(folder, PHOTO_BYTES_MAX);
    expect((await readUpload(streamOf(padded(8100)), contentType(), '', { id: 1 }, options)).json).toEqual(
      {},
    );
  });

  it('in the time that headers take: 102 KB of them do not hold up others', async () => {
    const filename = `"${'a'.repeat(50)}=;\\"`.repeat(1800);
    const hostile = [
      `form-data; name="photo"; ${' '.repeat(102_000)}`,
      `form-data; name="photo"; filename=${filename}`,
      `form-data; name="photo"; ${'filename="'.repeat(10_000)}x`,
      `form-data; ${'name='.repeat(20_000)}`,
    ];
    for (const disposition of hostile) {
      const body = multipartBody([jsonPart(profile), photoPart(photo, { disposition })]);
      for (const chunks of [[body], [body.subarray(0, 70_000), body.subarray(70_000)]]) {
        const refused = async () => expect(await refusal(streamOf(...chunks))).toBe('invalid_multipart');
        await expectCheap(refused);
      }
    }
  });
});

describe('the guard and the parser', () => {
  // With a quote inside, one of them could take another boundary than the other, and count nothing.
  it.each([
    ['a"b', 'a'],
    ['"x', '""x"'],
    ['"x', '"x'],
    ['a"b', 'a"b'],
  ])('read the boundary %s alike: a body of the boundary %s does not pass by', async (sent, used) => {
    const disposition = `form-data; name="photo"; ${'filename="'.repeat(10_000)}x`;
    const body = multipartBody([jsonPart(profile), photoPart(photo, { disposition })], used);
    const type = `multipart/form-data; boundary=${sent}`;
    await expectCheap(async () => expect(await refusal(body, { type })).toBe('invalid_multipart'));
  });
});

describe('an upload whose peer goes away', () => {
  const body = multipartBody([jsonPart(profile), photoPart(randomBytes(40_000))]);

  it.each([
    ['with an error', new Error('the peer is gone')],
    ['without one', undefined],
  ])('in the middle, %s, leaves nothing', async (_name, cause) => {
    for (const end of [0, 50, 180, 400, 20_000, body.length - 3]) {
      const stream = peer();
      if (end > 0) stream.push(body.subarray(0, end));
      const refused = refusal(stream);
      // What was sent is read, and the photo's file is there when it has begun, before the peer leaves.
      await until(() => stream.readableLength === 0);
      await until(async () => end < 400 || (await readdir(folder)).length > 0);
      stream.destroy(cause);
      const code = await refused;
      expect(code, `gone at ${end}`).not.toMatch(/accepted/);
      expect(await readdir(folder)).toEqual([]);
    }
  });

  it('at any moment leaves nothing, not even later', async () => {
    const turns = [
      () => Promise.resolve(),
      () => new Promise<void>((done) => process.nextTick(done)),
      nextTurn,
    ];
    for (const turn of turns) {
      for (let count = 0; count <= 40; count++) {
        const stream = peer();
        stream.push(body.subarray(0, 20_000));
        const refused = refusal(stream);
        await until(() => stream.readableLength === 0);
        stream.push(body.subarray(20_000, 30_000));
        for (let n = 0; n < count; n++) await turn();
        stream.destroy(new Error('the peer is gone'));
        await refused;
      }
      for (let count = 0; count <= 40; count++) {
        const stream = peer();
        const refused = refusal(stream);
        await nextTurn();
        stream.push(body.subarray(0, 20_000));
        for (let n = 0; n < count; n++) await turn();
        stream.destroy(new Error('the peer is gone'));
        await refused;
      }
    }
    await nextTurn();
    expect(await readdir(folder)).toEqual([]);
  });

  it('before it is read is refused all the same', async () => {
    for (const cause of [undefined, new Error('the peer is gone')]) {
      const stream = peer();
      stream.destroy(cause);
      expect(await refusal(stream)).not.toMatch(/accepted/);
    }
  });
});

/** A body that is sent by hand. As in the server, somebody always listens for its error. */
function peer(): Readable {
  return new Readable({ read: () => undefined }).on('error', () => undefined);
}

/** Expects that this takes at most TIMES_MAX times the processor time of a good upload of about 100 KB. */
async function expectCheap(refused: () => Promise<void>): Promise<void> {
  const good = multipartBody([jsonPart(profile), photoPart(randomBytes(GOOD_PHOTO_BYTES))]);
  const cost = async (read: () => Promise<unknown>) => {
    const before = process.cpuUsage();
    await read();
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const control = async () => {
    const options = uploadOptions(folder, GOOD_PHOTO_BYTES);
    const spent = await cost(() => readUpload(streamOf(good), contentType(), '', { id: 1 }, options));
    for (const file of await readdir(folder)) await rm(join(folder, file));
    return spent;
  };
  const ratio = await smallestRatio({ measured: () => cost(refused), control, enough: TIMES_MAX });
  expect(ratio).toBeLessThanOrEqual(TIMES_MAX);
}
