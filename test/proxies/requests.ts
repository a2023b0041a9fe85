import { request } from 'node:http';
import { connect } from 'node:tls';
import { expect, it } from 'vitest';
import { GOOD } from '../conformance/http/case.js';
import { Peer } from '../conformance/http/peer.js';
import { imageOf, png } from '../support/images.js';
import { contentType, jsonPart, multipartBody, photoPart } from '../support/multipart.js';
import { forgeLong } from '../support/tokens.js';
import { until } from '../support/wait.js';
import type { Behind, CurrentBehind } from './behind.js';
import { OF_TLS } from './proxy.js';

const PHOTO_BYTES_MAX = 10 * 1024 * 1024;
const IDLE_MS = 12_000;
/** What a request through the proxy and one without are to have in common. */
const SAME = [
  'content-type',
  'allow',
  'upgrade',
  'www-authenticate',
  'x-content-type-options',
  'content-length',
];

/** A client that asks, says nothing for longer than the server waits, and asks again. Resolves to the statuses. */
export async function pauses({ proxy }: Behind): Promise<number[]> {
  const first = await Peer.open(proxy.port, true);
  first.write(GOOD);
  await first.hears(1);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const second = first.ended ? await Peer.open(proxy.port, true) : first;
  second.write(GOOD);
  await second.hears(second === first ? 2 : 1);
  for (const peer of [first, second]) peer.cut();
  return [...new Set([first, second])].flatMap(({ answers }) => answers.map(({ status }) => status));
}

export function requests(current: CurrentBehind, afterPause: () => Promise<number[]>): void {
  it.each([
    ['GET', '/api/v1/user', 200],
    ['GET', '/api/v1/user/999', 404],
    ['GET', '/api/v1/user/x', 400],
    ['HEAD', '/api/v1/user', 200],
    ['HEAD', '/api/v1/user/999', 404],
    ['HEAD', '/healthz', 200],
    ['PUT', '/api/v1/user', 405],
    ['POST', '/healthz', 405],
    ['GET', '/api/v1/main', 426],
    ['GET', '/api/v1/nothing', 404],
    ['GET', '//api/v1/../user', 404],
    ['DELETE', '/api/v1/group/999', 404],
    ['OPTIONS', '/api/v1/user', 405],
  ])('%s %s is %d, as without the proxy', async (method, path, status) => {
    const { alice, server, proxy } = current();
    const [direct, proxied] = await Promise.all(
      [server.url, proxy.url].map(async (url) => {
        const response = await fetch(url + path, {
          method,
          headers: { authorization: `Bearer ${alice.token}` },
        });
        const headers = SAME.map((name) => [name, response.headers.get(name)]);
        const own = Object.fromEntries(
          ['uwebsockets', 'x-request-id', 'strict-transport-security'].map((field) => [
            field,
            response.headers.get(field),
          ]),
        );
        return { status: response.status, text: await response.text(), headers, own };
      }),
    );
    expect(direct?.status).toBe(status);
    expect({ ...proxied, own: undefined }).toEqual({ ...direct, own: undefined });
    expect(direct?.own['strict-transport-security']).toBe(null);
    expect(proxied?.own).toEqual({
      uwebsockets: null,
      'x-request-id': expect.stringMatching(/^[0-9a-f]+-\d+$/),
      'strict-transport-security': OF_TLS,
    });
  });

  it('passes a token of 12 KiB, beside as many cookies', async () => {
    const { alice, proxy } = current();
    const headers = {
      authorization: `Bearer ${forgeLong(12_288, { sub: alice.id })}`,
      cookie: `seen=${'x'.repeat(15_000)}`,
    };
    const response = await fetch(`${proxy.url}/api/v1/user`, { headers });
    expect([response.status, await response.json()]).toEqual([
      200,
      expect.objectContaining({ id: alice.id }),
    ]);
  });

  it('passes a DELETE with its body', async () => {
    const { alice, bob } = current();
    const id = await alice.groupWith(bob);
    const answer = await alice.delete(`/group/${id}/delete`, { users: [{ id: bob.id }] });
    expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }]);
  });

  it('takes few connections to the server for many requests', async () => {
    const { alice, relay } = current();
    const before = relay.received.length;
    for (let round = 0; round < 200; round++) expect((await alice.get('/user')).status).toBe(200);
    expect(relay.received.length - before).toBeLessThanOrEqual(10);
  });

  it('answers a client that was silent for 12 s, when the server has long ended its connections', async () => {
    expect(await afterPause()).toEqual([200, 200]);
  });

  it('takes a photo of 10 MiB, and gives back what is kept of it', async () => {
    const carol = await current().stranger('Carol');
    const head = png(640, 480);
    const photo = png(640, 480, Buffer.alloc(PHOTO_BYTES_MAX - head.length, 'photo'));
    const body = multipartBody([jsonPart({ username: carol.username, name: 'Carol' }), photoPart(photo)]);
    expect(await upload(carol.url, carol.token, body)).toMatchObject({ status: 200 });
    const back = await fetch(`${carol.url}/api/v1/user/${carol.id}/photo`, {
      headers: { authorization: `Bearer ${carol.token}` },
    });
    expect([back.status, back.headers.get('content-type')]).toEqual([200, 'image/webp']);
    expect(await imageOf(Buffer.from(await back.arrayBuffer()))).toMatchObject({ width: 640, height: 480 });
  });

  it.each([
    ['a photo of a byte more', PHOTO_BYTES_MAX + 1],
    ['a body of more than the proxy takes', 12 * 1024 * 1024],
  ])('answers 413 to %s, in the server’s form', async (_what, bytes) => {
    const dave = await current().stranger('Dave');
    const head = png(640, 480);
    const photo = png(640, 480, Buffer.alloc(bytes - head.length));
    const body = multipartBody([jsonPart({ username: dave.username, name: 'Dave' }), photoPart(photo)]);
    const answer = await upload(dave.url, dave.token, body);
    expect(answer).toEqual({
      status: 413,
      body: { status: 'error', code: 'too_large', error: 'The body is larger than the server takes.' },
    });
    expect((await dave.get('/user')).status).toBe(404);
  });

  it.each([
    ['nothing', {}],
    ['X-Forwarded-For', { 'x-forwarded-for': '203.0.113.5' }],
    ['several addresses', { 'X-FORWARDED-FOR': '203.0.113.5, 127.0.0.1, 10.0.0.1' }],
    ['Forwarded', { forwarded: 'for=203.0.113.5', 'x-forwarded-for': 'unknown' }],
    ['another address of the server', { 'x-forwarded-proto': 'http', 'X-Forwarded-Host': 'evil.example' }],
  ])('tells the server who the client is, and whom it called, whatever it says: %s', async (what, headers) => {
    const { alice, relay, proxy } = current();
    const mark = encodeURIComponent(what);
    await alice.send('GET', `/user?${mark}`, undefined, headers);
    const [, ...lines] = relay.headWith(`?${mark} `).toLowerCase().split('\r\n');
    expect(lines.filter((line) => /forwarded/.test(line)).sort()).toEqual([
      'x-forwarded-for: 127.0.0.1',
      `x-forwarded-host: ${new URL(proxy.url).host}`,
      'x-forwarded-proto: https',
    ]);
  });

  it.each([
    '/healthz',
    '/readyz',
  ])('answers a check of %s in HTTP/1.0, which the server itself does not', async (path) => {
    for (const lines of [['Host: parley'], []]) {
      const peer = await Peer.open(current().proxy.port, true);
      peer.write([`GET ${path} HTTP/1.0`, ...lines, '', ''].join('\r\n'));
      await peer.hears(1);
      peer.cut();
      expect([lines, peer.answers.map(({ status }) => status)]).toEqual([lines, [200]]);
    }
  });

  it('offers nothing older than TLS 1.2', async () => {
    const { port } = current().proxy;
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...old });
    const refused = await new Promise((resolve) => {
      socket.once('secureConnect', () => resolve(false)).once('error', () => resolve(true));
    });
    socket.destroy();
    expect(refused).toBe(true);
  });

  it('sends those who come without TLS to where it is', async () => {
    const { plainPort } = current().proxy;
    const asked = request({ port: plainPort, host: '127.0.0.1', path: '/api/v1/user?x=1', method: 'POST' });
    const seen = await new Promise((resolve, reject) => {
      asked.on('error', reject).on('response', (answer) => {
        answer.resume();
        resolve([answer.statusCode, answer.headers.location?.replace(/:\d+/, '')]);
      });
      asked.setHeader('Host', 'chat.example').end();
    });
    expect(seen).toEqual([308, 'https://chat.example/api/v1/user?x=1']);
  });

  it('logs the path and the id of a request, and never what is in its query', async () => {
    const { alice, proxy } = current();
    const secret = 'a-token-that-nobody-may-see';
    const { headers } = await alice.get(`/user/12345?access_token=${secret}`);
    await alice.refusal(`/chat/12345?access_token=${secret}`).catch(() => undefined);
    const id = headers.get('x-request-id') ?? '';
    await until(() => proxy.log.includes('/api/v1/user/12345') && proxy.log.includes('/api/v1/chat/12345'));
    expect(id).not.toBe('');
    expect(proxy.log).toContain(id);
    expect(proxy.log).not.toContain(secret);
  });
}

async function upload(url: string, token: string, body: Buffer): Promise<{ status: number; body: unknown }> {
  const send = () =>
    fetch(`${url}/api/v1/user`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': contentType() },
      body: new Uint8Array(body),
    });
  // HAProxy ends the client's connection when the server has just ended its own, which was idle. If that made a
  // profile, another is refused.
  const response = await send().catch((error) => {
    if (error.cause?.code !== 'UND_ERR_SOCKET') throw error;
    return send();
  });
  return { status: response.status, body: await response.json() };
}
