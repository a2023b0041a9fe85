import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { type Limits, limitsOf, perSetting } from './chat/limits.js';
import { TEXT_CHARACTERS_MAX } from './chat/text.js';
import { OperatorError } from './operator-error.js';
import { givenName, type OldName, renamed } from './renamed-settings.js';
import type { AuthOptions } from './server/auth/auth-options.js';
import { readTokenKey } from './server/auth/token-key.js';
import { problemOfOrigin } from './server/http/allowed-origins.js';
import { trustedNetworks } from './server/limits/client-address.js';
import { problemsOfTls, type TlsFiles } from './server/tls.js';

const LIMIT_MAX = 1_000_000_000;
/** Of the 7 s that a worker has to drain, this leaves time for peers that are slow at the end. */
const DRAIN_SPREAD_MS_MAX = 5000;
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** The settings. Every process reads them from the environment once; only this file reads the environment. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly workers: number;
  /** An absolute path. */
  readonly dataDir: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly jwt: AuthOptions;
  /** When it is set, Redis links the workers beside the link through the ledger. */
  readonly redis: RedisSettings | undefined;
  /** Undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  /** Origins, some with `*` for their first label, whose pages may use the server; undefined: any. */
  readonly allowedOrigins: readonly string[] | undefined;
  /** Networks of the proxies whose X-Forwarded-For, -Proto and -Host are believed, as `<address>/<bits>`. */
  readonly trustProxy: readonly string[];
  /** Whether WebSocket paths take `?access_token=`. */
  readonly queryToken: boolean;
  readonly photoBytesMax: number;
  /** Photos are refused when the file system of `dataDir` has less free space; 0: never. */
  readonly freeSpaceBytesMin: number;
  readonly textCharactersMax: number;
  /** The time over which a worker that drains ends its sockets, one after the other; 0: all at once. */
  readonly drainSpreadMs: number;
  readonly limits: Limits;
  /** Names that settings had earlier and that the environment still has. The first process warns of them. */
  readonly oldNames: readonly OldName[];
}

export interface RedisSettings {
  /** A `redis:` or `rediss:` URL in its normal form. */
  readonly url: string;
  /** The names of all channels begin with this. */
  readonly prefix: string;
}

const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, { error: 'must be a whole number' })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: `must be from ${min} to ${max}` });
const flag = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((text) => text === 'true');
const text = z.string();
const names = text.transform(listOf).refine((list) => list.every((name) => name !== ''), {
  error: 'must be names with commas between them',
});

/** Every setting. Those without a rule of their own here are checked together: by readKey and readTls. */
export const Environment = z.object({
  PORT: integer(0, 65_535).default(8080),
  HOST: text.default('0.0.0.0'),
  WORKERS: integer(1, 256).default(() => availableParallelism()),
  DATA_DIR: text.default('./data'),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }).default('info'),
  REDIS_URL: text
    .transform(redisUrl)
    .refine((url) => url !== undefined, { error: 'must be redis[s]://[user:password@]host[:port][/db]' })
    .optional(),
  REDIS_PREFIX: text
    .regex(/^[!-~]{1,64}$/, { error: 'must be 1 to 64 ASCII characters without spaces' })
    .default('parley:'),
  ALLOWED_ORIGINS: text
    .transform(listOf)
    .superRefine((origins, context) => {
      const problems = origins.map(problemOfOrigin).filter((problem) => problem !== undefined);
      for (const message of problems) context.addIssue({ code: 'custom', message });
    })
    .optional(),
  TRUST_PROXY: text
    .transform(trustedNetworks)
    .refine((networks) => networks !== undefined, {
      error: 'must be true, false, or addresses and networks such as 10.0.0.0/8,::1, loopback or private',
    })
    .optional(),
  JWT_SECRET: text.optional(),
  JWT_PUBLIC_KEY: text.optional(),
  JWT_JWKS_URL: text.optional(),
  JWT_ALGORITHMS: text.optional(),
  JWT_ID_CLAIM: text.default('sub'),
  JWT_ISSUER: names.optional(),
  JWT_AUDIENCE: names.optional(),
  JWT_REQUIRE_EXP: flag.default(false),
  JWT_LEEWAY_SECONDS: integer(0, 300).default(30),
  AUTH_QUERY_TOKEN: flag.default(false),
  TLS_CERT: text.optional(),
  TLS_KEY: text.optional(),
  PHOTO_BYTES_MAX: integer(1, 10 * 1024 * 1024).default(10 * 1024 * 1024),
  FREE_SPACE_BYTES_MIN: integer(0, Number.MAX_SAFE_INTEGER).default(512 * 1024 * 1024),
  TEXT_CHARACTERS_MAX: integer(1, TEXT_CHARACTERS_MAX).default(4096),
  DRAIN_SPREAD_MS: integer(0, DRAIN_SPREAD_MS_MAX).default(2000),
  ...perSetting((limit) => integer(0, LIMIT_MAX).default(limit.default)),
});

/**
 * Reads and checks the settings; an empty one counts as not set. A process that does not serve has no use for the TLS
 * files and does not look into them, so a certificate that went missing does not stop the ledger. Errors: OperatorError
 * with every problem, one on a line.
 */
export function readConfig(
  env: NodeJS.ProcessEnv = process.env,
  { serves = true }: { serves?: boolean } = {},
): Config {
  const given: NodeJS.ProcessEnv = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== ''),
  );
  const problems: string[] = [];
  const { env: set, oldNames } = renamed(given, problems);
  const parsed = Environment.safeParse(set);
  for (const { path, message } of parsed.error?.issues ?? []) {
    problems.push(`${givenName(path.join('.'), oldNames, given)} ${message}`);
  }
  const key = readKey(set, problems);
  const tls = readTls(set, serves, problems);
  if (!parsed.success || problems.length > 0) throw new OperatorError(problems.join('\n'));

  const values = parsed.data;
  const { REDIS_URL: url, REDIS_PREFIX: prefix } = values;
  return Object.freeze({
    port: values.PORT,
    host: values.HOST,
    workers: values.WORKERS,
    dataDir: resolve(values.DATA_DIR),
    logLevel: values.LOG_LEVEL,
    jwt: Object.freeze({
      ...key,
      idClaim: values.JWT_ID_CLAIM,
      issuers: values.JWT_ISSUER,
      audiences: values.JWT_AUDIENCE,
      requireExp: values.JWT_REQUIRE_EXP,
      leewaySeconds: values.JWT_LEEWAY_SECONDS,
    }),
    redis: url === undefined ? undefined : Object.freeze({ url, prefix }),
    tls,
    allowedOrigins: values.ALLOWED_ORIGINS,
    trustProxy: Object.freeze(values.TRUST_PROXY ?? []),
    queryToken: values.AUTH_QUERY_TOKEN,
    photoBytesMax: values.PHOTO_BYTES_MAX,
    freeSpaceBytesMin: values.FREE_SPACE_BYTES_MIN,
    textCharactersMax: values.TEXT_CHARACTERS_MAX,
    drainSpreadMs: values.DRAIN_SPREAD_MS,
    limits: Object.freeze(limitsOf(values)),
    oldNames: Object.freeze(oldNames),
  });
}

function readKey(env: NodeJS.ProcessEnv, problems: string[]): ReturnType<typeof readTokenKey> {
  const { JWT_SECRET: secret, JWT_PUBLIC_KEY: publicKey, JWT_JWKS_URL: jwksUrl, JWT_ALGORITHMS } = env;
  const algorithms = JWT_ALGORITHMS === undefined ? undefined : listOf(JWT_ALGORITHMS);
  return readTokenKey({ secret, publicKey, jwksUrl, algorithms }, problems);
}

/** Looks into the files, so that the start and a SIGHUP say what is wrong with them. */
function readTls(env: NodeJS.ProcessEnv, look: boolean, problems: string[]): TlsFiles | undefined {
  const { TLS_CERT, TLS_KEY } = env;
  if (TLS_CERT === undefined && TLS_KEY === undefined) return undefined;
  if (TLS_CERT === undefined || TLS_KEY === undefined) {
    problems.push('TLS_CERT and TLS_KEY go together');
    return undefined;
  }
  const files = Object.freeze({ cert: resolve(TLS_CERT), key: resolve(TLS_KEY) });
  if (look) problems.push(...problemsOfTls(files));
  return files;
}

/** Returns the URL of a Redis in its normal form, or undefined when it is none. */
function redisUrl(value: string): string | undefined {
  try {
    const { href, protocol, hostname, username, password, pathname, search, hash } = new URL(value);
    decodeURIComponent(username + password); // It throws on what is not percent-encoded.
    const isRedis = ['redis:', 'rediss:'].includes(protocol) && hostname !== '';
    return isRedis && /^(\/\d{0,9})?$/.test(pathname) && search + hash === '' ? href : undefined;
  } catch {
    return undefined;
  }
}

function listOf(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

/** The folders where programs are looked for, which a child process with an environment of its own takes over. */
export function searchPath(): string {
  return process.env['PATH'] ?? '';
}

/** Sets the engine's limit of a request's head to 32 KiB instead of 4. The engine reads it when it is loaded. */
export function prepareEngine(): void {
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= '32768';
}

/** Whether `npm start` runs this process, which is there for as long as its npm. */
export function isRunByNpmStart(): boolean {
  const { npm_lifecycle_event: script, npm_package_name: name } = process.env;
  return script === 'start' && name === 'parley';
}
