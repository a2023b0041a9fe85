import { createHmac, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { Authenticator, type AuthOptions } from '../../../src/server/auth/authenticator.js';
import { SECRET } from '../../support/server.js';
import { forge, nowSeconds, respelt, sign } from '../../support/tokens.js';

const NOW_S = nowSeconds();
const HEADER = { alg: 'HS256', typ: 'JWT' };
const OPTIONS: AuthOptions = {
  key: { secret: SECRET },
  algorithms: ['HS256'],
  idClaim: 'sub',
  issuer: undefined,
  audience: undefined,
  requireExp: false,
};
const STRICT: AuthOptions = { ...OPTIONS, issuer: 'login', audience: 'parley', requireExp: true };
const GOOD = { sub: 1, iss: 'login', aud: 'parley', exp: NOW_S + 60 };

const authenticator = (options: AuthOptions) => new Authenticator(options, undefined, () => NOW_S * 1000);

/** One that has passed a token with this header. */
async function used(options: AuthOptions, header: object = HEADER): Promise<Authenticator> {
  const auth = authenticator(options);
  await auth.verify(forge(header, { ...GOOD, jti: 'before' }));
  return auth;
}

const verdict = (auth: Authenticator, token: string) => auth.verify(token).catch(() => 'refused');

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
    ['times within the leeway', { sub: 1, exp: NOW_S - 4, nbf: NOW_S + 5 }, OPTIONS],
    ['all that is asked for', GOOD, STRICT],
    ['several audiences', { ...GOOD, aud: ['other', 'parley'] }, STRICT],
  ];
  it.each(passing)('passes in the same tick with %s', async (_what, claims, options) => {
    const token = forge(HEADER, claims);
    expect((await used(options)).verifyNow(token)).toBeDefined();
    expect(await bothVerdicts(token, options)).toMatchObject({ caller: expect.anything() });
  });

  const refused: [string, object | string, AuthOptions][] = [
    ['no id', {}, OPTIONS],
    ['an id that is none', { sub: 0 }, OPTIONS],
    ['an end that has come', { sub: 1, exp: NOW_S - 5 }, OPTIONS],
    ['a beginning to come', { sub: 1, nbf: NOW_S + 6 }, OPTIONS],
    ['an end that is no number', { sub: 1, exp: String(NOW_S + 60) }, OPTIONS],
    ['a beginning that is no number', { sub: 1, nbf: null }, OPTIONS],
    ['a time of issue that is no number', { sub: 1, iat: 'today' }, OPTIONS],
    ['no end', { ...GOOD, exp: undefined }, STRICT],
    ['another issuer', { ...GOOD, iss: 'login2' }, STRICT],
    ['no issuer', { ...GOOD, iss: undefined }, STRICT],
    ['another audience', { ...GOOD, aud: ['other'] }, STRICT],
    ['no audience', { ...GOOD, aud: undefined }, STRICT],
    ['a list of claims', '[]', OPTIONS],
    ['a text of claims', '"x"', OPTIONS],
    ['half of the claims', '{"sub":1', OPTIONS],
    ['nothing', '', OPTIONS],
  ];
  it.each(refused)('is refused with %s', async (_what, claims, options) => {
    expect(await bothVerdicts(forge(HEADER, claims), options)).toBe('refused');
  });

  const [header = '', payload = '', signature = ''] = forge(HEADER, { sub: 1 }).split('.');
  const signed = (text: string) => `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
  it.each([
    ['another secret', forge(HEADER, { sub: 1 }, `${SECRET}x`)],
    ['no signature', `${header}.${payload}.`],
    ['two parts', `${header}.${payload}`],
    ['one part', header],
    ['four parts', `${header}.${payload}.${signature}.${signature}`],
    ['four parts, all of them signed', signed(`${header}.${payload}.${payload}`)],
    ['half of the signature', `${header}.${payload}.${signature.slice(0, 20)}`],
    ['more than the signature', `${header}.${payload}.${signature}AAAA`],
    ['the signature of other claims', forge(HEADER, { sub: 2 }).replace(/\..*\./, `.${payload}.`)],
    ['claims that are no base64url', signed(`${header}.{"sub":1}`)],
    ['claims beyond ASCII', signed(`${header}.${payload}é`)],
    [
      'claims that are no UTF-8',
      signed(`${header}.${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}`),
    ],
    ['a signature with padding', `${header}.${payload}.${signature}=`],
    ['a signature with other letters for the same bytes', `${header}.${payload}.${respelt(signature)}`],
    ['too many characters', forge(HEADER, { sub: 1, more: 'x'.repeat(4096) })],
  ])('is refused with %s', async (_what, token) => {
    expect(await bothVerdicts(token, OPTIONS)).toBe('refused');
  });

  it.each([
    ['claims with a space', signed(`${header}.${payload.slice(0, 3)} ${payload.slice(3)}`)],
  ])('is as good as jose says with %s', async (_what, token) => {
    await bothVerdicts(token, OPTIONS);
  });

  it('is judged anew each time that it is bad', async () => {
    let now = NOW_S * 1000;
    const auth = new Authenticator(OPTIONS, undefined, () => now);
    await auth.verify(forge(HEADER, { sub: 1 }));
    const token = forge(HEADER, { sub: 1, nbf: NOW_S + 60 });
    expect(auth.verifyNow(token)).toBeUndefined();
    expect(await verdict(auth, token)).toBe('refused');
    now += 60_000;
    expect(auth.verifyNow(token)).toMatchObject({ caller: { id: 1 } });
  });

  it('is refused without a look at its claims when another secret signed it', async () => {
    const auth = authenticator(OPTIONS);
    const token = forge(HEADER, { sub: 1 }, `${SECRET}x`);
    const check = vi.spyOn(auth, 'check');
    expect(auth.verifyNow(token)).toBeUndefined();
    expect(await verdict(auth, token)).toBe('refused');
    expect(check).not.toHaveBeenCalled();
  });

  it('is known from then on, until it ends', async () => {
    let now = NOW_S * 1000;
    const auth = new Authenticator(OPTIONS, undefined, () => now);
    await auth.verify(forge(HEADER, { sub: 1 }));
    const token = forge(HEADER, { sub: 1, exp: NOW_S + 60 });
    expect(auth.verifyNow(token)).toBe(auth.verifyNow(token));
    now += 65_000;
    expect(auth.verifyNow(token)).toBeUndefined();
    expect(await verdict(auth, token)).toBe('refused');
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

  it.each([
    ['names no algorithm', { alg: 'none' }],
    ['names another algorithm', { alg: 'HS512' }],
    ['brings a key', { alg: 'HS256', jwk: {} }],
    ['brings the address of keys', { alg: 'HS256', jku: 'https://elsewhere.example' }],
    ['has a critical part', { alg: 'HS256', crit: ['b64'], b64: true }],
  ])('never passes when it %s', async (_what, bad) => {
    const auth = await used(OPTIONS);
    for (let time = 0; time < 2; time++) {
      const token = forge(bad, { sub: 1, jti: `${time}` });
      expect(await verdict(auth, token)).toBe('refused');
      expect(auth.verifyNow(token)).toBeUndefined();
    }
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
  expect(await verdict(auth, forge({ alg: 'HS256' }, { sub: 3 }, pem))).toBe('refused');
});
