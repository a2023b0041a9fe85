import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RefusalReason } from '../../src/server/auth/token-refusal.js';
import { wsUrl } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import { TestSocket } from '../support/socket.js';
import { ask, expectRefusal, stopUnharmed } from '../support/strict.js';
import { forge, forgeLong, nowSeconds, sign } from '../support/tokens.js';
import { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

const ISSUER = 'https://login.example';
const GOOD = { sub: 1, iss: ISSUER, aud: 'chat', exp: nowSeconds() + 3600 };
const HS256 = { alg: 'HS256' };
const FAILED_LOGINS_MAX = 5;

let server: TestServer;
let bob: TestUser;
beforeAll(async () => {
  server = await TestServer.start({
    workers: 1,
    env: {
      LOG_LEVEL: 'debug',
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: 'chat',
      JWT_REQUIRE_EXP: 'true',
      FAILED_LOGINS_PER_MINUTE_PER_ADDRESS_MAX: String(FAILED_LOGINS_MAX),
      TRUST_PROXY: 'loopback',
    },
  });
  bob = new TestUser(server.url, await sign({ ...GOOD, sub: 7 }), 7, 'Bob');
  await bob.createProfile();
});
afterAll(() => stopUnharmed(server));

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly requestId?: string;
  readonly userId?: number;
  readonly reason: RefusalReason;
  readonly why: string;
  readonly refused: Partial<Record<RefusalReason, number>>;
}

const linesOf = (msg: string) =>
  (server.logOf('worker 1') as unknown as Line[]).filter((line) => line.msg === msg);
const lineOf = (requestId: string | null) =>
  until(() => linesOf('a token was refused').find((line) => line.requestId === requestId));

let addresses = 0;
/** Each is one of a client that has not failed before. */
const from = () => ({ 'x-forwarded-for': `203.0.113.${addresses++}` });

const tokens: [RefusalReason, string, () => string | Promise<string>][] = [
  ['malformed', 'it is not a JWT (Invalid Compact JWS)', () => 'a.b'],
  ['malformed', 'its claim iat is not a number', () => sign({ ...GOOD, iat: 'today' })],
  ['too_long', 'it has more than 12288 characters', () => forgeLong(12_289, GOOD)],
  ['algorithm_not_allowed', 'its algorithm is not one of HS256', () => forge({ alg: 'RS256' }, GOOD)],
  [
    'critical_header',
    'its header has crit, which no token may bring',
    () => forge({ ...HS256, crit: ['b'], b: 1 }, GOOD),
  ],
  ['bad_signature', 'its signature was not made with the key of this server', () => forge(HS256, GOOD, 'x')],
  ['expired', 'it expired at 2001-09-09T01:46:40.000Z', () => sign({ ...GOOD, exp: 1e9 })],
  ['not_yet_valid', 'it is not valid before 2096-10-02T07:06:40.000Z', () => sign({ ...GOOD, nbf: 4e9 })],
  [
    'not_in_seconds',
    'its claim exp is 1900000000000, which is no time in seconds, but as it seems one in milliseconds',
    () => sign({ ...GOOD, exp: 19e11 }),
  ],
  ['no_expiry', 'it has no claim exp', () => sign({ ...GOOD, exp: undefined })],
  [
    'wrong_issuer',
    'its claim iss is "https://login.example/", and must be "https://login.example" (the slash at the end makes a difference)',
    () => sign({ ...GOOD, iss: `${ISSUER}/` }),
  ],
  [
    'wrong_audience',
    `its claim aud is ["account","${'x'.repeat(188)}, and must be "chat"`,
    () => sign({ ...GOOD, aud: ['account', 'x'.repeat(500)] }),
  ],
  ['no_user', 'its claim sub names no user', () => sign({ ...GOOD, sub: undefined })],
];

describe('the reason of a refusal is in the log at debug, and the client hears of none', () => {
  it.each(tokens)('%s: %s', async (reason, why, token) => {
    const answer = await ask(server, 'GET', '/api/v1/user', { token: await token(), headers: from() });
    expectRefusal(answer, 401, 'unauthorized');
    expect(answer.body.error).toBe('A valid bearer token is required.');
    expect(answer.body.details).toBeUndefined();
    expect(await lineOf(answer.headers.get('x-request-id'))).toMatchObject({ level: 'debug', reason, why });
  });

  it.each([
    ['no header', {}],
    ['another scheme', { authorization: 'Basic YTpi' }],
    ['no scheme', { authorization: 'a.b.c' }],
  ])('missing: %s', async (_what, headers: Record<string, string>) => {
    const answer = await ask(server, 'GET', '/api/v1/user', { headers });
    expectRefusal(answer, 401, 'unauthorized');
    const why = 'the request has no `Authorization: Bearer <token>`';
    expect(await lineOf(answer.headers.get('x-request-id'))).toMatchObject({ reason: 'missing', why });
  });

  it('bad_link: of a link to a photo', async () => {
    const path = '/api/v1/user/7/photo?viewer=7&expires=9999999999&signature=x';
    const answer = await ask(server, 'GET', path, { headers: from() });
    expectRefusal(answer, 401, 'unauthorized');
    const why = 'it is no link of this server to this photo, or has ended';
    expect(await lineOf(answer.headers.get('x-request-id'))).toMatchObject({ reason: 'bad_link', why });
  });

  it('of an upgrade, with a status or a close code', async () => {
    const token = await sign({ ...GOOD, exp: 1e9 });
    const { status, headers } = await TestSocket.refused(wsUrl(bob, '/main'), {
      headers: { authorization: `Bearer ${token}`, ...from() },
    });
    expect(status).toBe(401);
    expect(await lineOf(headers.get('x-request-id'))).toMatchObject({ reason: 'expired' });
    const before = linesOf('a token was refused').length;
    const socket = await TestSocket.open(wsUrl(bob, '/main'), { headers: from() }, ['chat.v1', 'bearer.a.b']);
    expect(await socket.closed()).toMatchObject({ code: 4401 });
    const last = await until(() => linesOf('a token was refused')[before]);
    expect(last).toMatchObject({ reason: 'malformed', requestId: expect.any(String) });
    const without = await TestSocket.refused(wsUrl(bob, '/main'));
    expect(await lineOf(without.headers.get('x-request-id'))).toMatchObject({ reason: 'missing' });
  });

  it('of an `auth` frame, with the user of its socket', async () => {
    const socket = await bob.connect('/main');
    const before = linesOf('a token was refused').length;
    socket.send({ type: 'auth', token: await sign({ ...GOOD, exp: 1e9 }) });
    socket.send({ type: 'auth', token: await sign({ ...GOOD, sub: 8 }) });
    const lines = await until(() => {
      const all = linesOf('a token was refused').slice(before);
      return all.length === 2 && all;
    });
    expect(lines.map(({ reason, userId }) => [reason, userId])).toEqual([
      ['expired', 7],
      ['other_user', 7],
    ]);
    await socket.close();
  });

  it('also when the client hears of too many failed logins instead', async () => {
    const headers = from();
    const token = await sign({ ...GOOD, iss: 'other' });
    for (let failed = 0; failed < FAILED_LOGINS_MAX; failed++)
      expectRefusal(await ask(server, 'GET', '/api/v1/user', { token, headers }), 401, 'unauthorized');
    const answer = await ask(server, 'GET', '/api/v1/user', { token, headers });
    expectRefusal(answer, 429, 'rate_limited');
    expect(await lineOf(answer.headers.get('x-request-id'))).toMatchObject({ reason: 'wrong_issuer' });
  });
});

it('the refusals are counted by their reasons at warn, all of them by the time the server stops', async () => {
  await until(() => linesOf('tokens were refused').length > 0);
  await server.end();
  const told: Partial<Record<string, number>> = {};
  for (const { level, refused } of linesOf('tokens were refused')) {
    expect(level).toBe('warn');
    for (const [reason, count] of Object.entries(refused)) told[reason] = (told[reason] ?? 0) + count;
  }
  const each: Partial<Record<string, number>> = {};
  for (const { reason } of linesOf('a token was refused')) each[reason] = (each[reason] ?? 0) + 1;
  expect(told).toEqual(each);
  expect(told).toMatchObject({ missing: 4, malformed: 3, wrong_issuer: 2 + FAILED_LOGINS_MAX });
});
