import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AuthOptions } from './auth-options.js';
import { SECRET_BYTES_MIN } from './secret.js';

const RSA_BITS_MIN = 2048;
const RSA_ALGORITHMS = ['RS256', 'PS256'];
const EC_ALGORITHMS = ['ES256'];
const ED25519_ALGORITHMS = ['EdDSA'];
const SECRET_ALGORITHMS = ['HS256'];
const JWKS_ALGORITHMS = [...RSA_ALGORITHMS, ...EC_ALGORITHMS, ...ED25519_ALGORITHMS];

/** The settings JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URL and JWT_ALGORITHMS; undefined where they are not set. */
export interface KeySettings {
  readonly secret: string | undefined;
  readonly publicKey: string | undefined;
  readonly jwksUrl: string | undefined;
  readonly algorithms: readonly string[] | undefined;
}

/** Reads the key that checks tokens, and the algorithms that go with its kind. Adds what is wrong to `problems`. */
export function readTokenKey(
  settings: KeySettings,
  problems: string[],
): Pick<AuthOptions, 'key' | 'algorithms'> {
  const { secret, jwksUrl } = settings;
  const publicKey =
    settings.publicKey === undefined ? undefined : readPublicKey(settings.publicKey, problems);
  const given = Object.entries({
    JWT_SECRET: secret,
    JWT_PUBLIC_KEY: settings.publicKey,
    JWT_JWKS_URL: jwksUrl,
  }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    const names = given.map(([name]) => name).join(' and ');
    problems.push(`${names} are set together: tokens are checked with one of them`);
  }
  if (jwksUrl !== undefined && !isFetchable(jwksUrl))
    problems.push('JWT_JWKS_URL must be an http or https URL without a user or password');
  if (secret !== undefined && Buffer.byteLength(secret) < SECRET_BYTES_MIN)
    problems.push(`JWT_SECRET must have at least ${SECRET_BYTES_MIN} bytes`);

  if (jwksUrl !== undefined)
    return { key: { jwksUrl }, algorithms: algorithmsOf(settings, JWKS_ALGORITHMS, problems) };
  if (publicKey !== undefined)
    return {
      key: { publicKey: publicKey.pem },
      algorithms: algorithmsOf(settings, publicKey.algorithms, problems),
    };
  const key = secret === undefined ? undefined : { secret };
  // A public key that cannot be used has no algorithms to hold the setting against.
  if (settings.publicKey !== undefined) return { key, algorithms: settings.algorithms ?? [] };
  return { key, algorithms: algorithmsOf(settings, SECRET_ALGORITHMS, problems) };
}

function algorithmsOf(
  { algorithms }: KeySettings,
  allowed: readonly string[],
  problems: string[],
): readonly string[] {
  for (const name of algorithms ?? []) {
    if (allowed.includes(name)) continue;
    problems.push(
      `JWT_ALGORITHMS has ${JSON.stringify(name)}; with this key it may have ${allowed.join(', ')}`,
    );
  }
  return algorithms ?? allowed;
}

/** Node does not fetch a URL with a password, and the log would show it. */
function isFetchable(url: string): boolean {
  if (!/^https?:/.test(url) || !URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  return username + password === '';
}

/** Reads a public key from PEM text, or from a file at this path: RSA, P-256 or Ed25519. */
function readPublicKey(value: string, problems: string[]): { pem: string; algorithms: string[] } | undefined {
  try {
    const pem = value.includes('-----BEGIN') ? value : readFileSync(value, 'utf8');
    if (pem.includes('PRIVATE KEY')) {
      problems.push('JWT_PUBLIC_KEY is a private key; the server needs only the public half');
      return undefined;
    }
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPublicKey(pem);
    if (type === 'rsa' && (details?.modulusLength ?? 0) >= RSA_BITS_MIN)
      return { pem, algorithms: RSA_ALGORITHMS };
    if (type === 'ec' && details?.namedCurve === 'prime256v1') return { pem, algorithms: EC_ALGORITHMS };
    if (type === 'ed25519') return { pem, algorithms: ED25519_ALGORITHMS };
    problems.push(`JWT_PUBLIC_KEY must be RSA of at least ${RSA_BITS_MIN} bits, P-256 or Ed25519`);
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    const why = errno === undefined ? '' : ` (${code})`; // The whole message would show the value.
    problems.push(`JWT_PUBLIC_KEY is neither a public key in PEM nor a file that holds one${why}`);
  }
  return undefined;
}
