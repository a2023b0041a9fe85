import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noisePng } from '../support/images.js';
import { rawRequest } from '../support/raw.js';
import { TestServer } from '../support/server.js';
import { join, type StrictUser, stopUnharmed } from '../support/strict.js';
import { TcpConnection } from '../support/tcp.js';
import { until } from '../support/wait.js';

let server: TestServer;
let owner: StrictUser;
let member: StrictUser;
let group: number;
beforeAll(async () => {
  server = await TestServer.shared();
  [owner, member] = [await join(server, 'Owner'), await join(server, 'Member')];
  const form = new FormData();
  form.set('json', JSON.stringify({ name: 'g', users: [{ id: member.id }] }));
  form.set('photo', new Blob([new Uint8Array(noisePng(300, 300))]));
  group = (await owner.post('/group', form)).body.group.id;
});
afterAll(() => stopUnharmed(server));

/** The fields that every answer has, as they are when no origins are set. */
const OF_ALL = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'ETag, Retry-After, X-Request-Id',
  'x-request-id': expect.stringMatching(/^[0-9a-f]{8}-\d+$/),
  uwebsockets: '20', // The engine's own; a proxy may hide it.
  date: expect.stringMatching(/ GMT$/),
};
const OF_JSON = {
  ...OF_ALL,
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8', 'content-length': expect.any(String) };
const OF_IMAGES = {
  ...OF_ALL,
  'cache-control': 'private, no-cache',
  etag: expect.stringMatching(/^"[0-9a-f-]{36}-1280\.webp-1280"$/),
  vary: 'Authorization',
  'content-security-policy': "default-src 'none'; sandbox",
  'content-type': 'image/webp',
  'content-length': expect.any(String),
};
const PREFLIGHT = {
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers': 'Authorization, Content-Type',
  vary: 'Access-Control-Request-Headers',
  'access-control-max-age': '86400',
  'content-length': '0',
};

/** The status and fields of the answer; no field may come twice. */
async function headOf(line: string, headers: readonly string[], body = '') {
  const lines = [`${line} HTTP/1.1`, 'Host: parley', ...headers];
  if (body !== '') lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  const isHead = line.startsWith('HEAD');
  const { status, head } = await rawRequest(server.port, lines, { body, isHead });
  const fields = head
    .split('\r\n')
    .slice(1)
    .map((field) => /^([^:]+): (.*)$/.exec(field)?.slice(1) ?? [field, 'no field'])
    .map(([name = '', value = '']) => [name.toLowerCase(), value] as const);
  expect(fields.map(([name]) => name).sort()).toEqual([...new Set(fields.map(([name]) => name))].sort());
  return { status, fields: Object.fromEntries(fields) };
}

const authorized = (user: StrictUser) => `Authorization: Bearer ${user.token}`;
const UPGRADE = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
const CORS = ['Origin: https://app.example', 'Access-Control-Request-Method: POST'];

interface Row {
  readonly what: string;
  readonly status: number;
  readonly ask: () => ReturnType<typeof headOf>;
  readonly more?: Readonly<Record<string, string>>;
}
const own =
  (line: string, more: readonly string[] = [], body?: string) =>
  () =>
    headOf(line.replace('{group}', String(group)), [authorized(owner), ...more], body);
const rows: readonly Row[] = [
  { what: 'a 200', status: 200, ask: own('GET /api/v1/user') },
  { what: 'the answer to a HEAD', status: 200, ask: own('HEAD /api/v1/user') },
  { what: 'a 200 of a POST', status: 200, ask: own('POST /api/v1/group', [], '{"name":"g"}') },
  { what: 'a 400', status: 400, ask: own('GET /api/v1/user/x') },
  { what: 'a 400 of a body', status: 400, ask: own('POST /api/v1/group', [], '{') },
  {
    what: 'a 400 of two lengths, and the last',
    status: 400,
    ask: own('GET /api/v1/user', ['Content-Length: 0', 'Content-Length: 0']),
    more: { connection: 'close' },
  },
  {
    what: 'a 401',
    status: 401,
    ask: () => headOf('GET /api/v1/user', []),
    more: { 'www-authenticate': 'Bearer' },
  },
  {
    what: 'a 403',
    status: 403,
    ask: () => headOf(`DELETE /api/v1/group/${group}`, [authorized(member)]),
  },
  { what: 'a 404', status: 404, ask: own('GET /api/v1/user/999999') },
  { what: 'a 404 of the API', status: 404, ask: own('GET /api/v1/nothing') },
  { what: 'a 404 outside of it', status: 404, ask: () => headOf('GET /nothing', []) },
  {
    what: 'a 405',
    status: 405,
    ask: own('PUT /api/v1/user'),
    more: { allow: 'POST, PATCH, GET, HEAD' },
  },
  {
    what: 'a 409',
    status: 409,
    ask: () =>
      headOf(`POST /api/v1/group/${group}/add`, [authorized(owner)], `{"users":[{"id":${member.id}}]}`),
  },
  {
    what: 'a 413',
    status: 413,
    ask: own('POST /api/v1/group', ['Content-Type: application/json', 'Content-Length: 9999999']),
  },
  { what: 'a 415', status: 415, ask: own('POST /api/v1/group', ['Content-Type: a/b', 'Content-Length: 0']) },
  { what: 'a 426', status: 426, ask: own('GET /api/v1/main'), more: { upgrade: 'websocket' } },
  {
    what: 'a 426 of another version',
    status: 426,
    ask: own('GET /api/v1/main', [...UPGRADE, 'Sec-WebSocket-Version: 8']),
    more: { upgrade: 'websocket', 'sec-websocket-version': '13' },
  },
  {
    what: 'a refused upgrade',
    status: 404,
    ask: own('GET /api/v1/chat/999999', [...UPGRADE, 'Sec-WebSocket-Version: 13']),
  },
  { what: 'a probe', status: 200, ask: () => headOf('GET /healthz', []) },
  {
    what: 'a probe by POST',
    status: 405,
    ask: () => headOf('POST /readyz', []),
    more: { allow: 'GET, HEAD' },
  },
];

describe('the header of', () => {
  it.each(rows)('$what says what browsers are to do with it, and nothing of what is at work', async (row) => {
    const { status, fields } = await row.ask();
    expect({ status, fields }).toEqual({
      status: row.status,
      fields: { ...OF_JSON, ...JSON_TYPE, ...row.more },
    });
  });

  it('a photo is that of an image', async () => {
    const { status, fields } = await own('GET /api/v1/group/{group}/photo')();
    expect({ status, fields }).toEqual({ status: 200, fields: OF_IMAGES });
    const head = await own('HEAD /api/v1/group/{group}/photo')();
    expect(head.fields).toEqual(OF_IMAGES);
  });

  it.each([
    'GET',
    'HEAD',
  ])('a photo that is kept has no length, and %s leaves the connection usable', async (method) => {
    const path = `/api/v1/group/${group}/photo`;
    const ask = (line: string, more: readonly string[] = []) =>
      `${[`${line} HTTP/1.1`, 'Host: parley', authorized(owner), ...more].join('\r\n')}\r\n\r\n`;
    const etag = (await own(`HEAD ${path}`)()).fields['etag'];
    for (const kept of [etag, '*']) {
      const connection = await TcpConnection.open(server);
      connection.write(ask(`${method} ${path}`, [`If-None-Match: ${kept}`]));
      expect(await connection.status()).toBe(304);
      await until(() => connection.text.endsWith('\r\n\r\n'));
      const head = connection.text;
      expect(head).not.toMatch(/^(content-length|content-type|transfer-encoding):/im);
      connection.write(ask('GET /api/v1/user'));
      await until(() => connection.text.includes(`"username":"${owner.username}"`));
      expect(connection.text.slice(head.length)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      connection.cut();
    }
  });

  it('a preflight has the fields of one', async () => {
    const { status, fields } = await headOf('OPTIONS /api/v1/user', CORS);
    expect({ status, fields }).toEqual({ status: 204, fields: { ...OF_JSON, ...PREFLIGHT } });
  });
});
