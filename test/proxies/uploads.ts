import { afterEach, expect, it } from 'vitest';
import { UPLOADS_AT_A_TIME_MAX } from '../../src/server/limits/admission.js';
import { CHUNKED, chunk, HOST, head } from '../conformance/http/case.js';
import { Peer } from '../conformance/http/peer.js';
import { until } from '../support/wait.js';
import { OF_TLS, sampleOf, TestProxy } from './proxy.js';
import { upstream } from './relay.js';

const MIB = 1024 * 1024;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const OF_TLS_LINE = /^strict-transport-security: .*$/gim;
const TAKES_PHOTOS = ['/api/v1/user', '/api/v1/group'];
const TAKES_NONE = ['/', '/api/v1/nothing', '/api/v1/group/1/add', '/api/v1/user/1', '/api/v1/groups'];

/** What a proxy that takes bodies whole, before anybody saw a token, takes. */
export function uploads(): void {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  /** The proxy before a server that takes everything; `seen` are the paths that came there. */
  async function open(): Promise<{ port: number; seen: Set<string> }> {
    const seen = new Set<string>();
    const server = await upstream((bytes, socket) => {
      const path = /^\w+ (\S+) HTTP\/1\.1\r\n/.exec(bytes)?.[1];
      if (path === undefined) return;
      seen.add(path);
      socket.write(OK);
    });
    const proxy = await TestProxy.start('nginx', server.port);
    ends.push(() => proxy.stop(), server.close);
    return { port: proxy.port, seen };
  }

  /** A client that sends a head, and as much of a body. */
  async function sends(port: number, head: string, body = ''): Promise<Peer> {
    const peer = await Peer.open(port, true);
    ends.push(() => peer.cut());
    peer.write(head + body);
    return peer;
  }

  async function answerOf(peer: Peer): Promise<{ status: number; head: string; body: string }> {
    await peer.hears(1);
    return peer.answers[0] ?? { status: 0, head: '', body: '' };
  }

  const post = (path: string, ...fields: readonly string[]) => head(`POST ${path} HTTP/1.1`, HOST, ...fields);

  it.each(TAKES_NONE)('takes a body of 1 MiB and no more at %s', async (path) => {
    const { port, seen } = await open();
    const asked = post(path, `Content-Length: ${2 * MIB}`);
    const { status, head, body } = await answerOf(await sends(port, asked));
    expect(status).toBe(413);
    expect(JSON.parse(body)).toMatchObject({ code: 'too_large' });
    expect(head.match(OF_TLS_LINE)).toEqual([`Strict-Transport-Security: ${OF_TLS}`]);
    const inChunks = await sends(port, post(path, CHUNKED), chunk('x'.repeat(2 * MIB)));
    expect((await answerOf(inChunks)).status).toBe(413);
    expect([...seen]).toEqual([]);
    const whole = await sends(port, post(path, `Content-Length: ${MIB}`), 'x'.repeat(MIB));
    expect((await answerOf(whole)).status).toBe(200);
    expect([...seen]).toEqual([path]);
  });

  it.each(TAKES_PHOTOS)('takes a body of 11 MiB at %s', async (path) => {
    const { port, seen } = await open();
    const whole = await sends(port, post(path, `Content-Length: ${11 * MIB}`), 'x'.repeat(11 * MIB));
    expect((await answerOf(whole)).status).toBe(200);
    expect([...seen]).toEqual([path]);
  });

  it('takes few large bodies of one address at a time, and anything else meanwhile', async () => {
    const { port, seen } = await open();
    const most = Number(/limit_conn large (\d+);/.exec(sampleOf('nginx'))?.[1]);
    expect(most).toBe(UPLOADS_AT_A_TIME_MAX);
    const large = ['Content-Length: 10000000', CHUNKED];
    const all: Peer[] = [];
    for (const path of TAKES_PHOTOS)
      for (const field of large)
        for (let n = 0; n < most / 2; n++) all.push(await sends(port, post(path, field)));
    const refused = () => all.filter(({ answers }) => answers.length > 0);
    await until(() => refused().length >= most);
    for (const { answers } of refused()) {
      const { status, head, body } = answers[0] ?? { status: 0, head: '', body: '' };
      expect(status).toBe(429);
      expect(JSON.parse(body)).toMatchObject({ code: 'rate_limited', details: { retry_after_ms: 1000 } });
      expect(head).toMatch(/^Retry-After: 1$/im);
      expect(head.match(OF_TLS_LINE)).toEqual([`Strict-Transport-Security: ${OF_TLS}`]);
    }
    expect([...seen]).toEqual([]);
    const others = [
      ...TAKES_PHOTOS.map((path) => head(`GET ${path} HTTP/1.1`, HOST)),
      ...TAKES_PHOTOS.map((path) => `${post(path, 'Content-Length: 2')}{}`),
      ...TAKES_NONE.map((path) => `${post(path, 'Content-Length: 2')}{}`),
      head('GET /api/v1/main HTTP/1.1', HOST, 'Connection: Upgrade', 'Upgrade: websocket'),
    ];
    for (const other of others) expect((await answerOf(await sends(port, other))).status).toBe(200);
    expect(refused()).toHaveLength(most);
    all.find(({ answers }) => answers.length === 0)?.cut();
    await until(async () => {
      const body = 'x'.repeat(2 * MIB);
      const again = await sends(port, post('/api/v1/user', `Content-Length: ${2 * MIB}`), body);
      return (await answerOf(again)).status === 200;
    });
  });
}
