import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import { ChatError, ERROR_CODES, type ErrorCode } from '../../src/chat/errors.js';
import { ask, CHUNKED, chunk, HOST, head } from '../conformance/http/case.js';
import { Peer } from '../conformance/http/peer.js';
import { until } from '../support/wait.js';
import { OF_TLS, type ProxyName, sampleOf, TestProxy } from './proxy.js';
import { upstream } from './relay.js';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket'];
/** The example of RFC 6455, 1.3. */
const ASKED = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
const ACCEPTED = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
/** Of HTTP/2 without being asked (RFC 9113, 3.4), and empty SETTINGS. */
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';
const SILENT_MS_MAX = 120_000;

/** What a proxy does about a server that is not well. */
export function faults(name: ProxyName): void {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  /** A proxy before a server that ends the connection when the first request, or a later one, is there. */
  async function unlucky(after = 0): Promise<{ url: string; port: number; seen: string[] }> {
    const seen: string[] = [];
    const server = await upstream((request, socket) => {
      const isCheck = request.includes(' /readyz ');
      if (isCheck || seen.push(request.split(' ', 1)[0] ?? '') !== after + 1) socket.write(OK);
      else socket.destroy();
    });
    const proxy = await TestProxy.start(name, server.port);
    ends.push(() => proxy.stop(), server.close);
    return { url: proxy.url, port: proxy.port, seen };
  }

  it('asks again what changes nothing, when the server ends the connection', async () => {
    const { url, seen } = await unlucky();
    expect((await fetch(`${url}/api/v1/user`)).status).toBe(200);
    expect(seen).toEqual(['GET', 'GET']);
  });

  it.each([
    ['POST', '/api/v1/group'],
    ['POST', '/api/v1/group/1/add'],
    ['DELETE', '/api/v1/group/1/delete'],
  ])('never sends a %s of %s twice, and says that its outcome is not known', async (method, path) => {
    const { url, seen } = await unlucky();
    const answer = await fetch(url + path, { method, body: '{}' });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ status: 'error', code: 'timeout' });
    expect((await fetch(`${url}/api/v1/user`)).status).toBe(200);
    expect(seen).toEqual([method, 'GET']);
  });

  it.each(['POST', 'DELETE'])('never sends a %s twice on connections that had a request', async (method) => {
    const { port, seen } = await unlucky(1);
    const peer = await Peer.open(port, true);
    peer.write(head('GET /first HTTP/1.1', HOST));
    await peer.hears(1);
    peer.write(`${head(`${method} /second HTTP/1.1`, HOST, 'Content-Length: 2')}{}`);
    await peer.hears(2);
    const statuses = peer.answers.map(({ status }) => status);
    peer.cut();
    // HAProxy says it by the end of the connection.
    expect(statuses).toEqual(name === 'nginx' ? [200, 503] : [200]);
    const after = await Peer.open(port, true);
    after.write(head('GET /third HTTP/1.1', HOST));
    await after.hears(1);
    after.cut();
    expect(seen).toEqual(['GET', method, 'GET']);
  });

  it('speaks no HTTP/2, in which a body says nothing of fields after it', async () => {
    const server = await upstream((_request, socket) => socket.write(OK));
    const proxy = await TestProxy.start(name, server.port);
    ends.push(() => proxy.stop(), server.close);
    expect(await agreed(proxy.port)).not.toBe('h2');
    const peer = await Peer.open(proxy.port, true);
    peer.write(PREFACE);
    await peer.end();
    expect(peer.answers.map(({ status }) => status)).toEqual([expect.toBeOneOf([400, 505])]);
  });

  it('lets nothing follow fields after the last chunk, of which a server may make a request', async () => {
    const seen = new Map<Socket, string>();
    const server = await upstream((bytes, socket) => {
      seen.set(socket, (seen.get(socket) ?? '') + bytes);
      // A body comes with its length, or with its fields.
      if (/ \/(after|readyz|tail) [\s\S]*\r\n\r\n$|\r\n\r\nx$/.test(bytes)) socket.write(OK);
    });
    const proxy = await TestProxy.start(name, server.port);
    ends.push(() => proxy.stop(), server.close);
    const peer = await Peer.open(proxy.port, true);
    const tail = 'xx: /tail HTTP/1.1\r\nhost: parley\r\n\r\n';
    for (let round = 1; round <= 5; round++) {
      peer.write(`${ask('POST /chunks', CHUNKED)}${chunk('x')}0\r\n${tail}`);
      await peer.hears(2 * round - 1);
      peer.write(ask('GET /after'));
      await peer.hears(2 * round);
    }
    peer.cut();
    expect(peer.answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    const tails = [...seen.values()].filter((text) => text.includes('/tail'));
    expect(tails.filter((text) => !text.endsWith(tail))).toEqual([]);
  });

  it('says in the server’s form that the server is away, and logs no query', async () => {
    const server = await upstream(() => undefined);
    server.close();
    const proxy = await TestProxy.start(name, server.port);
    ends.push(() => proxy.stop());
    const answer = await fetch(`${proxy.url}/api/v1/away?access_token=nobody-may-see-this`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.get('strict-transport-security')).toBe(OF_TLS);
    expect(['timeout', 'unavailable']).toContain(((await answer.json()) as { code: string }).code);
    await until(() => proxy.log.includes('/api/v1/away'));
    expect(proxy.log).not.toContain('nobody-may-see-this');
  });

  it('gives its refusals in the server’s own words', () => {
    const own = [...sampleOf(name).matchAll(/'(\{"status":"error".*?\})'/g)].map(([, body]) =>
      JSON.parse(body ?? ''),
    );
    expect(own.length).toBeGreaterThanOrEqual(2);
    for (const { code, error } of own) {
      expect(ERROR_CODES).toContain(code);
      expect(error).toBe(new ChatError(code as ErrorCode).message);
    }
  });

  it('waits on a silent socket longer than the server, which asks after two minutes', () => {
    const setting = name === 'nginx' ? /proxy_read_timeout (\d+)s;/ : /timeout tunnel (\d+)s/;
    expect(Number(setting.exec(sampleOf(name))?.[1]) * 1000).toBeGreaterThan(SILENT_MS_MAX * 2);
  });

  it('cuts a silent socket by that setting, and by no other', async () => {
    const from = name === 'nginx' ? 'proxy_read_timeout 300s' : 'timeout tunnel 300s';
    const server = await upstream((request, socket) => {
      if (request.includes(' /readyz ')) socket.write(OK);
      else socket.write(head('HTTP/1.1 101 Switching Protocols', ...UPGRADE, ACCEPTED));
    });
    const proxy = await TestProxy.start(name, server.port, [[from, from.replace('300s', '1s')]]);
    ends.push(() => proxy.stop(), server.close);
    const peer = await Peer.open(proxy.port, true);
    peer.write(head('GET / HTTP/1.1', HOST, ...UPGRADE, ...ASKED));
    await peer.hears(1);
    await peer.end();
    expect(peer.answers.map(({ status }) => status)).toEqual([101]);
  });
}

/** What a proxy takes of HTTP/2 and HTTP/1.1, when a client offers both. */
function agreed(port: number): Promise<string | false | null> {
  return new Promise((resolve, reject) => {
    const offers = { ALPNProtocols: ['h2', 'http/1.1'], rejectUnauthorized: false };
    const socket = connect({ port, host: '127.0.0.1', ...offers }, () => {
      resolve(socket.alpnProtocol);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
