import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { live, wsUrl } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import { TestSocket } from '../support/socket.js';
import { ask, expectRefusal, join, StrictUser, stopUnharmed } from '../support/strict.js';

const ENTRIES = [
  'https://chat.example',
  'http://localhost:3000',
  'https://*.team.example',
  'capacitor://localhost',
  'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
];
const ALLOWED = ENTRIES.map((entry) => entry.replace('*', 'a'));
const REFUSED = [
  'https://evil.example',
  'https://chat.example.evil.example',
  'https://evilchat.example',
  'https://sub.chat.example',
  'http://chat.example',
  'https://chat.example:8443',
  'https://chat.example:443',
  'https://chat.example/',
  'HTTPS://CHAT.EXAMPLE',
  'http://localhost',
  'https://*.team.example',
  'https://team.example',
  'https://a.b.team.example',
  'https://a.team.example.evil.example',
  'capacitor://evil',
  'chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba',
  'file://',
  'https://chat.example, https://evil.example',
  'null',
  '*',
];

let server: TestServer;
let alice: StrictUser;
beforeAll(async () => {
  server = await TestServer.start({ workers: 1, env: { ALLOWED_ORIGINS: ENTRIES.join(',') } });
  alice = await join(server, 'Alice');
});
afterAll(() => stopUnharmed(server));

/** What a browser asks when a page's tracing library adds its headers. */
const preflight = (origin: string, path = '/api/v1/chats') =>
  ask(server, 'OPTIONS', path, {
    headers: {
      origin,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization,baggage,cache-control,sentry-trace,x-requested-with',
    },
  });

describe('with ALLOWED_ORIGINS, a page of one of them', () => {
  it.each(ALLOWED)('may ask, and read every answer: %s', async (origin) => {
    const answers = [
      await preflight(origin),
      await alice.send('GET', '/user', undefined, { origin }),
      await alice.send('GET', '/user/abc', undefined, { origin }),
      await ask(server, 'GET', '/api/v1/user', { headers: { origin } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([204, 200, 400, 401]);
    for (const { headers } of answers) {
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('access-control-expose-headers')).toBe('ETag, Retry-After, X-Request-Id');
      expect(headers.get('vary')).toMatch(/(^|, )Origin$/);
    }
  });

  it.each(['/api/v1/chats', '/healthz'])('may send what headers it likes to %s', async (path) => {
    const { status, headers } = await preflight('https://a.team.example', path);
    expect([status, Object.fromEntries(headers)]).toMatchObject([
      204,
      {
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers':
          'Authorization, Content-Type, baggage, cache-control, sentry-trace, x-requested-with',
        'access-control-max-age': '86400',
        vary: 'Access-Control-Request-Headers, Origin',
      },
    ]);
  });

  it.each(ALLOWED)('may open sockets: %s', async (origin) => {
    const socket = await alice.connect('/main', { origin });
    await socket.close();
    const browsing = await TestSocket.open(wsUrl(alice, '/main'), { origin }, [
      'chat.v1',
      `bearer.${alice.token}`,
    ]);
    expect(browsing.protocol).toBe('chat.v1');
    expect(await browsing.close()).toMatchObject({ code: 1005 });
  });
});

describe('with ALLOWED_ORIGINS, a page of any other origin', () => {
  it.each(REFUSED)('may read nothing: %s', async (origin) => {
    const answers = [
      await preflight(origin),
      await alice.send('GET', '/user', undefined, { origin }),
      await ask(server, 'GET', '/api/v1/user', { headers: { origin } }),
    ];
    for (const { headers } of answers) {
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
      expect(headers.get('vary')).toMatch(/(^|, )Origin$/);
    }
  });

  it.each(
    REFUSED,
  )('is refused an upgrade with 403, and as a browser closed with 4403: %s', async (origin) => {
    const options = { headers: { origin, authorization: `Bearer ${alice.token}` } };
    expectRefusal(await TestSocket.refused(wsUrl(alice, '/main'), options), 403, 'origin_not_allowed');
    const browsing = await TestSocket.open(wsUrl(alice, '/main'), { headers: { origin } }, [
      'chat.v1',
      `bearer.${alice.token}`,
    ]);
    expect(await browsing.closed()).toEqual({ code: 4403, reason: 'origin_not_allowed' });
    expect(browsing.frames).toEqual([]);
  });

  it('without a token hears of that first', async () => {
    const options = { headers: { origin: 'null' } };
    expectRefusal(await TestSocket.refused(wsUrl(alice, '/main'), options), 401, 'unauthorized');
  });
});

it('with ALLOWED_ORIGINS, what is no browser sends no Origin and passes', async () => {
  const bob = await join(server, 'Bob');
  const answer = await alice.get('/user');
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, null]);
  const socket = await live(alice, `/chat/${await alice.chatWith(bob)}`);
  await socket.close();
});

/** Whether a page of this origin may read an answer, and open a socket. */
async function mayUse(user: StrictUser, origin: string, more: Readonly<Record<string, string>> = {}) {
  const headers = { origin, ...more };
  const answer = await user.send('GET', '/user', undefined, headers);
  const reads = answer.headers.get('access-control-allow-origin') === origin;
  const protocols = ['chat.v1', `bearer.${user.token}`];
  const socket = await TestSocket.open(wsUrl(user, '/main'), { headers }, protocols);
  socket.send({ type: 'ping' });
  const heard = await socket.next().catch(() => socket.closed());
  if ('type' in heard) await socket.close();
  return { reads, heard };
}
const YES = { reads: true, heard: { type: 'pong' } };
const NO = { reads: false, heard: { code: 4403, reason: 'origin_not_allowed' } };

describe('with ALLOWED_ORIGINS, a page of the server itself, or an app that calls itself so,', () => {
  it('may use the server, by the name that the client calls it', async () => {
    const { port } = server;
    expect(await mayUse(alice, `http://127.0.0.1:${port}`)).toEqual(YES);
    expect(await mayUse(alice, `ws://127.0.0.1:${port}`)).toEqual(YES);
    expect(await mayUse(alice, `http://localhost:${port}`)).toEqual(NO);
    const local = new StrictUser(`http://localhost:${port}`, alice.token, alice.id, alice.name);
    expect(await mayUse(local, `http://localhost:${port}`)).toEqual(YES);
    expect(await mayUse(local, `http://LocalHost:${port}`)).toEqual(YES);
  });

  it('may not when only the host is the same', async () => {
    for (const origin of [`https://127.0.0.1:${server.port}`, 'http://127.0.0.1', 'http://127.0.0.1:80'])
      expect(await mayUse(alice, origin)).toEqual(NO);
  });

  it('is not known by what a client says that it forwards', async () => {
    const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' };
    expect(await mayUse(alice, 'https://evil.example', forwarded)).toEqual(NO);
  });

  describe('behind a proxy', () => {
    let behind: TestServer;
    let bob: StrictUser;
    beforeAll(async () => {
      const env = { ALLOWED_ORIGINS: 'https://other.example', TRUST_PROXY: 'loopback' };
      behind = await TestServer.start({ workers: 1, env });
      bob = await join(behind, 'Bob');
    });
    afterAll(() => stopUnharmed(behind));

    it('may use it by the scheme and the host that the proxy forwards', async () => {
      const scheme = { 'x-forwarded-proto': 'https' };
      const both = { ...scheme, 'x-forwarded-host': 'chat.example' };
      expect(await mayUse(bob, 'https://chat.example', both)).toEqual(YES);
      expect(await mayUse(bob, 'https://chat.example:443', both)).toEqual(YES);
      expect(await mayUse(bob, 'http://chat.example', both)).toEqual(NO);
      expect(await mayUse(bob, `https://127.0.0.1:${behind.port}`, scheme)).toEqual(YES);
      expect(await mayUse(bob, `http://127.0.0.1:${behind.port}`)).toEqual(YES);
      expect(await mayUse(bob, `http://127.0.0.1:${behind.port}`, both)).toEqual(NO);
    });
  });
});
