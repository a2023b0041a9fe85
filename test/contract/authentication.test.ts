import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestServer } from '../support/server.js';
import { ask, expectRefusal, join, stopUnharmed, workerOf } from '../support/strict.js';
import { forge, nowSeconds, respelt, sign } from '../support/tokens.js';
import { until } from '../support/wait.js';

let server: TestServer;
let id: number;
beforeAll(async () => {
  server = await TestServer.shared();
  id = (await join(server, 'Alice')).id;
});
afterAll(() => stopUnharmed(server));

const me = (headers: Record<string, string>) => ask(server, 'GET', '/api/v1/user', { headers });

async function passes(token: string): Promise<void> {
  const answer = await me({ authorization: `Bearer ${token}` });
  expect([answer.status, answer.body.id]).toEqual([200, id]);
}

async function isRefused(token: string): Promise<void> {
  const answer = await me({ authorization: `Bearer ${token}` });
  expectRefusal(answer, 401, 'unauthorized');
  expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer\b/);
}

describe('a request without a valid token', () => {
  it.each([
    ['no header', {}],
    ['an empty header', { authorization: '' }],
    ['another scheme', { authorization: 'Basic YWxpY2U6c2VjcmV0' }],
    ['no token', { authorization: 'Bearer' }],
    ['no token after the scheme', { authorization: 'Bearer ' }],
    ['what is no token', { authorization: 'Bearer abc' }],
    ['what looks like one', { authorization: 'Bearer a.b.c' }],
  ])('is 401 with WWW-Authenticate: %s', async (_what, headers: Record<string, string>) => {
    const answer = await me(headers);
    expectRefusal(answer, 401, 'unauthorized');
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer\b/);
  });

  it('is 401 with the token in the wrong place', async () => {
    const token = await sign({ sub: id });
    await isRefused(`${token} ${token}`);
    expect((await me({ authorization: token })).status).toBe(401);
    expect((await me({ 'x-access-token': token })).status).toBe(401);
    expect((await me({ cookie: `access_token=${token}` })).status).toBe(401);
    expect((await ask(server, 'GET', `/api/v1/user?access_token=${token}`)).status).toBe(401);
  });

  it.each([
    ['an unknown path', 'GET', '/nothing'],
    ['a method that the path does not take', 'PUT', '/user'],
    ['a bad id', 'GET', '/user/abc'],
    ['a bad query', 'GET', '/chats?limit=x'],
    ['a plain GET on a WebSocket path', 'GET', '/main'],
    ['a body that is not JSON', 'POST', '/user'],
  ])('is 401 before any other check: %s', async (_what, method, path) => {
    const answer = await ask(server, method, `/api/v1${path}`, method === 'POST' ? { body: '{' } : {});
    expectRefusal(answer, 401, 'unauthorized');
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer\b/);
  });
});

describe('the scheme', () => {
  it('is Bearer in any letters', async () => {
    const token = await sign({ sub: id });
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      expect((await me({ authorization: `${scheme} ${token}` })).status).toBe(200);
    }
  });
});

describe('a signature', () => {
  it('passes with HS256 and the secret', async () => {
    await passes(await sign({ sub: id }));
    await passes(forge({ alg: 'HS256' }, { sub: id }));
    await passes(forge({ alg: 'HS256', typ: 'JWT', kid: 'any' }, { sub: id }));
  });

  it.each([
    ['jku', 'https://elsewhere.example/keys'],
    ['jwk', { kty: 'oct', k: Buffer.from('x'.repeat(32)).toString('base64url') }],
    ['x5u', 'https://elsewhere.example/chain'],
    ['x5c', ['MIIB']],
  ])('says all, whatever key the header %s brings or names', async (name, value) => {
    const header = { alg: 'HS256', [name]: value };
    for (let time = 0; time < 2; time++) {
      await passes(forge(header, { sub: id, jti: time }));
      await isRefused(forge(header, { sub: id, jti: time }, 'x'.repeat(32)));
    }
  });

  it('is refused with another secret', async () => {
    await isRefused(await sign({ sub: id }, 'HS256', 'another secret, which is long enough as well'));
    await isRefused(await sign({ sub: id }, 'HS256', `${SECRET}x`));
    await isRefused(await sign({ sub: id }, 'HS256', SECRET.slice(0, -1)));
  });

  it('is refused with another algorithm, though the secret is right', async () => {
    await isRefused(await sign({ sub: id }, 'HS384', SECRET));
    await isRefused(await sign({ sub: id }, 'HS512', SECRET));
    await isRefused(forge({ alg: 'HS512' }, { sub: id }));
    await isRefused(forge({ alg: 'RS256' }, { sub: id }));
    await isRefused(forge({ alg: 'hs256' }, { sub: id }));
  });

  it('is refused when the algorithm is none', async () => {
    for (const alg of ['none', 'None', 'NONE', '']) {
      await isRefused(forge({ alg }, { sub: id }, ''));
      await isRefused(forge({ alg }, { sub: id }));
    }
    await isRefused(forge({}, { sub: id }));
  });

  it('is refused in another spelling, so that each token is one text', async () => {
    const token = await sign({ sub: id });
    for (const spelling of [`${token}=`, respelt(token)]) await isRefused(spelling);
    await passes(token);
    for (const spelling of [`${token}=`, respelt(token)]) await isRefused(spelling);
  });

  it('is refused for claims that it was not made for', async () => {
    const [header, , signature] = (await sign({ sub: id })).split('.');
    const claims = Buffer.from(JSON.stringify({ sub: id + 1 })).toString('base64url');
    await isRefused(`${header}.${claims}.${signature}`);
    await isRefused(`${header}.${Buffer.from(JSON.stringify({ sub: id })).toString('base64url')}.`);
  });

  it('is refused with a critical header that the server does not know', async () => {
    await isRefused(forge({ alg: 'HS256', crit: ['b'], b: true }, { sub: id }));
  });

  it('is refused around what is no object', async () => {
    for (const payload of ['', '[]', '1', 'null', '"x"', '{']) {
      await isRefused(forge({ alg: 'HS256' }, payload));
    }
  });
});

describe('exp and nbf', () => {
  it('are checked', async () => {
    await passes(await sign({ sub: id, exp: nowSeconds() + 60, nbf: nowSeconds() - 60 }));
    await isRefused(await sign({ sub: id, exp: nowSeconds() - 60 }));
    await isRefused(await sign({ sub: id, nbf: nowSeconds() + 60 }));
  });

  it('have a leeway of 30 s unless a setting says otherwise, and no more', async () => {
    // Each is made anew for every try: on a busy machine one may be too old when it comes to be looked at.
    const statusOf = async (claims: object) =>
      (await me({ authorization: `Bearer ${await sign({ sub: id, ...claims })}` })).status;
    await until(async () => (await statusOf({ exp: nowSeconds() - 27 })) === 200);
    await until(async () => (await statusOf({ nbf: nowSeconds() + 28 })) === 200);
    await until(async () => (await statusOf({ nbf: nowSeconds() + 34 })) === 401);
    await isRefused(await sign({ sub: id, exp: nowSeconds() - 32 }));
  });

  it('may be absent', async () => {
    await passes(await sign({ sub: id, exp: undefined }));
  });

  it('may be far away, but no farther than a clock in seconds goes', async () => {
    for (const exp of [2 ** 31, 4e9, 253_402_300_799]) await passes(await sign({ sub: id, exp }));
    for (const exp of [Date.now() + 60_000, 1e15, 1e300]) await isRefused(await sign({ sub: id, exp }));
    await isRefused(forge({ alg: 'HS256' }, `{"sub":${id},"exp":1e999}`));
    await isRefused(await sign({ sub: id, nbf: Date.now() - 60_000 }));
  });

  it('may be fractions', async () => {
    await passes(await sign({ sub: id, exp: nowSeconds() + 60.5, nbf: nowSeconds() - 0.5 }));
    await isRefused(await sign({ sub: id, exp: nowSeconds() - 60.5 }));
  });

  it('must be numbers', async () => {
    for (const value of ['9999999999', null, true, {}]) {
      await isRefused(forge({ alg: 'HS256' }, { sub: id, exp: value }));
      await isRefused(forge({ alg: 'HS256' }, { sub: id, nbf: value }));
    }
  });

  it('end a token that was taken before', async () => {
    const status = async (token: string) => (await me({ authorization: `Bearer ${token}` })).status;
    const { token, exp } = await until(async () => {
      const exp = nowSeconds() - 27;
      const token = await sign({ sub: id, exp });
      return (await status(token)) === 200 && { token, exp };
    });
    await until(async () => (await status(token)) === 401);
    expect(Date.now()).toBeGreaterThanOrEqual((exp + 30) * 1000);
    const workers = new Set<string>();
    for (let n = 0; n < 20; n++) {
      const answer = await me({ authorization: `Bearer ${token}`, connection: 'close' });
      expect(answer.status).toBe(401);
      workers.add(workerOf(answer));
    }
    expect(workers.size).toBe(2);
  });
});
