import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE } from '../../src/api/routes.js';
import { png } from '../support/images.js';
import { BOUNDARY, jsonPart, multipartBody, type Part, photoPart } from '../support/multipart.js';
import { TestServer } from '../support/server.js';
import { ask, expectRefusal, join, newcomer, type StrictUser, stopUnharmed } from '../support/strict.js';

let server: TestServer;
let owner: StrictUser;
let nemo: StrictUser;
beforeAll(async () => {
  server = await TestServer.shared();
  owner = await join(server, 'Owner');
  nemo = await newcomer(server, 'Nemo');
});
afterAll(() => stopUnharmed(server));

const photo = photoPart(png(8, 8));
const good = jsonPart({ username: 'nemo', name: 'Nemo' });

const send = (path: string, user: StrictUser, parts: readonly Part[]) =>
  ask(server, 'POST', `${BASE}${path}`, {
    token: user.token,
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    body: new Uint8Array(multipartBody(parts)),
  });

const endpoints = [
  { path: '/user', caller: () => nemo, made: async () => (await nemo.get('/user')).status !== 404 },
  { path: '/group', caller: () => owner, made: async () => (await owner.get('/chats')).status !== 404 },
];

describe.each(endpoints)('multipart to POST $path', ({ path, caller, made }) => {
  it.each<[string, readonly Part[], 'invalid_multipart' | 'invalid_json']>([
    ['without json', [photo], 'invalid_multipart'],
    ['without any part', [], 'invalid_multipart'],
    ['with malformed JSON', [jsonPart('{"name":'), photo], 'invalid_json'],
    ['with an empty json', [jsonPart(''), photo], 'invalid_json'],
    ['with two json', [good, good], 'invalid_multipart'],
    ['with two photos', [good, photo, photo], 'invalid_multipart'],
    [
      'with an unknown part',
      [good, { disposition: 'form-data; name="avatar"', body: 'x' }],
      'invalid_multipart',
    ],
  ])('is 400 %s, and nothing is made', async (_what, parts, code) => {
    expectRefusal(await send(path, caller(), parts), 400, code);
    expect(await made()).toBe(false);
  });
});

describe('a part of a multipart body', () => {
  it.each<[string, readonly Part[]]>([
    [
      'a json with a filename and a type',
      [jsonPart({}, { disposition: 'form-data; name="json"; filename="a.json"', type: 'application/json' })],
    ],
    ['a json that says it is an image', [jsonPart({}, { type: 'image/png' })]],
    [
      'a photo without a filename or a type',
      [jsonPart({}), photoPart(png(8, 8), { disposition: 'form-data; name="photo"' })],
    ],
    ['an empty photo, which is none', [jsonPart({}), photoPart('')]],
  ])('is told by its name alone: %s', async (what, parts) => {
    const named = parts.map((part) =>
      part.body === '{}' ? { ...part, body: JSON.stringify({ name: what }) } : part,
    );
    const answer = await send('/group', owner, named);
    expect([answer.status, answer.body.group?.name]).toEqual([200, what]);
    const { photo: shown } = (await owner.get(`/group/${answer.body.group.id}/info`)).body;
    expect(shown !== null).toBe(what.startsWith('a photo'));
  });
});

describe('a multipart body', () => {
  it.each([
    ['a boundary of asterisks, as on Android', '*****', []],
    ['a boundary of every other character that a token has', "!#$%&'*+-.^_`|~", []],
    ['header fields of 8 KiB, with digits in their names', BOUNDARY, [`X-Amz-Meta-2: ${'x'.repeat(8000)}`]],
    [
      'a field that goes on in a second line',
      BOUNDARY,
      ['Content-Type: application/json;', ' charset=utf-8'],
    ],
  ])('may have %s', async (what, boundary, headers) => {
    const filename = `filename="m.png"; filename*=utf-8''m%C3%A9.png`;
    const parts = [
      jsonPart({ name: what }, { headers }),
      photoPart(png(8, 8), { disposition: `form-data; name="photo"; ${filename}`, headers }),
    ];
    const answer = await ask(server, 'POST', `${BASE}/group`, {
      token: owner.token,
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: new Uint8Array(multipartBody(parts, boundary)),
    });
    expect([answer.status, answer.body.group?.name]).toEqual([200, what]);
    const { photo: shown } = (await owner.get(`/group/${answer.body.group.id}/info`)).body;
    expect(shown).not.toBeNull();
  });

  it('without a boundary in its Content-Type is refused by that name', async () => {
    const answer = await ask(server, 'POST', `${BASE}/group`, {
      token: owner.token,
      headers: { 'content-type': 'multipart/form-data' },
      body: new Uint8Array(multipartBody([good])),
    });
    expectRefusal(answer, 400, 'invalid_multipart');
    expect(answer.body.error).toMatch(/has no boundary/);
  });
});
