import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { live, wsUrl } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import { TestSocket } from '../support/socket.js';
import { ask, expectRefusal, join, type StrictUser, stopUnharmed } from '../support/strict.js';

const ALLOWED = ['https://chat.example', 'http://localhost:3000'] as const;
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
  'https://chat.example, https://evil.example',
  'null',
  '*',
];

let server: TestServer;
let alice: StrictUser;
beforeAll(async () => {
  server = await TestServer.start({ workers: 2, env: { ALLOWED_ORIGINS: ALLOWED.join(',') } });
  alice = await join(server, 'Alice');
});
afterAll(() => stopUnharmed(server));

const preflight = (origin: string) =>
  ask(server, 'OPTIONS', '/api/v1/chats', { headers: { origin, 'access-control-request-method': 'GET' } });

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
      expect(headers.get('access-control-expose-headers')).toBe('Retry-After, X-Request-Id');
      expect(headers.get('vary')).toBe('Origin');
    }
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
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('vary')).toBe('Origin');
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
