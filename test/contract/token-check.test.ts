import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkToken } from '../../src/cli/check-token.js';
import { readConfig } from '../../src/config.js';
import { OperatorError } from '../../src/operator-error.js';
import { exitOf, launch, SECRET } from '../support/server.js';
import { forge, forgeLong, nowSeconds, sign } from '../support/tokens.js';

/** Where no server has been. */
const NOWHERE = { JWT_SECRET: SECRET, DATA_DIR: '/nonexistent' };

/** What the command says, within this process. */
async function check(token: string, env: Record<string, string> = {}) {
  try {
    return { code: 0, text: await checkToken(readConfig({ ...NOWHERE, ...env }), token) };
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return { code: 1, text: `parley: ${error.message}` };
  }
}

async function run(...args: string[]) {
  const { process, output } = launch(NOWHERE, ['token', ...args]);
  return { code: (await exitOf(process)).code, text: output.text.trim() };
}

const HS256 = { alg: 'HS256' };
const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const privateKey = () => generateKeyPairSync('ed25519').privateKey;

describe('`token --check` of a token that the server takes', () => {
  it('says whom it speaks for', async () => {
    const { code, text } = await check(await sign({ sub: '7' }));
    expect([code, text]).toEqual([
      0,
      'this server takes the token: it speaks for user 7, and it never expires',
    ]);
  });

  it('says until when', async () => {
    const exp = nowSeconds() + 3600;
    const { code, text } = await check(await sign({ sub: 'auth0|x', exp }));
    expect([code, text]).toEqual([
      0,
      `this server takes the token: it speaks for subject "auth0|x", and it expires at ${at(exp)}`,
    ]);
  });
});

describe('`token --check` of a token that says that it is issued when it cannot be', () => {
  const now = nowSeconds();
  it.each([
    [
      'in milliseconds',
      now * 1000,
      `its iat (${now * 1000}) is not in seconds, but as it seems in milliseconds`,
    ],
    ['in the future', now + 7200, `its iat (${at(now + 7200)}) is ahead of this server's clock`],
    ['before 1970', -5, 'its iat (-5) is before 1970'],
  ])('names it: %s', async (_what, iat, words) => {
    const { code, text } = await check(await sign({ sub: 7, iat }));
    expect([code, ...text.split('\n')]).toEqual([
      0,
      'this server takes the token: it speaks for user 7, and it never expires',
      `but ${words}: any revocation of the user makes the token void`,
    ]);
  });
});

describe('`token --check` of a token that the server refuses says why', () => {
  const past = nowSeconds() - 3600;
  const future = nowSeconds() + 3600;
  const cases: [string, string, () => string | Promise<string>, Record<string, string>?][] = [
    ['nothing', 'it is not a JWT (Invalid Compact JWS)', () => ''],
    ['a word', 'it is not a JWT (Invalid Compact JWS)', () => 'word'],
    ['expired', `it expired at ${at(past)}`, () => sign({ sub: 1, exp: past })],
    ['not yet valid', `it is not valid before ${at(future)}`, () => sign({ sub: 1, nbf: future })],
    [
      'an end that is no number',
      'its claim exp is not a number',
      () => forge(HS256, { sub: 1, exp: 'soon' }),
    ],
    [
      'another secret',
      'its signature was not made with the key of this server',
      () => forge(HS256, { sub: 1 }, 'x'.repeat(32)),
    ],
    ['another algorithm', 'its algorithm is not one of HS256', () => sign({ sub: 1 }, 'EdDSA', privateKey())],
    ['no algorithm', 'its algorithm is not one of HS256', () => forge({ alg: 'none' }, { sub: 1 }, '')],
    [
      'a critical header',
      'its header has crit, which no token may bring',
      () => forge({ ...HS256, crit: ['b'], b: 1 }, { sub: 1 }),
    ],
    [
      'an end in milliseconds',
      'its claim exp is 1900000000000, which is no time in seconds, but as it seems one in milliseconds',
      () => sign({ sub: 1, exp: 1_900_000_000_000 }),
    ],
    [
      'a beginning in milliseconds',
      'its claim nbf is 1700000000000, which is no time in seconds, but as it seems one in milliseconds',
      () => sign({ sub: 1, nbf: 1_700_000_000_000 }),
    ],
    [
      'an issue that is no number',
      'its claim iat is not a number',
      () => sign({ sub: 1, iat: String(past) }),
    ],
    [
      'a slash too many',
      'its claim iss is "https://x/", and must be one of "login", "https://x" (the slash at the end makes a difference)',
      () => sign({ sub: 1, iss: 'https://x/' }),
      { JWT_ISSUER: 'login,https://x' },
    ],
    ['nobody', 'its claim sub names no user', () => sign({ sub: '' })],
    [
      'another claim for the user',
      'its claim uid names no user',
      () => sign({ sub: 1 }),
      { JWT_ID_CLAIM: 'uid' },
    ],
    ['no issuer', 'it has no claim iss', () => sign({ sub: 1 }), { JWT_ISSUER: 'login' }],
    [
      'another issuer',
      'its claim iss is "evil", and must be "login"',
      () => sign({ sub: 1, iss: 'evil' }),
      { JWT_ISSUER: 'login' },
    ],
    [
      'another audience',
      'its claim aud is "mail", and must be "chat"',
      () => sign({ sub: 1, aud: 'mail' }),
      { JWT_AUDIENCE: 'chat' },
    ],
    ['no end', 'it has no claim exp', () => sign({ sub: 1 }), { JWT_REQUIRE_EXP: 'true' }],
    ['too long', 'it has more than 12288 characters', () => forgeLong(12_289, { sub: 1 })],
  ];
  it.each(cases)('%s: %s', async (_what, words, token, env = {}) => {
    const { code, text } = await check(await token(), env);
    expect([code, text]).toEqual([1, `parley: this server refuses the token: ${words}`]);
  });
});

it('`token --check` says so as a command, and exits with 0 for a token that is taken alone', async () => {
  for (const token of [await sign({ sub: 7 }), 'word'])
    expect(await run(`--check=${token}`)).toEqual(await check(token));
});

it('`token --check` takes no other option', async () => {
  const { process, output } = launch({ JWT_SECRET: SECRET }, ['token', '--check', 'x', '--sub', '1']);
  expect((await exitOf(process)).code).toBe(1);
  expect(output.text).toContain('--check takes no other option');
});

it('`token --check` without a key says that there is none yet', async () => {
  const { process, output } = launch({ DATA_DIR: '/nonexistent', JWT_SECRET: '' }, ['token', '--check', 'x']);
  expect((await exitOf(process)).code).toBe(1);
  expect(output.text).toContain('there is no secret in /nonexistent yet');
});
