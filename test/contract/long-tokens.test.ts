import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wsUrl } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import { TestSocket } from '../support/socket.js';
import { ask, expectRefusal, stopUnharmed } from '../support/strict.js';
import { forgeLong, nowSeconds } from '../support/tokens.js';
import type { TestUser } from '../support/user.js';

const LONGEST = 12_288;
/** What a browser may send beside the token. */
const COOKIES = `theme=dark; visited=${'x'.repeat(16 * 1024)}`;

let server: TestServer;
let alice: TestUser;
let longest: string;
let tooLong: string;
beforeAll(async () => {
  server = await TestServer.start({ workers: 1, env: { AUTH_QUERY_TOKEN: 'true' } });
  alice = await server.user('Alice');
  longest = tokenOf(LONGEST);
  tooLong = tokenOf(LONGEST + 1);
});
afterAll(() => stopUnharmed(server));

const tokenOf = (characters: number, claims: object = {}) =>
  forgeLong(characters, { sub: alice.id, iat: nowSeconds() - 60, exp: nowSeconds() + 600, ...claims });

/** What opens a socket with a token. */
const carriers: [string, (token: string, cookie?: string) => Promise<TestSocket>][] = [
  [
    'the header',
    (token, cookie) =>
      TestSocket.open(wsUrl(alice, '/main'), {
        headers: { authorization: `Bearer ${token}`, ...only(cookie) },
      }),
  ],
  [
    'the subprotocol',
    (token, cookie) =>
      TestSocket.open(wsUrl(alice, '/main'), { headers: only(cookie) }, ['chat.v1', `bearer.${token}`]),
  ],
  [
    'the query',
    (token, cookie) =>
      TestSocket.open(wsUrl(alice, `/main?access_token=${token}`), { headers: only(cookie) }, ['chat.v1']),
  ],
];

function only(cookie: string | undefined): Record<string, string> {
  return cookie === undefined ? {} : { cookie };
}

describe('a token of 12 KiB', () => {
  it('is taken from a request, for the first time and again, beside many cookies', async () => {
    for (const headers of [{}, { cookie: COOKIES }]) {
      const { status, body } = await ask(server, 'GET', '/api/v1/user', { token: longest, headers });
      expect([status, body.id]).toEqual([200, alice.id]);
    }
  });

  it.each(carriers)('opens a socket from %s, beside many cookies', async (_what, open) => {
    for (const cookie of [undefined, COOKIES]) {
      const socket = await open(longest, cookie);
      socket.send({ type: 'message', text: 'not here' });
      expect(await socket.nextOf('error')).toMatchObject({ code: 'unknown_type' });
      await socket.close();
    }
  });

  it('renews a socket from an `auth` frame', async () => {
    const socket = await alice.connect('/main');
    socket.send({ type: 'auth', token: tokenOf(LONGEST, { jti: 'next' }) });
    socket.send({ type: 'message', text: 'not here' });
    expect(await socket.nextOf('error')).toMatchObject({ code: 'unknown_type' });
    await socket.close();
  });
});

describe('a longer token', () => {
  it('is 401', async () => {
    expectRefusal(await ask(server, 'GET', '/api/v1/user', { token: tooLong }), 401, 'unauthorized');
  });

  it.each(carriers.slice(1))('is 4401 from %s', async (_what, open) => {
    expect(await (await open(tooLong)).closed()).toMatchObject({ code: 4401 });
  });

  it('is refused from an `auth` frame', async () => {
    const socket = await alice.connect('/main');
    socket.send({ type: 'auth', token: tooLong });
    expect(await socket.nextOf('error')).toMatchObject({ code: 'unauthorized' });
    await socket.close();
  });
});
