import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readUpload } from '../../../src/server/uploads/upload.js';
import { streamOf, uploadOptions } from '../../support/multipart.js';

/** What a client writes: its Content-Type with the boundary in it, and the header lines of the two parts. */
interface Client {
  readonly who: string;
  readonly type: string;
  readonly boundary: string;
  readonly json: readonly string[];
  readonly photo: readonly string[];
  /** What stands behind the last boundary. */
  readonly end?: string;
}

const NAMED_JSON = 'Content-Disposition: form-data; name="json"';
const NAMED_PHOTO = 'Content-Disposition: form-data; name="photo"; filename="me.png"';

const clients: readonly Client[] = [
  {
    who: 'curl',
    type: 'multipart/form-data; boundary=------------------------fec3ad4d5ab64e4d',
    boundary: '------------------------fec3ad4d5ab64e4d',
    json: [NAMED_JSON, 'Content-Type: application/json'],
    photo: ['Content-Disposition: form-data; name="photo"; filename="me%22x.png"', 'Content-Type: image/png'],
  },
  {
    who: 'curl before 7.81',
    type: 'multipart/form-data; boundary=------------------------fec3ad4d5ab64e4d',
    boundary: '------------------------fec3ad4d5ab64e4d',
    json: [NAMED_JSON],
    photo: ['Content-Disposition: form-data; name="photo"; filename="a\\"; name=\\"json.png"'],
  },
  {
    who: 'Chrome, with a filename that ends in a backslash',
    type: 'multipart/form-data; boundary=----WebKitFormBoundaryq7zPl0bV2cD8sXyA',
    boundary: '----WebKitFormBoundaryq7zPl0bV2cD8sXyA',
    json: [NAMED_JSON],
    photo: ['Content-Disposition: form-data; name="photo"; filename="me\\"', 'Content-Type: image/png'],
  },
  {
    who: 'Firefox, with a Blob as the json',
    type: 'multipart/form-data; boundary=----geckoformboundary5b1b0b62d4c4cf1b8ff3d2f2b1a6a2',
    boundary: '----geckoformboundary5b1b0b62d4c4cf1b8ff3d2f2b1a6a2',
    json: ['Content-Disposition: form-data; name="json"; filename="blob"', 'Content-Type: application/json'],
    photo: [NAMED_PHOTO, 'Content-Type: image/png'],
  },
  {
    who: 'HttpURLConnection of Android',
    type: 'multipart/form-data;boundary=*****',
    boundary: '*****',
    json: ['Content-Disposition: form-data; name="json"'],
    photo: ['Content-Disposition: form-data; name="photo";filename="me.png"'],
  },
  {
    who: 'OkHttp, and Retrofit',
    type: 'multipart/form-data; boundary=5f2a3d3e-6ad4-4a3a-b9f6-6f4c1d2b7a10',
    boundary: '5f2a3d3e-6ad4-4a3a-b9f6-6f4c1d2b7a10',
    json: [NAMED_JSON, 'Content-Type: application/json; charset=utf-8', 'Content-Length: 15'],
    photo: [NAMED_PHOTO, 'Content-Type: image/png', 'Content-Length: 6'],
  },
  {
    who: 'React Native',
    type: 'multipart/form-data; boundary=pQ7n2zX0y.R-s_T4',
    boundary: 'pQ7n2zX0y.R-s_T4',
    json: ['content-disposition: form-data; name="json"'],
    photo: [
      'content-disposition: form-data; name="photo"; filename="mé.png"; filename*=utf-8\'\'m%C3%A9.png',
      'content-type: image/png',
    ],
  },
  {
    who: 'Alamofire',
    type: 'multipart/form-data; boundary=alamofire.boundary.9c2f5a0bd4a1e3f7',
    boundary: 'alamofire.boundary.9c2f5a0bd4a1e3f7',
    json: [NAMED_JSON, 'Content-Type: application/json'],
    photo: [NAMED_PHOTO, 'Content-Type: image/png'],
  },
  {
    who: 'Dart’s http, with a text that is not ASCII',
    type: 'multipart/form-data; boundary=dart-http-boundary-9+Zb_x-4.q1T',
    boundary: 'dart-http-boundary-9+Zb_x-4.q1T',
    json: [
      'content-type: text/plain; charset=utf-8',
      'content-transfer-encoding: binary',
      'content-disposition: form-data; name="json"',
    ],
    photo: [
      'content-type: application/octet-stream',
      'content-disposition: form-data; name="photo"; filename="me.png"',
    ],
  },
  {
    who: 'dio',
    type: 'multipart/form-data; boundary=--dio-boundary-3152790612',
    boundary: '--dio-boundary-3152790612',
    json: ['content-disposition: form-data; name="json"'],
    photo: [
      'content-disposition: form-data; name="photo"; filename="me.png"',
      'content-type: application/octet-stream',
    ],
  },
  {
    who: 'HttpClient of .NET',
    type: 'multipart/form-data; boundary="9d1c5f0a-93a1-47a5-9d8c-8a5f4f4cf5b1"',
    boundary: '9d1c5f0a-93a1-47a5-9d8c-8a5f4f4cf5b1',
    json: ['Content-Type: text/plain; charset=utf-8', 'Content-Disposition: form-data; name=json'],
    photo: ["Content-Disposition: form-data; name=photo; filename=me.png; filename*=utf-8''me.png"],
  },
  {
    who: 'Ktor',
    type: 'multipart/form-data; boundary=6d1f0e2c-3b7a5d94f7c118e22a9c34d7-48a6b7f5901e6d3c77a0',
    boundary: '6d1f0e2c-3b7a5d94f7c118e22a9c34d7-48a6b7f5901e6d3c77a0',
    json: ['Content-Disposition: form-data; name=json', 'Content-Length: 15'],
    photo: ['Content-Disposition: form-data; name=photo; filename="me.png"', 'Content-Type: image/png'],
  },
  {
    who: 'Apache HttpClient',
    type: 'multipart/form-data; charset=UTF-8; boundary=yU8-K_3fTq1ZxW0a',
    boundary: 'yU8-K_3fTq1ZxW0a',
    json: [NAMED_JSON, 'Content-Type: text/plain; charset=UTF-8', 'Content-Transfer-Encoding: 8bit'],
    photo: [NAMED_PHOTO, 'Content-Type: image/png', 'Content-Transfer-Encoding: binary'],
    end: '\r\n',
  },
  {
    who: 'Spring',
    type: 'multipart/form-data;charset=UTF-8;boundary=lZxk3a0-Qw_',
    boundary: 'lZxk3a0-Qw_',
    json: [NAMED_JSON, 'Content-Type: application/json', 'Content-Length: 15'],
    photo: [NAMED_PHOTO, 'Content-Type: image/png', 'Content-Length: 6'],
  },
  {
    who: 'JavaMail, which folds long lines',
    type: 'multipart/form-data; boundary="----=_Part_0_1330187.1700000000000"',
    boundary: '----=_Part_0_1330187.1700000000000',
    json: ['Content-Type: application/json', 'Content-Disposition: form-data;', '\tname="json"'],
    photo: ['Content-Disposition: form-data;', '  name="photo";', '  filename="me.png"', 'Content-MD5: Q2hl'],
  },
  {
    who: 'Go',
    type: `multipart/form-data; boundary=${'0123456789ab'.repeat(5)}`,
    boundary: '0123456789ab'.repeat(5),
    json: [NAMED_JSON],
    photo: [NAMED_PHOTO, 'Content-Type: application/octet-stream'],
  },
  {
    who: 'requests of Python',
    type: 'multipart/form-data; boundary=bb4bb43c5b91995a6f3da34603b2317b',
    boundary: 'bb4bb43c5b91995a6f3da34603b2317b',
    json: [NAMED_JSON, 'Content-Type: application/json'],
    photo: ['Content-Disposition: form-data; name="photo"; filename="mé.png"', 'Content-Type: image/png'],
  },
  {
    who: 'email of Python',
    type: 'multipart/form-data; boundary="===============8190721937402174935=="',
    boundary: '===============8190721937402174935==',
    json: ['Content-Type: application/json', 'MIME-Version: 1.0', NAMED_JSON],
    photo: ['MIME-Version: 1.0', 'Content-Transfer-Encoding: binary', NAMED_PHOTO],
    end: '',
  },
  {
    who: 'axios, with form-data',
    type: 'multipart/form-data; boundary=--------------------------a4a5a3cd38c7aea4e637da24',
    boundary: '--------------------------a4a5a3cd38c7aea4e637da24',
    json: [NAMED_JSON, 'Content-Type: application/json'],
    photo: ['Content-Disposition: form-data; name="photo"; filename="mé.png"', 'Content-Type: image/png'],
  },
  {
    who: 'QHttpMultiPart',
    type: 'multipart/form-data; boundary="boundary_.oOo._MTIz/+NDU2Nzg5MDEyMw=="',
    boundary: 'boundary_.oOo._MTIz/+NDU2Nzg5MDEyMw==',
    json: [NAMED_JSON],
    photo: [NAMED_PHOTO, 'Content-Type: image/png'],
  },
  {
    who: 'Faraday',
    type: 'multipart/form-data; boundary=-----------RubyMultipartPost-6a3d',
    boundary: '-----------RubyMultipartPost-6a3d',
    json: [NAMED_JSON, 'Content-Type: application/json'],
    photo: [NAMED_PHOTO, 'Content-Length: 6', 'Content-Type: image/png', 'Content-Transfer-Encoding: binary'],
  },
  {
    who: 'a client that signs its parts',
    type: 'multipart/form-data; Boundary="\'()+_,-./:=? a"; charset=utf-8',
    boundary: "'()+_,-./:=? a",
    json: ['X-Amz-Meta-2: 1', "!#$%&'*+-.^_`|~: x", `X-Signature: ${'s'.repeat(8000)}`, NAMED_JSON],
    photo: ['CONTENT-DISPOSITION:FORM-DATA;NAME="photo"', 'Content-ID: <photo@app>'],
    end: '\r\nAn epilogue.',
  },
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-clients-'));
});
afterAll(() => rm(folder, { recursive: true }));

const JSON_TEXT = '{"name":"Zoë"}';
const PHOTO = Buffer.from([0x89, 0x50, 0x0d, 0x0a, 0xff, 0x00]);

function bodyOf({ boundary, json, photo, end = '\r\n' }: Client): Buffer {
  const part = (header: readonly string[], content: string | Buffer) => [
    Buffer.from(`--${boundary}\r\n${header.join('\r\n')}\r\n\r\n`),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ];
  return Buffer.concat([
    ...part(json, JSON_TEXT),
    ...part(photo, PHOTO),
    Buffer.from(`--${boundary}--${end}`),
  ]);
}

/** The JSON and the photo of an upload that arrives in these pieces. */
async function upload(type: string, chunks: readonly Buffer[]) {
  const options = uploadOptions(folder, 1024);
  const { json, photo } = await readUpload(streamOf(...chunks), type, '', { id: 1 }, options);
  const bytes = photo && (await readFile(photo.path));
  await photo?.discard();
  expect(await readdir(folder)).toEqual([]);
  return { json, photo: bytes };
}

describe('an upload is taken as it is written by', () => {
  it.each(clients)('$who', async (client) => {
    const body = bodyOf(client);
    const whole = { json: { name: 'Zoë' }, photo: PHOTO };
    expect(await upload(client.type, [body])).toEqual(whole);
    expect(
      await upload(
        client.type,
        [...body].map((byte) => Buffer.from([byte])),
      ),
    ).toEqual(whole);
  });

  it('fetch, here', async () => {
    const form = new FormData();
    form.set('json', new Blob([JSON_TEXT], { type: 'application/json' }));
    form.set('photo', new File([new Uint8Array(PHOTO)], 'a"b\\.png'));
    const request = new Response(form);
    const type = request.headers.get('content-type') ?? '';
    const body = Buffer.from(await request.arrayBuffer());
    expect(await upload(type, [body])).toEqual({ json: { name: 'Zoë' }, photo: PHOTO });
  });

  it('an editor that puts a byte order mark before the JSON', async () => {
    const [client] = clients as [Client];
    const text = bodyOf(client).toString('latin1').replace('{', '\xef\xbb\xbf{');
    expect((await upload(client.type, [Buffer.from(text, 'latin1')])).json).toEqual({ name: 'Zoë' });
  });
});

describe('a refusal says what is wrong', () => {
  const [curl] = clients as [Client];
  const header = (...json: string[]) => bodyOf({ ...curl, json });
  it.each<[string, Buffer | string, RegExp, string?]>([
    ['no boundary', '', /^The Content-Type has no boundary/, 'multipart/form-data'],
    ['another boundary', bodyOf(curl), /boundary of the Content-Type is not in the body/, 'a/b; boundary=x'],
    ['an end that is missing', bodyOf(curl).subarray(0, -5), /ends before its last boundary/],
    ['lines that end in LF', bodyOf(curl).toString('latin1').replaceAll('\r\n', '\n'), /CR and LF/],
    ['a header of over 8 KiB', header(`X: ${'x'.repeat(8200)}`, NAMED_JSON), /8192 bytes at most/],
    ['a header line that is no field', header('json', NAMED_JSON), /must be a field/],
    ['a name with a blank behind it', header('X : y', NAMED_JSON), /must be a field/],
    ['a line end within a value', header('X: a\nb', NAMED_JSON), /must be a field/],
    ['a line that goes on with nothing', header(' X: y', NAMED_JSON), /must be a field/],
    ['no header', header(''), /must be a field/],
    ['base64', header(NAMED_JSON, 'Content-Transfer-Encoding: base64'), /Content-Transfer-Encoding/],
    ['another part', header('Content-Disposition: form-data; name="file"'), /json and photo, no others/],
    ['a part without a name', header('Content-Type: application/json'), /json and photo, no others/],
    ['two parts json', bodyOf({ ...curl, photo: [NAMED_JSON] }), /only one part json/],
    [
      'no json',
      bodyOf({ ...curl, json: ['Content-Disposition: form-data; name=photo'] }),
      /only one part photo/,
    ],
  ])('with %s', async (_what, body, sentence, type = curl.type) => {
    const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
    await expect(upload(type, [bytes])).rejects.toMatchObject({
      code: 'invalid_multipart',
      message: expect.stringMatching(sentence),
    });
    expect(await readdir(folder)).toEqual([]);
  });
});
