import { createHmac, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { AuthOptions } from '../../../src/server/auth/auth-options.js';
import { Authenticator } from '../../../src/server/auth/authenticator.js';
import type { Identity } from '../../../src/server/auth/identity.js';
import type { RefusalReason, TokenRefusal } from '../../../src/server/auth/token-refusal.js';
import { SECRET } from '../../support/server.js';
import { forge, forgeLong, nowSeconds, respelt, sign } from '../../support/tokens.js';

const NOW_S = nowSeconds();
const HEADER = { alg: 'HS256', typ: 'JWT' };
const OPTIONS: AuthOptions = {
  key: { secret: SECRET },
  algorithms: ['HS256'],
  idClaim: 'sub',
  issuers: undefined,
  audiences: undefined,
  requireExp: false,
  leewaySeconds: 30,
};
const STRICT: AuthOptions = {
  ...OPTIONS,
  issuers: ['login', 'https://login.example'],
  audiences: ['parley', 'chat'],
  requireExp: true,
};
const GOOD = { sub: 1, iss: 'login', aud: 'parley', exp: NOW_S + 60 };

const authenticator = (options: AuthOptions) => new Authenticator(options, undefined, () => NOW_S * 1000);

/** One that has passed a token with this header. */
async function used(options: AuthOptions, header: object = HEADER): Promise<Authenticator> {
  const auth = authenticator(options);
  await auth.verify(forge(header, { ...GOOD, jti: 'before' }));
  return auth;
}

/** The identity, or what is wrong with the token. */
const verdict = (auth: Authenticator, token: string) =>
  auth.verify(token).catch((error: unknown) => (error as TokenRefusal).reason);

/** The verdict, which is the same whether jose verifies the whole token or judges its claims alone. */
async function bothVerdicts(token: string, options: AuthOptions): Promise<unknown> {
  const auth = await used(options);
  const quick = auth.verifyNow(token);
  const whole = await verdict(authenticator(options), token);
  if (quick !== undefined) expect(quick).toEqual(whole);
  expect(await verdict(auth, token)).toEqual(whole);
  return whole;
}

describe('an HS256 token whose header passed before', () => {
  const passing: [string, object, AuthOptions][] = [
    ['an id', { sub: 1 }, OPTIONS],
    ['an id as text', { sub: '17' }, OPTIONS],
    ['a subject', { sub: 'auth0|ünï', name: 'Ünï' }, OPTIONS],
    ['times within the leeway', { sub: 1, exp: NOW_S - 29, nbf: NOW_S + 30 }, OPTIONS],
    ['times of a fraction', { sub: 1, exp: NOW_S + 0.5, nbf: NOW_S - 0.5, iat: NOW_S - 0.5 }, OPTIONS],
    ['times before 1970', { sub: 1, nbf: -1, iat: -1 }, OPTIONS],
    ['an end after 2038', { sub: 1, exp: 2 ** 31 }, OPTIONS],
    ['an end in the year 9999', { sub: 1, exp: 253_402_300_799 }, OPTIONS],
    ['a time of issue in milliseconds', { sub: 1, iat: NOW_S * 1000 }, OPTIONS],
    ['all that is asked for', GOOD, STRICT],
    ['several audiences', { ...GOOD, aud: ['other', 'parley'] }, STRICT],
    ['the other issuer and audience', { ...GOOD, iss: 'https://login.example', aud: ['chat'] }, STRICT],
  ];
  it.each(passing)('passes in the same tick with %s', async (_what, claims, options) => {
    const token = forge(HEADER, claims);
    expect((await used(options)).verifyNow(token)).toBeDefined();
    expect(await bothVerdicts(token, options)).toMatchObject({ caller: expect.anything() });
  });

  const refused: [RefusalReason, string, object | string, AuthOptions?][] = [
    ['no_user', 'no id', {}],
    ['no_user', 'an id that is none', { sub: 0 }],
    ['expired', 'an end that has come', { sub: 1, exp: NOW_S - 30 }],
    ['expired', 'an end before 1970', { sub: 1, exp: -NOW_S }],
    ['not_in_seconds', 'an end in milliseconds', { sub: 1, exp: (NOW_S + 60) * 1000 }],
    ['not_in_seconds', 'an end that no clock reaches', '{"sub":1,"exp":1e300}'],
    ['not_in_seconds', 'an end that is infinite', '{"sub":1,"exp":1e999}'],
    ['not_in_seconds', 'an end in milliseconds where one is asked for', { ...GOOD, exp: 2e12 }, STRICT],
    ['not_in_seconds', 'a beginning in milliseconds', { sub: 1, nbf: NOW_S * 1000 }],
    ['not_yet_valid', 'a beginning to come', { sub: 1, nbf: NOW_S + 31 }],
    ['malformed', 'an end that is no number', { sub: 1, exp: String(NOW_S + 60) }],
    ['malformed', 'a beginning that is no number', { sub: 1, nbf: null }],
    ['malformed', 'a time of issue that is no number', { sub: 1, iat: 'today' }],
    ['malformed', 'a time of issue that is a number in a text', { sub: 1, iat: String(NOW_S) }],
    ['no_expiry', 'no end', { ...GOOD, exp: undefined }, STRICT],
    ['wrong_issuer', 'another issuer', { ...GOOD, iss: 'login2' }, STRICT],
    ['wrong_issuer', 'a slash after the issuer', { ...GOOD, iss: 'https://login.example/' }, STRICT],
    ['wrong_issuer', 'all issuers in one', { ...GOOD, iss: 'login,https://login.example' }, STRICT],
    ['wrong_issuer', 'a list of issuers', { ...GOOD, iss: ['login'] }, STRICT],
    ['wrong_issuer', 'no issuer', { ...GOOD, iss: undefined }, STRICT],
    ['wrong_audience', 'another audience', { ...GOOD, aud: ['other'] }, STRICT],
    ['wrong_audience', 'an empty list of audiences', { ...GOOD, aud: [] }, STRICT],
    ['wrong_audience', 'no audience', { ...GOOD, aud: undefined }, STRICT],
    ['malformed', 'a list of claims', '[]'],
    ['malformed', 'a text of claims', '"x"'],
    ['malformed', 'half of the claims', '{"sub":1'],
    ['malformed', 'nothing', ''],
  ];
  it.each(refused)('is refused as %s with %s', async (reason, _what, claims, options = OPTIONS) => {
    expect(await bothVerdicts(forge(HEADER, claims), options)).toBe(reason);
  });

  const [header = '', payload = '', signature = ''] = forge(HEADER, { sub: 1 }).split('.');
  const signed = (text: string) => `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
  const spelt: [RefusalReason, string, string][] = [
    ['bad_signature', 'another secret', forge(HEADER, { sub: 1 }, `${SECRET}x`)],
    ['bad_signature', 'no signature', `${header}.${payload}.`],
    ['malformed', 'two parts', `${header}.${payload}`],
    ['malformed', 'one part', header],
    ['malformed', 'no parts', ''],
    ['malformed', 'four parts', `${header}.${payload}.${signature}.${signature}`],
    ['malformed', 'four parts, all of them signed', signed(`${header}.${payload}.${payload}`)],
    ['bad_signature', 'half of the signature', `${header}.${payload}.${signature.slice(0, 20)}`],
    ['bad_signature', 'more than the signature', `${header}.${payload}.${signature}AAAA`],
    [
      'bad_signature',
      'the signature of other claims',
      forge(HEADER, { sub: 2 }).replace(/\..*\./, `.${payload}.`),
    ],
    ['malformed', 'claims that are no base64url', signed(`${header}.{"sub":1}`)],
    ['malformed', 'claims beyond ASCII', signed(`${header}.${payload}é`)],
    [
      'malformed',
      'claims that are no UTF-8',
      signed(`${header}.${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}`),
    ],
  ];
  it.each(spelt)('is refused as %s with %s', async (reason, _what, token) => {
    expect(await bothVerdicts(token, OPTIONS)).toBe(reason);
  });

  it.each([
    ['padding', `${header}.${payload}.${signature}=`],
    ['other letters for the same bytes', `${header}.${payload}.${respelt(signature)}`],
  ])('is refused with a signature with %s', async (_what, token) => {
    const reasons = ['bad_signature', 'malformed'];
    expect(reasons).toContain(await verdict(await used(OPTIONS), token));
    expect(reasons).toContain(await verdict(authenticator(OPTIONS), token));
  });

  it.each([
    ['claims with a space', signed(`${header}.${payload.slice(0, 3)} ${payload.slice(3)}`)],
  ])('is as good as jose says with %s', async (_what, token) => {
    await bothVerdicts(token, OPTIONS);
  });

  it('may have 12 KiB, and no character more', async () => {
    expect(await bothVerdicts(forgeLong(12_288, { sub: 1 }, HEADER), OPTIONS)).toMatchObject({
      caller: { id: 1 },
    });
    expect(await bothVerdicts(forgeLong(12_289, { sub: 1 }, HEADER), OPTIONS)).toBe('too_long');
  });

  it('has no more leeway than there is', async () => {
    const none = { ...OPTIONS, leewaySeconds: 0 };
    const times = { sub: 1, exp: NOW_S + 1, nbf: NOW_S, iat: NOW_S };
    expect(await bothVerdicts(forge(HEADER, times), none)).toMatchObject({ issuedAt: NOW_S });
    expect(await bothVerdicts(forge(HEADER, { ...times, iat: NOW_S + 1 }), none)).toMatchObject({
      issuedAt: 0,
    });
    expect(await bothVerdicts(forge(HEADER, { ...times, exp: NOW_S }), none)).toBe('expired');
    expect(await bothVerdicts(forge(HEADER, { ...times, nbf: NOW_S + 1 }), none)).toBe('not_yet_valid');
  });

  it('is judged anew each time that it is bad', async () => {
    let now = NOW_S * 1000;
    const auth = new Authenticator(OPTIONS, undefined, () => now);
    await auth.verify(forge(HEADER, { sub: 1 }));
    const token = forge(HEADER, { sub: 1, nbf: NOW_S + 60 });
    expect(auth.verifyNow(token)).toBeUndefined();
    expect(await verdict(auth, token)).toBe('not_yet_valid');
    now += 60_000;
    expect(auth.verifyNow(token)).toMatchObject({ caller: { id: 1 } });
  });

  it('is refused without a look at its claims when another secret signed it', async () => {
    const auth = authenticator(OPTIONS);
    const token = forge(HEADER, { sub: 1 }, `${SECRET}x`);
    const check = vi.spyOn(auth, 'check');
    expect(auth.verifyNow(token)).toBeUndefined();
    expect(await verdict(auth, token)).toBe('bad_signature');
    expect(check).not.toHaveBeenCalled();
  });

  it('is known from then on, until it ends', async () => {
    let now = NOW_S * 1000;
    const auth = new Authenticator(OPTIONS, undefined, () => now);
    await auth.verify(forge(HEADER, { sub: 1 }));
    const token = forge(HEADER, { sub: 1, exp: NOW_S + 60 });
    expect(auth.verifyNow(token)).toBe(auth.verifyNow(token));
    now += 90_000;
    expect(auth.verifyNow(token)).toBeUndefined();
    expect(await verdict(auth, token)).toBe('expired');
  });
});

describe('a header', () => {
  it('passes for the first time through jose', async () => {
    const auth = authenticator(OPTIONS);
    const token = forge(HEADER, { sub: 1 });
    expect(auth.verifyNow(token)).toBeUndefined();
    expect(await auth.verify(token)).toMatchObject({ caller: { id: 1 } });
    expect(auth.verifyNow(forge(HEADER, { sub: 2 }))).toMatchObject({ caller: { id: 2 } });
    expect(auth.verifyNow(forge({ ...HEADER, kid: 'other' }, { sub: 2 }))).toBeUndefined();
  });

  const never: [RefusalReason, string, object][] = [
    ['algorithm_not_allowed', 'names no algorithm', { alg: 'none' }],
    ['algorithm_not_allowed', 'names another algorithm', { alg: 'HS512' }],
    ['critical_header', 'has a critical part that jose knows', { alg: 'HS256', crit: ['b64'], b64: true }],
    ['critical_header', 'has a critical part that jose does not know', { alg: 'HS256', crit: ['x'], x: 1 }],
  ];
  it.each(never)('is refused as %s when it %s', async (reason, _what, bad) => {
    const auth = await used(OPTIONS);
    for (let time = 0; time < 2; time++) {
      const token = forge(bad, { sub: 1, jti: `${time}` });
      expect(await verdict(auth, token)).toBe(reason);
      expect(auth.verifyNow(token)).toBeUndefined();
    }
  });

  it.each([
    ['another algorithm', 'algorithm_not_allowed', { alg: 'RS256' }],
    ['no algorithm at all', 'algorithm_not_allowed', { typ: 'JWT' }],
    ['this one', 'bad_signature', { alg: 'HS256', kid: 'new' }],
  ])('of a token with the signature of another key may name %s', async (_what, reason, other) => {
    const auth = await used(OPTIONS);
    const token = forge(other, { sub: 1 }, `${SECRET}x`);
    expect(auth.verifyNow(token)).toBeUndefined();
    expect(await verdict(auth, token)).toBe(reason);
  });

  it.each([
    ['jwk', { kty: 'oct', k: 'eHg' }],
    ['jku', 'https://elsewhere.example/keys'],
    ['x5u', 'https://elsewhere.example/chain'],
    ['x5c', ['MIIB']],
  ])('may bring %s, which nobody looks at', async (name, value) => {
    const auth = authenticator(OPTIONS);
    const header = { ...HEADER, [name]: value };
    await auth.verify(forge(header, { sub: 1 }));
    expect(auth.verifyNow(forge(header, { sub: 2 }))).toMatchObject({ caller: { id: 2 } });
    expect(await verdict(auth, forge(header, { sub: 3 }, 'xx'))).toBe('bad_signature');
  });

  it('that never passed, or passed long ago, is judged by jose again', async () => {
    const auth = authenticator(OPTIONS);
    for (let kid = 0; kid < 20; kid++) await auth.verify(forge({ ...HEADER, kid }, { sub: 1 }));
    expect(auth.verifyNow(forge({ ...HEADER, kid: 0 }, { sub: 2 }))).toBeUndefined();
    expect(auth.verifyNow(forge({ ...HEADER, kid: 19 }, { sub: 2 }))).toBeDefined();
  });
});

it('a token of a public key takes its time until it is known', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const auth = authenticator({ ...OPTIONS, key: { publicKey: pem }, algorithms: ['ES256'] });
  await auth.verify(await sign({ sub: 1 }, 'ES256', privateKey));
  const token = await sign({ sub: 2 }, 'ES256', privateKey);
  expect(auth.verifyNow(token)).toBeUndefined();
  expect(await auth.verify(token)).toMatchObject({ caller: { id: 2 } });
  expect(auth.verifyNow(token)).toBeDefined();
  // A secret made of what everybody knows signs nothing.
  expect(await verdict(auth, forge({ alg: 'HS256' }, { sub: 3 }, pem))).toBe('algorithm_not_allowed');
});

describe('a time of issue', () => {
  /** An authenticator for which all tokens of before a minute ago are revoked, and its clock. */
  function revoking() {
    const clock = { now: NOW_S * 1000 };
    const isRevoked = ({ issuedAt }: Identity) => issuedAt < NOW_S - 60;
    return { clock, auth: new Authenticator(OPTIONS, undefined, () => clock.now, { isRevoked }) };
  }

  const times: [string, number, 'revoked' | 'new'][] = [
    ['before the revocation', NOW_S - 61, 'revoked'],
    ['a fraction of a second before it', NOW_S - 60.5, 'revoked'],
    ['of the revocation', NOW_S - 60, 'new'],
    ['at the present', NOW_S, 'new'],
    ['ahead, within the leeway', NOW_S + 30, 'new'],
    ['ahead beyond the leeway', NOW_S + 31, 'revoked'],
    ['a fraction beyond the leeway', NOW_S + 30.5, 'revoked'],
    ['in milliseconds', NOW_S * 1000, 'revoked'],
    ['that is infinite', Number.POSITIVE_INFINITY, 'revoked'],
    ['before 1970', -1, 'revoked'],
  ];
  it.each(times)('%s (%d) is %s enough', async (_what, iat, expected) => {
    const payload = iat === Number.POSITIVE_INFINITY ? '{"sub":1,"iat":1e999}' : { sub: 1, iat };
    for (const header of [HEADER, { ...HEADER, kid: 'unseen' }]) {
      const { auth } = revoking();
      await auth.verify(forge(HEADER, { sub: 1, iat: NOW_S }));
      const token = forge(header, payload);
      const seen = auth.verifyNow(token) ?? (await verdict(auth, token));
      expect(seen).toEqual(
        expected === 'revoked' ? 'revoked' : expect.objectContaining({ caller: { id: 1 } }),
      );
    }
  });

  it('is judged at each moment at which the token is presented', async () => {
    let isRevoked = false;
    let now = NOW_S * 1000;
    const auth = new Authenticator(OPTIONS, undefined, () => now, {
      isRevoked: ({ issuedAt }) => isRevoked && issuedAt < NOW_S,
    });
    const token = forge(HEADER, { sub: 1, iat: NOW_S + 100 });
    expect(await auth.verify(token)).toMatchObject({ issuedAt: 0 });
    expect(auth.verifyNow(token)).toMatchObject({ issuedAt: 0 });
    isRevoked = true;
    expect(auth.verifyNow(token)).toBeUndefined();
    expect(await verdict(auth, token)).toBe('revoked');
    now += 70_000;
    expect(auth.verifyNow(token)).toMatchObject({ issuedAt: NOW_S + 100 });
    now -= 1000;
    expect(auth.verifyNow(token)).toBeUndefined();
  });
});

describe('the end of a socket', () => {
  it.each([
    ['never, without an end', undefined, undefined],
    ['when the token ends', NOW_S + 60, NOW_S + 60],
    ['with the second in which it ends', NOW_S + 59.5, NOW_S + 60],
    ['at the end of the leeway when it came within that', NOW_S - 10, NOW_S + 20],
    ['when the token ends, after 2038', 2 ** 31 + 5, 2 ** 31 + 5],
    ['when the token ends, in the year 9999', 253_402_300_799, 253_402_300_799],
  ])('is %s', async (_what, exp, end) => {
    const auth = authenticator(OPTIONS);
    expect(auth.endOf(await auth.verify(forge(HEADER, { sub: 1, exp })))).toBe(end);
  });
});
