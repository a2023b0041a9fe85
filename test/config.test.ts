import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Environment, readConfig } from '../src/config.js';
import { OperatorError } from '../src/operator-error.js';
import { RENAMED_SETTINGS } from '../src/renamed-settings.js';

const SECRET = 'x'.repeat(32);
const PEM = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** The lines of the refusal. */
function problems(env: Record<string, string>): string[] {
  try {
    readConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(OperatorError);
    return (error as OperatorError).message.split('\n');
  }
  return [];
}

describe('the settings', () => {
  it('have the defaults of the contract', () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      port: 8080,
      host: '0.0.0.0',
      workers: availableParallelism(),
      dataDir: resolve('./data'),
      logLevel: 'info',
      queryToken: false,
      photoBytesMax: 10 * 1024 * 1024,
      freeSpaceBytesMin: 512 * 1024 * 1024,
      textCharactersMax: 4096,
      redis: undefined,
      drainSpreadMs: 2000,
      jwt: { key: undefined, algorithms: ['HS256'], idClaim: 'sub', requireExp: false, leewaySeconds: 30 },
    });
    expect(config.jwt.issuers).toBeUndefined();
    expect(config.jwt.audiences).toBeUndefined();
  });

  it('are read from the environment', () => {
    const config = readConfig({
      PORT: '0',
      HOST: '::1',
      WORKERS: '3',
      DATA_DIR: 'some/where',
      LOG_LEVEL: 'silent',
      REDIS_URL: 'rediss://chat:p%40ss@redis.example:6380/3',
      REDIS_PREFIX: 'staging:',
      JWT_SECRET: SECRET,
      JWT_ID_CLAIM: 'uid',
      JWT_ISSUER: 'https://issuer, https://issuer/',
      JWT_AUDIENCE: 'chat',
      JWT_REQUIRE_EXP: 'true',
      JWT_LEEWAY_SECONDS: '300',
      AUTH_QUERY_TOKEN: 'true',
      PHOTO_BYTES_MAX: '1000',
      FREE_SPACE_BYTES_MIN: '0',
      TEXT_CHARACTERS_MAX: '8192',
      TYPING_MEMBERS_MAX: '0',
    });
    expect(config).toMatchObject({
      port: 0,
      host: '::1',
      workers: 3,
      dataDir: resolve('some/where'),
      logLevel: 'silent',
      queryToken: true,
      photoBytesMax: 1000,
      freeSpaceBytesMin: 0,
      textCharactersMax: 8192,
      limits: { typingMembersMax: 0 },
      redis: { url: 'rediss://chat:p%40ss@redis.example:6380/3', prefix: 'staging:' },
      jwt: {
        key: { secret: SECRET },
        idClaim: 'uid',
        issuers: ['https://issuer', 'https://issuer/'],
        audiences: ['chat'],
        requireExp: true,
        leewaySeconds: 300,
      },
    });
  });

  it('count as not set when they are empty', () => {
    expect(readConfig({ PORT: '', JWT_SECRET: '', JWT_PUBLIC_KEY: '', REDIS_URL: '' })).toEqual(
      readConfig({}),
    );
  });

  it('cannot be changed', () => {
    const config = readConfig({});
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.jwt, { algorithms: ['none'] })).toThrow(TypeError);
    const { redis } = readConfig({ REDIS_URL: 'redis://localhost' });
    expect(() => Object.assign(redis ?? {}, { prefix: '' })).toThrow(TypeError);
  });

  it.each([
    ['PORT', ['-1', '65536', '80a', '1.5', ' 80', '0x50', '1e3']],
    ['WORKERS', ['0', '257', 'max', '-1']],
    ['LOG_LEVEL', ['loud', 'INFO']],
    [
      'REDIS_URL',
      [
        'localhost',
        'localhost:6379',
        'http://localhost',
        'redis:',
        'redis:///1',
        'redis://localhost:99999',
        'redis://localhost/mine',
        'redis://localhost/1/2',
        'redis://localhost?db=1',
        'redis://localhost#1',
        'redis://user:%zz@localhost',
        '/var/run/redis.sock',
      ],
    ],
    ['REDIS_PREFIX', ['two words', 'line\nbreak', 'é:', 'x'.repeat(65)]],
    ['JWT_SECRET', ['short', 'x'.repeat(31)]],
    ['JWT_ALGORITHMS', ['none', 'RS256', 'HS256,none', 'hs256', 'HS384']],
    ['JWT_REQUIRE_EXP', ['yes', '1', 'TRUE']],
    ['JWT_LEEWAY_SECONDS', ['-1', '301', '1.5', '30s']],
    ['JWT_ISSUER', [',', 'login,', ' ', 'a,,b']],
    ['JWT_AUDIENCE', [',', 'chat, ']],
    ['AUTH_QUERY_TOKEN', ['on', '0']],
    ['PHOTO_BYTES_MAX', ['0', String(10 * 1024 * 1024 + 1), '10MB']],
    ['FREE_SPACE_BYTES_MIN', ['-1', '512MB', '1e9', '9007199254740992']],
    ['TEXT_CHARACTERS_MAX', ['0', '8193']],
    ['TYPING_MEMBERS_MAX', ['-1', 'all']],
    ['DRAIN_SPREAD_MS', ['-1', '5001', '2s']],
  ])('%s is refused with a value that is not allowed', (name, values) => {
    for (const value of values) {
      const found = problems({ [name]: value });
      expect(found, value).toHaveLength(1);
      expect(found[0]).toMatch(new RegExp(`^${name} `));
    }
  });

  it('are refused all at once, one a line', () => {
    const bad = {
      PORT: 'http',
      WORKERS: '0',
      LOG_LEVEL: 'loud',
      JWT_REQUIRE_EXP: 'maybe',
      TEXT_CHARACTERS_MAX: '0',
      REDIS_URL: 'localhost',
      TLS_CERT: 'cert.pem',
    };
    const names = problems(bad).map((problem) => problem.split(' ')[0]);
    expect(names.sort()).toEqual(Object.keys(bad).sort());
  });

  it('are refused all at once, also where one depends on another', () => {
    const bad = { PORT: 'http', JWT_SECRET: 'short', JWT_ALGORITHMS: 'none' };
    const names = problems(bad).map((problem) => problem.split(' ')[0]);
    expect(names.sort()).toEqual(Object.keys(bad).sort());
  });

  it('never show the secret', () => {
    expect(problems({ JWT_SECRET: 'hunter2', PORT: 'x' }).join()).not.toContain('hunter2');
    expect(problems({ REDIS_URL: 'redis://me:hunter2@host/x' }).join()).not.toContain('hunter2');
  });

  it.each([
    'redis://localhost',
    'redis://127.0.0.1:7000/0',
    'redis://[::1]:6379',
    'redis://:password@redis',
    'rediss://user:pass@redis.example/15',
  ])('take %s for a Redis', (url) => {
    expect(readConfig({ REDIS_URL: url }).redis).toEqual({ url, prefix: 'parley:' });
  });

  it('take a scheme in capitals for what it is: TLS stays TLS', () => {
    expect(readConfig({ REDIS_URL: 'REDISS://redis.example' }).redis?.url).toBe('rediss://redis.example');
  });
});

describe('a setting under its old name', () => {
  const cases = [
    { old: 'PHOTO_MAX_BYTES', setting: 'PHOTO_BYTES_MAX', field: 'photoBytesMax' },
    { old: 'FREE_SPACE_MIN_BYTES', setting: 'FREE_SPACE_BYTES_MIN', field: 'freeSpaceBytesMin' },
  ] as const;

  it('is among these', () => {
    expect(Object.entries(RENAMED_SETTINGS)).toEqual(cases.map(({ old, setting }) => [old, setting]));
  });

  it.each(cases)('$old is read, and can be warned of', ({ old, setting, field }) => {
    const config = readConfig({ [old]: '1000' });
    expect([config[field], config.oldNames]).toEqual([1000, [{ old, setting }]]);
    expect(readConfig({ [setting]: '1000', [old]: '' }).oldNames).toEqual([]);
  });

  it.each(cases)('$old may stand beside $setting when both say the same', ({ old, setting, field }) => {
    const config = readConfig({ [old]: '1000', [setting]: '1000' });
    expect([config[field], config.oldNames]).toEqual([1000, [{ old, setting }]]);
    expect(readConfig({ [old]: '1000', [setting]: '' })[field]).toBe(1000);
  });

  it.each(cases)('$old is refused beside $setting with another value', ({ old, setting }) => {
    expect(problems({ [old]: '1000', [setting]: '1001' })).toEqual([
      `${old} is the old name of ${setting}, which has another value; leave ${old} out`,
    ]);
  });

  it.each(cases)('$old is named when its value is not allowed', ({ old, setting }) => {
    expect(problems({ [old]: 'all' })).toEqual([`${old} must be a whole number`]);
    expect(problems({ [old]: 'all', [setting]: 'all' })).toEqual([`${setting} must be a whole number`]);
  });
});

it('a setting that is a number ends in its unit, or in MAX or MIN when it is a bound', () => {
  const isNumber = (name: string) => problems({ [name]: '-' })[0]?.endsWith(' must be a whole number');
  const numbers = Object.keys(Environment.shape).filter(isNumber);
  expect(numbers).toContain('PHOTO_BYTES_MAX');
  const others = numbers.filter((name) => !/^[A-Z]+_([A-Z]+_)*(MAX|MIN|MS|SECONDS)$/.test(name));
  expect(others).toEqual(['PORT', 'WORKERS']);
  expect(numbers.filter((name) => /_(MAX|MIN)_/.test(name))).toEqual([]);
});

describe('TLS_CERT and TLS_KEY', () => {
  const file = (name: string) => fileURLToPath(new URL(`./support/tls/${name}`, import.meta.url));
  const [cert, key, nextKey] = [file('cert.pem'), file('key.pem'), file('next-key.pem')];

  it('are files that belong together', () => {
    expect(readConfig({ TLS_CERT: cert, TLS_KEY: key }).tls).toEqual({ cert, key });
    expect(readConfig({}).tls).toBeUndefined();
  });

  it('are not looked into by what does not serve', () => {
    const tls = { cert: '/none', key: '/none' };
    expect(readConfig({ TLS_CERT: '/none', TLS_KEY: '/none' }, { serves: false }).tls).toEqual(tls);
  });

  it.each([
    ['one alone', { TLS_CERT: cert }, /go together/],
    ['the other alone', { TLS_KEY: key }, /go together/],
    [
      'files that are not there',
      { TLS_CERT: '/none', TLS_KEY: '/none' },
      /^TLS_CERT is no file.* \(ENOENT\),TLS_KEY is no file.* \(ENOENT\)$/,
    ],
    [
      'what cannot be read',
      { TLS_CERT: '/', TLS_KEY: '/' },
      /^TLS_CERT is no file.* \(EISDIR\),TLS_KEY is no file.* \(EISDIR\)$/,
    ],
    ['the wrong way round', { TLS_CERT: key, TLS_KEY: cert }, /^TLS_CERT is no file.*TLS_KEY is no file/],
    ['the key of another', { TLS_CERT: cert, TLS_KEY: nextKey }, /^TLS_KEY is not the key/],
  ])('are refused: %s', (_what, env: Record<string, string>, words) => {
    expect(problems(env).join()).toMatch(words);
  });
});

describe('ALLOWED_ORIGINS', () => {
  it('is any when it is not set', () => {
    expect(readConfig({}).allowedOrigins).toBeUndefined();
  });

  it('is a list of origins, with or without spaces', () => {
    const origins = ['https://chat.example', 'https://*.chat.example', 'capacitor://localhost'];
    for (const separator of [',', ', '])
      expect(readConfig({ ALLOWED_ORIGINS: origins.join(separator) }).allowedOrigins).toEqual(origins);
  });

  it('says of every entry that cannot be used what is wrong, each on a line', () => {
    expect(problems({ ALLOWED_ORIGINS: 'https://chat.example,https://Chat.example/,null,' })).toEqual([
      'ALLOWED_ORIGINS has "https://Chat.example/": browsers send this as https://chat.example',
      'ALLOWED_ORIGINS has "null": any local file or sandboxed page may send this, so it cannot be allowed',
      'ALLOWED_ORIGINS has an entry that is empty',
    ]);
  });
});

describe('TRUST_PROXY', () => {
  it('is the networks that it names', () => {
    expect(readConfig({}).trustProxy).toEqual([]);
    expect(readConfig({ TRUST_PROXY: 'false' }).trustProxy).toEqual([]);
    expect(readConfig({ TRUST_PROXY: '10.0.0.0/8, ::1' }).trustProxy).toEqual(['10.0.0.0/8', '::1/128']);
  });

  it.each([
    'yes',
    'TRUE',
    'true,10.0.0.1',
    '10.0.0.0/33',
    'proxy.example',
    '10.0.0.1,',
  ])('is refused when it is %s, with what it may be', (value) => {
    expect(problems({ TRUST_PROXY: value })).toEqual([
      'TRUST_PROXY must be true, false, or addresses and networks such as 10.0.0.0/8,::1, loopback or private',
    ]);
  });
});

describe('limits', () => {
  it('have the defaults of the contract, and are off at 0', () => {
    expect(readConfig({}).limits).toEqual({
      editSecondsMax: 0,
      socketsMax: 0,
      socketsPerUserMax: 1000,
      socketsPerAddressMax: 5000,
      failedLoginsPerMinutePerAddressMax: 300,
      requestsPerSecondPerUserMax: 200,
      messagesPerSecondPerUserMax: 20,
      typingPerSecondPerUserMax: 2,
      uploadsPerMinutePerUserMax: 30,
      groupMembersMax: 10_000,
      typingMembersMax: 100,
    });
    expect(readConfig({ SOCKETS_MAX: '10', MESSAGES_PER_SECOND_PER_USER_MAX: '0' }).limits).toMatchObject({
      socketsMax: 10,
      messagesPerSecondPerUserMax: 0,
    });
  });

  it.each(['-1', '1.5', 'many', '1000000001'])('are refused when they are %s', (value) => {
    expect(problems({ GROUP_MEMBERS_MAX: value })).toEqual([
      expect.stringMatching(/^GROUP_MEMBERS_MAX must be /),
    ]);
  });
});

describe('the key that tokens are checked with', () => {
  const pem = (key: KeyObject, type: 'spki' | 'pkcs8' = 'spki') =>
    key.export({ type, format: 'pem' }).toString();
  const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).publicKey;
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey;

  it('may be a JWKS, whose keys are not secrets', () => {
    const url = 'https://login.example/keys';
    expect(readConfig({ JWT_JWKS_URL: url }).jwt).toMatchObject({
      key: { jwksUrl: url },
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    });
    expect(readConfig({ JWT_JWKS_URL: url, JWT_ALGORITHMS: 'ES256' }).jwt.algorithms).toEqual(['ES256']);
    expect(problems({ JWT_JWKS_URL: url, JWT_ALGORITHMS: 'HS256' }).join()).toMatch(/^JWT_ALGORITHMS /);
    expect(problems({ JWT_JWKS_URL: url, JWT_SECRET: SECRET }).join()).toMatch(/set together/);
    for (const bad of [
      'login.example/keys',
      'ftp://login.example',
      'https://',
      'file:///keys',
      'https://user:word@login.example',
    ])
      expect(problems({ JWT_JWKS_URL: bad }).join()).toMatch(/^JWT_JWKS_URL /);
  });

  it('pins the algorithms by its kind', () => {
    expect(readConfig({ JWT_SECRET: SECRET }).jwt.algorithms).toEqual(['HS256']);
    for (const [key, algorithms] of [
      [PEM, ['EdDSA']],
      [pem(ec('P-256')), ['ES256']],
      [pem(rsa(2048)), ['RS256', 'PS256']],
    ] as const) {
      expect(readConfig({ JWT_PUBLIC_KEY: key }).jwt).toMatchObject({ key: { publicKey: key }, algorithms });
    }
  });

  it('takes fewer algorithms, never those of another kind', () => {
    const fewer = readConfig({ JWT_PUBLIC_KEY: pem(rsa(2048)), JWT_ALGORITHMS: ' PS256 ' });
    expect(fewer.jwt.algorithms).toEqual(['PS256']);
    expect(readConfig({ JWT_SECRET: SECRET, JWT_ALGORITHMS: 'HS256' }).jwt.algorithms).toEqual(['HS256']);
    for (const algorithm of ['HS256', 'none', 'EdDSA,HS256', 'RS256', 'EdDSA,']) {
      const found = problems({ JWT_PUBLIC_KEY: PEM, JWT_ALGORITHMS: algorithm });
      expect(found.join(), algorithm).toMatch(/^JWT_ALGORITHMS /);
    }
    expect(problems({ JWT_SECRET: SECRET, JWT_ALGORITHMS: 'ES256' }).join()).toMatch(/^JWT_ALGORITHMS /);
  });

  it('is public, and strong enough for an algorithm that the server takes', () => {
    const secret = pem(generateKeyPairSync('ed25519').privateKey, 'pkcs8');
    for (const key of [pem(rsa(1024)), pem(ec('P-384')), secret]) {
      expect(problems({ JWT_PUBLIC_KEY: key }).join()).toMatch(/^JWT_PUBLIC_KEY /);
    }
  });

  it('is one', () => {
    expect(problems({ JWT_SECRET: SECRET, JWT_PUBLIC_KEY: PEM }).join()).toMatch(/set together/);
  });

  it('may be a secret of 32 bytes in fewer characters', () => {
    expect(readConfig({ JWT_SECRET: 'é'.repeat(16) }).jwt.key).toEqual({ secret: 'é'.repeat(16) });
  });

  it('may be a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-config-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'key.pem');
    writeFileSync(file, PEM);
    expect(readConfig({ JWT_PUBLIC_KEY: file }).jwt.key).toEqual({ publicKey: PEM });
    expect(problems({ JWT_PUBLIC_KEY: join(folder, 'none.pem') })).toHaveLength(1);
  });

  it('must be a key', () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-config-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'key.pem');
    writeFileSync(file, 'not a key');
    expect(problems({ JWT_PUBLIC_KEY: file }).join()).toMatch(/^JWT_PUBLIC_KEY /);
    const broken = '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n';
    expect(problems({ JWT_PUBLIC_KEY: broken }).join()).toMatch(/^JWT_PUBLIC_KEY /);
  });
});
