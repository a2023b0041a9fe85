import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { AuthOptions } from './server/auth.js';

const JWT_SECRET_BYTES_MIN = 32;
const SECRET_ALGORITHMS = ['HS256'] as const;
const PUBLIC_KEY_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;

/** Read from the environment once, in every process; nothing else reads it. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly workers: number;
  /** Absolute. */
  readonly dataDir: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly jwt: AuthOptions;
  /** Takes `?access_token=` on WebSocket paths. */
  readonly queryToken: boolean;
  readonly photoBytesMax: number;
  readonly textCharactersMax: number;
  readonly typingMembersMax: number;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Settings of the contract that this version does not serve: to ignore one would be worse than to refuse. */
const NOT_SERVED = [
  'REDIS_URL',
  'JWT_JWKS_URL',
  'ALLOWED_ORIGINS',
  'TLS_CERT',
  'TLS_KEY',
  'TRUST_PROXY',
] as const;

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

const Environment = z.object({
  PORT: integer(0, 65_535).default(8080),
  HOST: text.default('0.0.0.0'),
  WORKERS: integer(1, 256).default(() => availableParallelism()),
  DATA_DIR: text.default('./data'),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }).default('info'),
  JWT_SECRET: text.optional(),
  JWT_PUBLIC_KEY: text.optional(),
  JWT_ID_CLAIM: text.default('sub'),
  JWT_ISSUER: text.optional(),
  JWT_AUDIENCE: text.optional(),
  JWT_ALGORITHMS: text.transform(list).optional(),
  JWT_REQUIRE_EXP: flag.default(false),
  AUTH_QUERY_TOKEN: flag.default(false),
  PHOTO_MAX_BYTES: integer(1, 10 * 1024 * 1024).default(10 * 1024 * 1024),
  TEXT_CHARACTERS_MAX: integer(1, 8192).default(4096),
  TYPING_MEMBERS_MAX: integer(0, 1_000_000).default(100),
});

/** Every problem of the settings at once, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads and checks the settings. Throws a ConfigError. An empty variable counts as not set. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const problems = [
    ...NOT_SERVED.filter((name) => set[name] !== undefined).map(
      (name) => `${name} is set, but this version of parley does not serve it`,
    ),
    ...keyProblems(set),
  ];
  const parsed = Environment.safeParse(set);
  if (!parsed.success) {
    problems.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`));
  }
  const publicKey = pem(set['JWT_PUBLIC_KEY'], problems);
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems.join('\n'));

  const values = parsed.data;
  const secret = values.JWT_SECRET;
  const key = publicKey !== undefined ? { publicKey } : secret !== undefined ? { secret } : undefined;
  return Object.freeze({
    port: values.PORT,
    host: values.HOST,
    workers: values.WORKERS,
    dataDir: resolve(values.DATA_DIR),
    logLevel: values.LOG_LEVEL,
    jwt: Object.freeze({
      key,
      algorithms: values.JWT_ALGORITHMS ?? (publicKey === undefined ? ['HS256'] : PUBLIC_KEY_ALGORITHMS),
      idClaim: values.JWT_ID_CLAIM,
      issuer: values.JWT_ISSUER,
      audience: values.JWT_AUDIENCE,
      requireExp: values.JWT_REQUIRE_EXP,
    }),
    queryToken: values.AUTH_QUERY_TOKEN,
    photoBytesMax: values.PHOTO_MAX_BYTES,
    textCharactersMax: values.TEXT_CHARACTERS_MAX,
    typingMembersMax: values.TYPING_MEMBERS_MAX,
  });
}

/** What is wrong with the key that tokens are checked with, and with what is asked of it. */
function keyProblems({ JWT_SECRET, JWT_PUBLIC_KEY, JWT_ALGORITHMS }: NodeJS.ProcessEnv): string[] {
  const problems: string[] = [];
  if (JWT_SECRET !== undefined && JWT_PUBLIC_KEY !== undefined) {
    problems.push('JWT_SECRET and JWT_PUBLIC_KEY are both set: tokens are checked with one key');
  }
  if (JWT_SECRET !== undefined && Buffer.byteLength(JWT_SECRET) < JWT_SECRET_BYTES_MIN) {
    problems.push(`JWT_SECRET must have at least ${JWT_SECRET_BYTES_MIN} bytes`);
  }
  const allowed: readonly string[] = JWT_PUBLIC_KEY === undefined ? SECRET_ALGORITHMS : PUBLIC_KEY_ALGORITHMS;
  for (const name of JWT_ALGORITHMS === undefined ? [] : list(JWT_ALGORITHMS)) {
    if (allowed.includes(name)) continue;
    problems.push(
      `JWT_ALGORITHMS has ${JSON.stringify(name)}; with this key it may have ${allowed.join(', ')}`,
    );
  }
  return problems;
}

function list(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

/** The engine reads its own limit of a request's head (16 KiB instead of 4) when it is loaded. */
export function prepareEngine(): void {
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= '16384';
}

/** A public key given as PEM text, or as the path of a file that holds it. */
function pem(value: string | undefined, problems: string[]): string | undefined {
  if (value === undefined) return undefined;
  try {
    const text = value.includes('-----BEGIN') ? value : readFileSync(value, 'utf8');
    createPublicKey(text);
    return text;
  } catch {
    problems.push('JWT_PUBLIC_KEY is neither a public key in PEM nor a file that holds one');
    return undefined;
  }
}
