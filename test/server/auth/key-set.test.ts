import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import type { errors } from 'jose';
import { describe, expect, it } from 'vitest';
import { KeySet, verifyWith } from '../../../src/server/auth/key-set.js';
import { LoginKey } from '../../support/key-server.js';

const RULES = { algorithms: ['RS256', 'ES256', 'EdDSA'], currentDate: new Date() };
const [a, b, stranger] = ['a', 'b', 'stranger'].map((kid) => new LoginKey(kid, 'ES256')) as [
  LoginKey,
  LoginKey,
  LoginKey,
];
const rsa = new LoginKey('rsa', 'RS256');

/** The same key with other parameters; undefined takes one away. */
function as(jwk: JsonWebKey, changes: Record<string, unknown>): JsonWebKey {
  return JSON.parse(JSON.stringify({ ...jwk, ...changes })) as JsonWebKey;
}

/** Resolves to `passes`, or to the code of jose's error. */
async function verdict(keys: readonly unknown[], token: string, findNameless = false): Promise<string> {
  const { find, findNameless: nameless } = new KeySet({ keys });
  return verifyWith(findNameless ? nameless : find, token, RULES).then(
    () => 'passes',
    (error: unknown) => (error as errors.JOSEError).code,
  );
}

const NO_MATCH = 'ERR_JWKS_NO_MATCHING_KEY';
const BAD = 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED';
const weak = createPublicKey(
  generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({
    type: 'spki',
    format: 'pem',
  }) as string,
).export({ format: 'jwk' });

describe('a token that names its key', () => {
  const sets: [string, readonly unknown[], string][] = [
    ['passes against it', [a.jwk, b.jwk], 'passes'],
    ['passes against a key that is listed twice', [a.jwk, a.jwk], 'passes'],
    [
      'passes against a key that is listed twice, once without what it is for',
      [as(a.jwk, { use: undefined, alg: undefined }), a.jwk],
      'passes',
    ],
    ['passes against the second key of that name', [as(b.jwk, { kid: 'a' }), a.jwk], 'passes'],
    [
      'passes against the eighth key of that name',
      [...Array(7).fill(as(b.jwk, { kid: 'a' })), a.jwk],
      'passes',
    ],
    ['is not tried against a ninth', [...Array(8).fill(as(b.jwk, { kid: 'a' })), a.jwk], BAD],
    [
      'is refused against other keys of that name',
      [as(b.jwk, { kid: 'a' }), as(stranger.jwk, { kid: 'a' })],
      BAD,
    ],
    ['is refused against keys of other names', [b.jwk], NO_MATCH],
    ['passes against the only key, which has no name', [as(a.jwk, { kid: undefined })], 'passes'],
    ['is refused against another key without a name', [as(b.jwk, { kid: undefined })], BAD],
    ['is refused against a key for encryption', [as(a.jwk, { use: 'enc' })], NO_MATCH],
    [
      'passes beside keys that cannot be used',
      [
        null,
        7,
        'key',
        [],
        {},
        { kty: 'oct', kid: 'a', k: 'eHh4' },
        { kty: 'XX', kid: 'a' },
        { kty: 'EC', kid: 'a' },
        { kty: 'EC', crv: 'P-256', kid: 'a', x: '!', y: 7 },
        as(a.jwk, { use: 'enc' }),
        as(a.jwk, { alg: 'ECDH-ES' }),
        as(a.jwk, { key_ops: 'verify' }),
        { ...weak, kid: 'a' },
        a.jwk,
      ],
      'passes',
    ],
    [
      'is refused when only such keys have its name',
      [{ kty: 'oct', kid: 'a', k: 'eHh4' }, { kty: 'EC', kid: 'a' }, b.jwk],
      NO_MATCH,
    ],
  ];
  it.each(sets)('%s', async (_what, keys, expected) => {
    expect(await verdict(keys, await a.sign({ sub: 1 }))).toBe(expected);
  });

  it('may be of one of the keys without a name, when the others have names', async () => {
    const keys = [b.jwk, as(a.jwk, { kid: undefined })];
    const token = await a.sign({ sub: 1 });
    expect(await verdict(keys, token)).toBe(NO_MATCH);
    expect(await verdict(keys, token, true)).toBe('passes');
  });
});

describe('a token that names no key', () => {
  const sets: [string, readonly unknown[], string][] = [
    ['passes against one that fits', [a.jwk], 'passes'],
    ['passes against one that fits, beside others', [rsa.jwk, a.jwk, as(b.jwk, { use: 'enc' })], 'passes'],
    ['passes against one that is listed twice', [a.jwk, a.jwk], 'passes'],
    ['passes against each of several that fit', [b.jwk, stranger.jwk, a.jwk], 'passes'],
    ['is refused when none of those that fit is its own', [b.jwk, stranger.jwk], BAD],
    ['is refused when none fits', [rsa.jwk], NO_MATCH],
    ['is refused by no keys', [], NO_MATCH],
  ];
  it.each(sets)('%s', async (_what, keys, expected) => {
    expect(await verdict(keys, await a.sign({ sub: 1 }, {}))).toBe(expected);
  });

  it('of RSA passes beside an RSA key that is too small', async () => {
    expect(await verdict([{ ...weak, kid: 'old' }, rsa.jwk], await rsa.sign({ sub: 1 }, {}))).toBe('passes');
  });
});

it('claims that are wrong are what the error says, also when several keys fit', async () => {
  const token = await a.sign({ sub: 1, exp: 1 }, {});
  expect(await verdict([b.jwk, a.jwk], token)).toBe('ERR_JWT_EXPIRED');
});

it.each([
  ['null'],
  ['[]'],
  ['{}'],
  ['{"keys":null}'],
  ['{"keys":{}}'],
  ['"keys"'],
])('%s is no key set', (text) => {
  expect(() => new KeySet(JSON.parse(text))).toThrow('JSON Web Key Set malformed');
});
