import type { Config } from '../config.js';
import { OperatorError } from '../operator-error.js';
import { Authenticator } from '../server/auth/authenticator.js';
import type { Identity } from '../server/auth/identity.js';
import { Revocations } from '../server/auth/revocations.js';
import { readSecret } from '../server/auth/secret.js';
import { storage } from '../storage.js';

/** The fields of jose's errors that help to explain them. */
interface VerificationError {
  readonly message: string;
  readonly code?: string;
  readonly claim?: string;
  readonly reason?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** Resolves to a line that names the token's user and its end. Throws an OperatorError that explains why it is refused. */
export async function checkToken(config: Config, token: string): Promise<string> {
  const { jwt, dataDir } = config;
  const generated = jwt.key === undefined ? readSecret(dataDir) : undefined;
  if (jwt.key === undefined && generated === undefined)
    throw new OperatorError(`there is no secret in ${dataDir} yet; start the server once, it makes one`);
  const revocations = await revocationsIn(dataDir);
  let jwksError: unknown;
  const auth = new Authenticator(jwt, generated, Date.now, {
    isRevoked: (identity) => revocations?.has(identity) ?? false,
    jwksFailed: (error) => {
      jwksError = error;
    },
  });
  try {
    return describeIdentity(await auth.check(token));
  } catch (error) {
    if (jwksError !== undefined)
      throw new OperatorError(`JWT_JWKS_URL could not be read: ${(jwksError as Error).message}`);
    throw new OperatorError(`this server refuses the token: ${explain(error as VerificationError, config)}`);
  } finally {
    auth.close();
  }
}

/** The revocations in the database; undefined while there is no database. */
async function revocationsIn(dataDir: string): Promise<Revocations | undefined> {
  if (!storage.exists(dataDir)) return undefined;
  const store = storage.openReader(dataDir);
  try {
    return new Revocations((await store.revocations()).value);
  } finally {
    store.close();
  }
}

function describeIdentity({ caller, expiresAt }: Identity): string {
  const who = 'id' in caller ? `user ${caller.id}` : `subject ${JSON.stringify(caller.subject)}`;
  const end = expiresAt === undefined ? 'it never expires' : `it expires at ${timeOf(expiresAt)}`;
  return `this server takes the token: it speaks for ${who}, and ${end}`;
}

function explain(
  { code, claim = '', reason, payload = {}, message }: VerificationError,
  { jwt }: Config,
): string {
  switch (code) {
    case 'ERR_JWS_INVALID':
    case 'ERR_JWT_INVALID':
      return `it is not a JWT (${message})`;
    case 'ERR_JOSE_ALG_NOT_ALLOWED':
      return `its algorithm is not one of ${jwt.algorithms.join(', ')}`;
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return 'its signature was not made with the key of this server';
    case 'ERR_JWT_EXPIRED':
      return `it expired at ${timeOf(payload['exp'])}`;
    case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
      return explainClaim(claim, reason, payload, jwt);
    case 'ERR_JWKS_NO_MATCHING_KEY':
      return 'none of the keys at JWT_JWKS_URL is the one that its header names';
    case 'ERR_JWKS_MULTIPLE_MATCHING_KEYS':
      return 'its header does not say which of the keys at JWT_JWKS_URL it was made with';
    default:
      return message;
  }
}

function explainClaim(
  claim: string,
  reason: string | undefined,
  payload: Readonly<Record<string, unknown>>,
  { issuer, audience }: Config['jwt'],
): string {
  if (reason === 'missing') return `it has no claim ${claim}`;
  if (reason === 'invalid') return `its claim ${claim} is not a number`;
  if (claim === 'nbf') return `it is not valid before ${timeOf(payload['nbf'])}`;
  const wanted = claim === 'iss' ? issuer : audience;
  return `its claim ${claim} is ${JSON.stringify(payload[claim])}, and must be ${JSON.stringify(wanted)}`;
}

/** The time as a date, or as a number when it is out of the range of dates. */
function timeOf(seconds: unknown): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.valueOf()) ? `${seconds} seconds after 1970` : date.toISOString();
}
