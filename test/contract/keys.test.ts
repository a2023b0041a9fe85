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
/** Keys that are configured nowhere. */
const strangers = [
  ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['EdDSA', generateKeyPairSync('ed25519')],
] as const;

describe('JWT_PUBLIC_KEY', () => {
  it.each([
    ['RSA', rsa, ['RS256', 'PS256'], 'RS512'],
    ['P-256', ec, ['ES256'], undefined],
    ['Ed25519', ed, ['EdDSA'], undefined],
  ])('may be an %s key, whose algorithms pass and no others', async (kind, pair, algorithms, other) => {
    const publicKey = pem(pair.publicKey);
    const folder = await mkdtemp(pathOf(tmpdir(), 'parley-key-'));
    const file = pathOf(folder, 'key.pem');
    await writeFile(file, publicKey);
    await startWith({ JWT_SECRET: '', JWT_PUBLIC_KEY: kind === 'RSA' ? publicKey : file });
    for (const alg of algorithms) await passes(sign({ sub: 1 }, alg, pair.privateKey));
    if (other !== undefined) await isRefused(sign({ sub: 1 }, other, pair.privateKey));
    for (const secret of [publicKey, publicKey.trim(), file]) {
      await isRefused(sign({ sub: 1 }, 'HS256', secret));
    }
    for (const alg of ['none', 'HS256', ...algorithms]) await isRefused(forge({ alg }, { sub: 1 }, ''));
    await isRefused(sign({ sub: 1 }, 'HS256'));
    for (const [alg, stranger] of strangers) await isRefused(sign({ sub: 1 }, alg, stranger.privateKey));
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

it('JWT_ISSUER and JWT_AUDIENCE are ignored when they are not set, also in the token', async () => {
  await startWith({ JWT_ISSUER: '', JWT_AUDIENCE: '' });
  await passes(sign({ sub: 1 }));
  await passes(sign({ sub: 1, iss: 'anyone', aud: 'anything' }));
});

it('what a token claims is held to each of the settings', async () => {
  await startWith({
    JWT_ISSUER: 'https://login.example, https://old.example/',
    JWT_AUDIENCE: 'parley,chat',
    JWT_REQUIRE_EXP: 'true',
    JWT_LEEWAY_SECONDS: '300',
    JWT_ID_CLAIM: 'uid',
  });
  const now = nowSeconds();
  const good = { uid: 1, iss: 'https://login.example', aud: 'parley', exp: now + 3600 };

  // JWT_ISSUER and JWT_AUDIENCE: a token needs one of each.
  for (const iss of ['https://login.example', 'https://old.example/'])
    for (const aud of ['parley', 'chat', ['account', 'chat'], ['chat', 'parley']])
      await passes(sign({ ...good, iss, aud }));
  for (const iss of [undefined, '', 'https://login.example/', 'https://old.example', 'evil'])
    await isRefused(sign({ ...good, iss }));
  await isRefused(sign({ ...good, iss: 'https://login.example,https://old.example/' }));
  for (const aud of [undefined, '', 'other', ['other'], [], 'parley,chat'])
    await isRefused(sign({ ...good, aud }));

  // JWT_REQUIRE_EXP and JWT_LEEWAY_SECONDS.
  await isRefused(sign({ ...good, exp: undefined }));
  await passes(sign({ ...good, exp: now - 270 }));
  await passes(sign({ ...good, nbf: now + 270 }));
  await isRefused(sign({ ...good, exp: now - 301 }));
  await isRefused(sign({ ...good, nbf: now + 400 }));

  // JWT_ID_CLAIM: the user id comes from it, and sub says nothing then.
  await isRefused(sign({ ...good, uid: undefined, sub: 1 }));
  await isRefused(sign({ ...good, uid: 0, sub: 1 }));
  await passes(sign({ ...good, uid: 'auth0|five', sub: 1 }));
  if (server === undefined) throw new Error('no server');
  const token = await sign({ ...good, uid: 5, sub: 1 });
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ username: 'five', name: 'Five' });
  expect((await ask(server, 'POST', '/api/v1/user', { token, headers, body })).status).toBe(200);
  expect((await ask(server, 'GET', '/api/v1/user', { token })).body.id).toBe(5);
});
