import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as pathOf } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitOf, launch, SECRET } from '../support/server.js';
import { until } from '../support/wait.js';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(pathOf(tmpdir(), 'parley-settings-'));
});
afterAll(() => rm(dataDir, { recursive: true }));

const PEM = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** Starts with these settings, which must be refused: the lines that say why. */
async function problemsOf(env: Record<string, string>): Promise<string[]> {
  const { process, output } = launch({ WORKERS: '1', DATA_DIR: dataDir, ...env });
  try {
    await until(() => {
      if (output.text.includes('listening')) throw new Error('the server started');
      return process.exitCode !== null;
    });
  } finally {
    process.kill('SIGTERM');
    await exitOf(process);
  }
  expect(process.exitCode).toBe(1);
  return output.text.trim().split('\n');
}

describe('a setting that cannot be used', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    ['two keys', { JWT_SECRET: SECRET, JWT_PUBLIC_KEY: PEM }, /JWT_SECRET.*JWT_PUBLIC_KEY/],
    ['a secret and a URL', { JWT_SECRET: SECRET, JWT_JWKS_URL: 'https://x.example' }, /JWT_JWKS_URL/],
    ['a key and a URL', { JWT_PUBLIC_KEY: PEM, JWT_JWKS_URL: 'https://x.example' }, /JWT_JWKS_URL/],
    ['a secret under 32 bytes', { JWT_SECRET: 'x'.repeat(31) }, /JWT_SECRET.*32/],
    ['a key file that is not there', { JWT_PUBLIC_KEY: '/nowhere/key.pem' }, /JWT_PUBLIC_KEY/],
    [
      'a key that is none',
      { JWT_PUBLIC_KEY: '-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----' },
      /JWT_PUBLIC_KEY/,
    ],
    ['the algorithm none', { JWT_SECRET: SECRET, JWT_ALGORITHMS: 'HS256,none' }, /JWT_ALGORITHMS.*none/],
    ['HS512', { JWT_SECRET: SECRET, JWT_ALGORITHMS: 'HS512' }, /JWT_ALGORITHMS.*HS512/],
    ['RS256 with a secret', { JWT_SECRET: SECRET, JWT_ALGORITHMS: 'RS256' }, /JWT_ALGORITHMS.*RS256/],
    ['HS256 with a public key', { JWT_PUBLIC_KEY: PEM, JWT_ALGORITHMS: 'HS256' }, /JWT_ALGORITHMS.*HS256/],
    [
      'a Redis that is none',
      { JWT_SECRET: SECRET, REDIS_URL: 'http://me:hunter2@localhost' },
      /REDIS_URL(?!.*hunter2)/,
    ],
    ['a port that is none', { JWT_SECRET: SECRET, PORT: '65536' }, /PORT/],
    ['no workers', { JWT_SECRET: SECRET, WORKERS: '0' }, /WORKERS/],
    ['a level that is none', { JWT_SECRET: SECRET, LOG_LEVEL: 'loud' }, /LOG_LEVEL/],
    ['a flag that is none', { JWT_SECRET: SECRET, JWT_REQUIRE_EXP: 'yes' }, /JWT_REQUIRE_EXP/],
  ])('ends the start with exit 1 and one line: %s', async (_what, env, line) => {
    const problems = await problemsOf(env);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(line);
    expect(problems[0]).not.toContain(SECRET);
  });

  it('is told together with all the others, each in a line', async () => {
    const problems = await problemsOf({
      JWT_SECRET: 'short',
      JWT_PUBLIC_KEY: PEM,
      JWT_ALGORITHMS: 'none',
      JWT_REQUIRE_EXP: 'maybe',
      PORT: '-1',
      WORKERS: 'many',
      LOG_LEVEL: 'loud',
      TEXT_CHARACTERS_MAX: '8193',
    });
    for (const name of [
      'JWT_SECRET must',
      'JWT_SECRET.*JWT_PUBLIC_KEY',
      'JWT_ALGORITHMS',
      'JWT_REQUIRE_EXP',
      'PORT',
      'WORKERS',
      'LOG_LEVEL',
      'TEXT_CHARACTERS_MAX',
    ]) {
      expect.soft(problems.filter((line) => new RegExp(`\\b${name}\\b`).test(line))).not.toEqual([]);
    }
  });

  it('is told together with a key file that is not there', async () => {
    const problems = await problemsOf({ JWT_PUBLIC_KEY: '/nowhere/key.pem', PORT: 'x' });
    expect(problems).toHaveLength(2);
    expect(problems.join('\n')).toMatch(/PORT/);
    expect(problems.join('\n')).toMatch(/JWT_PUBLIC_KEY/);
  });
});
