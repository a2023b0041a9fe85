import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as pathOf } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import { ask, stopUnharmed } from '../support/strict.js';
import { forge, nowSeconds, sign } from '../support/tokens.js';

let server: TestServer | undefined;
afterEach(async () => {
  if (server !== undefined) await stopUnharmed(server);
  server = undefined;
});

async function startWith(env: Record<string, string>): Promise<void> {
  server = await TestServer.start({ workers: 1, env });
}

/** 404 is what a valid token without a profile hears. */
async function statusFor(token: string): Promise<number> {
  if (server === undefined) throw new Error('no server');
  return (await ask(server, 'GET', '/api/v1/user', { token })).status;
}

async function passes(token: Promise<string> | string): Promise<void> {
  expect(await statusFor(await token)).toBe(404);
}

async function isRefused(token: Promise<string> | string): Promise<void> {
  expect(await statusFor(await token)).toBe(401);
}

const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');

describe('JWT_PUBLIC_KEY', () => {
  it.each([
    ['RSA', rsa, ['RS256', 'PS256'], 'RS512'],
    ['P-256', ec, ['ES256'], undefined],
    ['Ed25519', ed, ['EdDSA'], undefined],
  ])('may be an %s key, whose algorithms pass and no others', async (_kind, pair, algorithms, other) => {
    const publicKey = pem(pair.publicKey);
    await startWith({ JWT_SECRET: '', JWT_PUBLIC_KEY: publicKey });
    for (const alg of algorithms) await passes(sign({ sub: 1 }, alg, pair.privateKey));
    if (other !== undefined) await isRefused(sign({ sub: 1 }, other, pair.privateKey));
    for (const secret of [publicKey, publicKey.trim()]) {
      await isRefused(sign({ sub: 1 }, 'HS256', secret));
    }
    for (const alg of ['none', 'HS256', ...algorithms]) await isRefused(forge({ alg }, { sub: 1 }, ''));
    await isRefused(sign({ sub: 1 }, 'HS256'));
  });

  it('is one key: another of the same kind is refused', async () => {
    await startWith({ JWT_SECRET: '', JWT_PUBLIC_KEY: pem(ec.publicKey) });
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await isRefused(sign({ sub: 1 }, 'ES256', stranger.privateKey));
    await isRefused(sign({ sub: 1 }, 'RS256', rsa.privateKey));
    await passes(sign({ sub: 1 }, 'ES256', ec.privateKey));
  });

  it('may be the path of a file', async () => {
    const folder = await mkdtemp(pathOf(tmpdir(), 'parley-key-'));
    const file = pathOf(folder, 'key.pem');
    await writeFile(file, pem(ed.publicKey));
    await startWith({ JWT_SECRET: '', JWT_PUBLIC_KEY: file });
    await passes(sign({ sub: 1 }, 'EdDSA', ed.privateKey));
    await isRefused(sign({ sub: 1 }, 'HS256', file));
    await rm(folder, { recursive: true });
  });
});

describe('JWT_ALGORITHMS', () => {
  it('narrows what the key allows', async () => {
    await startWith({ JWT_SECRET: '', JWT_PUBLIC_KEY: pem(rsa.publicKey), JWT_ALGORITHMS: 'PS256' });
    await passes(sign({ sub: 1 }, 'PS256', rsa.privateKey));
    await isRefused(sign({ sub: 1 }, 'RS256', rsa.privateKey));
  });
});

describe('JWT_ISSUER and JWT_AUDIENCE', () => {
  it('are checked when they are set', async () => {
    await startWith({ JWT_ISSUER: 'https://login.example', JWT_AUDIENCE: 'parley' });
    const good = { sub: 1, iss: 'https://login.example', aud: 'parley' };
    await passes(sign(good));
    await passes(sign({ ...good, aud: ['other', 'parley'] }));
    await isRefused(sign({ ...good, iss: 'https://login.example/' }));
    await isRefused(sign({ ...good, iss: undefined }));
    await isRefused(sign({ ...good, aud: 'other' }));
    await isRefused(sign({ ...good, aud: ['other'] }));
    await isRefused(sign({ ...good, aud: undefined }));
  });

  it('may be several, of which a token needs one of each', async () => {
    await startWith({
      JWT_ISSUER: 'https://login.example, https://old.example/',
      JWT_AUDIENCE: 'parley,chat',
    });
    const issuers = ['https://login.example', 'https://old.example/'];
    for (const iss of issuers)
      for (const aud of ['parley', 'chat', ['account', 'chat'], ['chat', 'parley']])
        await passes(sign({ sub: 1, iss, aud }));
    const [iss] = issuers;
    await isRefused(sign({ sub: 1, iss: 'https://old.example', aud: 'chat' }));
    await isRefused(sign({ sub: 1, iss: issuers.join(','), aud: 'chat' }));
    await isRefused(sign({ sub: 1, iss, aud: 'parley,chat' }));
    await isRefused(sign({ sub: 1, iss, aud: ['account'] }));
    await isRefused(sign({ sub: 1, iss, aud: '' }));
    await isRefused(sign({ sub: 1, iss: '', aud: 'chat' }));
  });

  it('are ignored when they are not, also in the token', async () => {
    await startWith({ JWT_ISSUER: '', JWT_AUDIENCE: '' });
    await passes(sign({ sub: 1 }));
    await passes(sign({ sub: 1, iss: 'anyone', aud: 'anything' }));
  });
});

describe('JWT_REQUIRE_EXP', () => {
  it('refuses a token without exp when it is true', async () => {
    await startWith({ JWT_REQUIRE_EXP: 'true' });
    await isRefused(sign({ sub: 1 }));
    await passes(sign({ sub: 1, exp: nowSeconds() + 60 }));
    await isRefused(sign({ sub: 1, exp: nowSeconds() - 60 }));
  });
});

describe('JWT_LEEWAY_SECONDS', () => {
  it('is by how much the clocks may differ', async () => {
    await startWith({ JWT_LEEWAY_SECONDS: '300' });
    await passes(sign({ sub: 1, exp: nowSeconds() - 270 }));
    await passes(sign({ sub: 1, nbf: nowSeconds() + 270 }));
    await isRefused(sign({ sub: 1, exp: nowSeconds() - 301 }));
    await isRefused(sign({ sub: 1, nbf: nowSeconds() + 330 }));
  });
});

describe('JWT_ID_CLAIM', () => {
  it('names the claim that the user id comes from, and sub says nothing then', async () => {
    await startWith({ JWT_ID_CLAIM: 'uid' });
    await isRefused(sign({ sub: 1 }));
    await isRefused(sign({ sub: 1, uid: 0 }));
    await passes(sign({ uid: 5 }));
    await passes(sign({ sub: 1, uid: 'auth0|five' }));
    if (server === undefined) throw new Error('no server');
    const token = await sign({ sub: 1, uid: 5 });
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ username: 'five', name: 'Five' });
    expect((await ask(server, 'POST', '/api/v1/user', { token, headers, body })).status).toBe(200);
    expect((await ask(server, 'GET', '/api/v1/user', { token })).body.id).toBe(5);
  });
});
