import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyServer, LoginKey } from '../support/key-server.js';
import { TestServer } from '../support/server.js';
import { ask, expectRefusal, stopUnharmed } from '../support/strict.js';
import { forge, respelt } from '../support/tokens.js';
import { until } from '../support/wait.js';

const WORKERS = 1;
const OFTEN = 5;

let login: KeyServer;
let server: TestServer;
const rsa = new LoginKey('rsa', 'RS256');
const ec = new LoginKey('ec', 'ES256');
const ed = new LoginKey('ed', 'EdDSA');
const other = new LoginKey('other', 'ES256');
beforeAll(async () => {
  login = await KeyServer.start();
  login.keys = [rsa.jwk, ec.jwk, ec.jwk, ed.jwk];
  server = await start();
});
afterAll(async () => {
  await stopUnharmed(server);
  await login.stop();
});

function start({ dataDir, url = login.url }: { dataDir?: string; url?: string } = {}): Promise<TestServer> {
  return TestServer.start({
    workers: WORKERS,
    env: { JWT_SECRET: '', JWT_JWKS_URL: url },
    ...(dataDir !== undefined && { dataDir }),
  });
}
/** 404: the token is good, and there is no profile. */
const status = async (token: string, of = server) => (await ask(of, 'GET', '/api/v1/user', { token })).status;
async function always(token: string, expected: number): Promise<void> {
  for (let times = 0; times < OFTEN; times++) expect(await status(token)).toBe(expected);
}

describe('with a JWKS', () => {
  it.each([
    ['RS256', rsa],
    ['ES256', ec],
    ['EdDSA', ed],
  ])('a token of one of them passes: %s', async (_alg, key) => {
    await always(await key.sign({ sub: 1 }), 404);
  });

  it('a token that does not say which passes when only one can be it', async () => {
    expect(await status(await ec.sign({ sub: 1 }, {}))).toBe(404);
  });

  it.each([
    ['a key that is not in it', () => other.sign({ sub: 1 })],
    ['one that names another’s', () => other.sign({ sub: 1 }, { kid: 'ec' })],
    ['one that names a key of another kind', () => ec.sign({ sub: 1 }, { kid: 'rsa' })],
    ['no signature', () => forge({ alg: 'none', kid: 'ec' }, { sub: 1 }, '')],
    [
      'a secret that everybody knows',
      () => forge({ alg: 'HS256', kid: 'rsa' }, { sub: 1 }, String(rsa.jwk.n)),
    ],
    ['another spelling', async () => respelt(await ed.sign({ sub: 1 }))],
    ['a key that it brings', () => forge({ alg: 'ES256', jwk: other.jwk }, { sub: 1 })],
  ])('a token of %s is 401', async (_what, token) => {
    expectRefusal(await ask(server, 'GET', '/api/v1/user', { token: await token() }), 401, 'unauthorized');
  });

  it('keys that a token brings or names are neither trusted nor fetched, and do no harm', async () => {
    const mallory = await KeyServer.start();
    mallory.keys = [{ ...other.jwk, kid: 'ec' }];
    const headers = [
      { jku: mallory.url },
      { x5u: mallory.url },
      { jwk: other.jwk },
      { x5c: ['MIIB'] },
      { jku: mallory.url, x5u: mallory.url, jwk: other.jwk },
    ];
    for (const header of headers) {
      for (const kid of ['ec', 'other'])
        expect(await status(await other.sign({ sub: 1 }, { kid, ...header }))).toBe(401);
      expect(await status(await other.sign({ sub: 1 }, header))).toBe(401);
      expect(await status(await ec.sign({ sub: 1 }, { kid: 'ec', ...header }))).toBe(404);
    }
    expect(mallory.asked).toBe(0);
    await mallory.stop();
  });

  it('is not asked for again and again because of keys that are not in it', async () => {
    const before = login.asked;
    const began = performance.now();
    const tokens = await Promise.all(
      Array.from({ length: 100 }, (_, n) => other.sign({ sub: 1 }, { kid: `unknown ${n}` })),
    );
    for (const token of tokens) expect(await status(token)).toBe(401);
    const seconds = (performance.now() - began) / 1000;
    expect(login.asked - before).toBeLessThanOrEqual(WORKERS * (1 + Math.ceil(seconds / 5)));
  });
});

describe('when the login changes its keys', () => {
  it('a token of a new one passes soon, and one of a key that is gone no longer', async () => {
    const gone = await ed.sign({ sub: 1 });
    await always(gone, 404);
    const next = new LoginKey('next', 'ES256');
    login.keys = [rsa.jwk, ec.jwk, next.jwk];
    const token = await next.sign({ sub: 1 });
    await until(async () => {
      for (let times = 0; times < OFTEN; times++) if ((await status(token)) !== 404) return undefined;
      return true;
    });
    await always(gone, 401);
  });

  it('and its URL fails, the keys before stay in use', async () => {
    login.status = 500;
    const asked = login.asked;
    const unknown = await other.sign({ sub: 1 });
    await until(async () => {
      expect(await status(unknown)).toBe(401);
      return login.asked > asked;
    });
    await always(await ec.sign({ sub: 2 }), 404);
    login.status = 200;
  });
});

it('a server that starts while the URL fails uses the JWKS that is cached for that URL', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-keys-'));
  const token = await ec.sign({ sub: 1 });
  try {
    const before = await start({ dataDir });
    expect(await status(token, before)).toBe(404);
    await stopUnharmed(before);
    login.status = 500;
    const after = await start({ dataDir });
    for (let times = 0; times < OFTEN; times++) expect(await status(token, after)).toBe(404);
    expect(await status(await other.sign({ sub: 1 }), after)).toBe(401);
    await stopUnharmed(after);
    const moved = await start({ dataDir, url: `${login.url}?other` });
    expectRefusal(await ask(moved, 'GET', '/api/v1/user', { token }), 503, 'unavailable');
    await stopUnharmed(moved);
  } finally {
    login.status = 200;
    await rm(dataDir, { recursive: true });
  }
});

it('a server whose login cannot be reached yet answers 503, and goes on when it can', async () => {
  login.status = 500;
  const early = await start();
  try {
    const token = await ec.sign({ sub: 1 });
    const answer = await ask(early, 'GET', '/api/v1/user', { token });
    expectRefusal(answer, 503, 'unavailable');
    login.status = 200;
    await until(async () => (await status(token, early)) === 404);
  } finally {
    await stopUnharmed(early);
  }
});
