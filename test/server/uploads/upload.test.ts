import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readUpload } from '../../../src/server/uploads/upload.js';
import {
  BOUNDARY,
  contentType,
  jsonPart,
  multipartBody,
  photoPart,
  streamOf,
  uploadOptions,
} from '../../support/multipart.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-uploads-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Reads an upload to its end: the JSON, and the photo's bytes. The photo is discarded. */
async function upload(body: Readable | Buffer, type = contentType()) {
  const stream = Buffer.isBuffer(body) ? streamOf(body) : body;
  const options = uploadOptions(folder, 1024 * 1024);
  const { json, photo } = await readUpload(stream, type, '', { id: 1 }, options);
  if (photo === undefined) {
    expect(await readdir(folder)).toEqual([]);
    return { json, photo };
  }
  expect(await readdir(folder)).toHaveLength(1);
  const bytes = await readFile(photo.path);
  expect((await stat(photo.path)).mode & 0o777).toBe(0o600);
  await photo.discard();
  expect(await readdir(folder)).toEqual([]);
  expect(options.admission.uploadsInProgress).toBe(0);
  return { json, photo: bytes };
}

const profile = { username: 'ünï', name: 'Zoë 🦊', description: 'two\nlines' };
const bytes = Buffer.concat([randomBytes(40), Buffer.from('\r\n\r\n--\r\n-'), randomBytes(40)]);

describe('an upload that arrives in any pieces', () => {
  const bodies = [
    ['as browsers send it', multipartBody([jsonPart(profile), photoPart(bytes)])],
    [
      'with a type on each part',
      multipartBody([jsonPart(profile, { type: 'application/json' }), photoPart(bytes)]),
    ],
    [
      'with the json as a Blob, named as a file',
      multipartBody([
        jsonPart(profile, {
          disposition: 'form-data; name="json"; filename="blob"',
          type: 'application/json',
        }),
        photoPart(bytes),
      ]),
    ],
    [
      'with a photo that has neither type nor filename',
      multipartBody([jsonPart(profile), { disposition: 'form-data; name="photo"', body: bytes }]),
    ],
    ['with the photo first', multipartBody([photoPart(bytes), jsonPart(profile)])],
  ] as const;

  it.each(bodies)('is the same %s, cut in two at every byte', async (_name, body) => {
    for (let at = 0; at <= body.length; at++) {
      const found = await upload(streamOf(body.subarray(0, at), body.subarray(at)));
      expect(found, `cut at ${at}`).toEqual({ json: profile, photo: bytes });
    }
  });

  it.each(bodies)('is the same %s, byte by byte', async (_name, body) => {
    const chunks = [...body].map((byte) => Buffer.from([byte]));
    expect(await upload(streamOf(...chunks))).toEqual({ json: profile, photo: bytes });
  });
});

describe('an upload', () => {
  const delimiter = `\r\n--${BOUNDARY}`;

  it.each([
    ['line breaks and dashes', '\r\n--'],
    ['a whole delimiter without its last byte', delimiter.slice(0, -1)],
    ['delimiters that begin again and again', '\r\n\r\n--\r\n--\r\r\n---'.repeat(200)],
    ['the boundary without a line before it', `x--${BOUNDARY}--`],
    ['every prefix of the delimiter', [...delimiter].map((_, at) => delimiter.slice(0, at)).join('')],
    ['one byte', 'x'],
    ['one carriage return', '\r'],
    ['an end of headers', '\r\n\r\n'],
  ])('keeps a photo that has %s', async (_name, text) => {
    for (const photo of [text, `a${text}`, `${text}b`, `${text}${text}`]) {
      const body = multipartBody([jsonPart(profile), photoPart(photo)]);
      const half = Math.floor(body.length / 2);
      for (const stream of [streamOf(body), streamOf(body.subarray(0, half), body.subarray(half))]) {
        expect((await upload(stream)).photo?.toString('latin1')).toBe(photo);
      }
    }
  });

  it.each([
    ['with "json" in it', 'xjsonx', 'multipart/form-data; boundary=xjsonx'],
    ['in quotes', 'a b:c/d=e', 'multipart/form-data; boundary="a b:c/d=e"'],
    ['of one character', 'x', 'multipart/form-data; boundary=x'],
    ['of 70 characters', 'b'.repeat(70), contentType('b'.repeat(70))],
    ['after another parameter', 'abc', 'multipart/form-data; charset=utf-8; boundary=abc'],
    ['before another parameter', 'abc', 'Multipart/Form-Data; BOUNDARY=abc; charset=utf-8'],
  ])('takes a boundary %s', async (_name, boundary, type) => {
    const body = multipartBody([jsonPart(profile), photoPart(bytes)], boundary);
    expect(await upload(body, type)).toEqual({ json: profile, photo: bytes });
  });

  it('takes an empty photo for none', async () => {
    const empty = photoPart('', {
      disposition: 'form-data; name="photo"; filename=""',
      type: 'application/octet-stream',
    });
    expect(await upload(multipartBody([jsonPart(profile), empty]))).toEqual({ json: profile });
    expect(await upload(multipartBody([empty, jsonPart(profile)]))).toEqual({ json: profile });
    expect(await upload(multipartBody([jsonPart(profile)]))).toEqual({ json: profile });
  });

  it('never believes a filename', async () => {
    const names = [
      '../../etc/passwd',
      '..\\..\\x',
      '/etc/passwd',
      'json',
      'photo; name=json',
      'photo; name=\\"json\\"',
      'a"; name=\\"json',
      '\0',
      'x'.repeat(500),
      'name=json.png',
    ];
    for (const filename of names) {
      const disposition = `form-data; name="photo"; filename="${filename}"`;
      const body = multipartBody([jsonPart(profile), photoPart(bytes, { disposition })]);
      expect(await upload(body), filename).toEqual({ json: profile, photo: bytes });
    }
  });

  it.each([
    'me.png',
    'a name=json.png',
    'name=x',
    'photo; name=json',
    '../../x',
  ])('never believes the filename %s, also where it stands before the name', async (filename) => {
    const disposition = `form-data; filename="${filename}"; name="photo"`;
    const body = multipartBody([jsonPart(profile), photoPart(bytes, { disposition })]);
    expect(await upload(body)).toEqual({ json: profile, photo: bytes });
  });

  it.each([
    "filename*=UTF-8''x; name*=UTF-8''json; name=photo",
    'name="photo"; filename="x"; NAME="json"',
    "name=photo; name*=UTF-8''json",
  ])('is known by its first plain name: form-data; %s', async (parameters) => {
    const photo = photoPart(bytes, { disposition: `form-data; ${parameters}` });
    expect(await upload(multipartBody([jsonPart(profile), photo]))).toEqual({ json: profile, photo: bytes });
  });

  it('lies in a folder that is made for its owner alone', async () => {
    const options = uploadOptions(join(folder, 'tmp'), 1024);
    const stream = streamOf(multipartBody([jsonPart(profile), photoPart(bytes)]));
    const { photo } = await readUpload(stream, contentType(), '', { id: 1 }, options);
    expect(dirname(photo?.path ?? '')).toBe(join(folder, 'tmp'));
    expect((await stat(join(folder, 'tmp'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, 'tmp'))).toEqual([basename(photo?.path ?? '')]);
  });

  it('takes a preamble and an epilogue, which are nobody’s part', async () => {
    const body = multipartBody([jsonPart(profile), photoPart(bytes)]);
    const around = Buffer.concat([Buffer.from('hello\r\n\r\n'), body, Buffer.from('\r\nbye\r\n')]);
    expect(await upload(around)).toEqual({ json: profile, photo: bytes });
  });

  it.each([
    '7bit',
    '8bit',
    'binary',
    'BINARY',
    'base64',
    'quoted-printable',
    'x-none',
    '__proto__',
  ])('with the transfer encoding %s is either whole or refused', async (encoding) => {
    const headers = [`Content-Transfer-Encoding: ${encoding}`];
    const lines = bytes.toString('base64').replace(/(.{76})/g, '$1\r\n');
    const photo = encoding === 'base64' ? lines : bytes;
    const body = multipartBody([jsonPart(profile), photoPart(photo, { headers })]);
    for (let at = 0; at <= body.length; at += 7) {
      const stream = streamOf(body.subarray(0, at), body.subarray(at));
      const found = await upload(stream).catch((error: unknown) => error);
      if (found instanceof Error) expect(found, `cut at ${at}`).toMatchObject({ code: 'invalid_multipart' });
      else expect(found, `cut at ${at}`).toEqual({ json: profile, photo: bytes });
    }
    expect(await readdir(folder)).toEqual([]);
  });
});
