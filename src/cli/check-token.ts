import { existsSync } from 'node:fs';
import type { Config } from '../config.js';
import { OperatorError } from '../operator-error.js';
import { Authenticator, type Identity } from '../server/auth/authenticator.js';
import { Revocations } from '../server/auth/revocations.js';
import { readSecret } from '../server/auth/secret.js';
import { databaseFile } from '../store/sqlite/database.js';
import { openReadStore } from '../store/sqlite/read/read-store.js';

/** What the errors of jose say of themselves, as far as a person can do something with it. */
interface Refusal {
  readonly message: string;
  readonly code?: string;
  readonly claim?: string;
  readonly reason?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** Resolves to a line that says who the token speaks for, and until when. Throws an ExpectedError that says why not. */
export async function checkToken(config: Config, token: string): Promise<string> {
  const { jwt, dataDir } = config;
  const generated = jwt.key === undefined ? readSecret(dataDir) : undefined;
  if (jwt.key === undefined && generated === undefined)
    throw new OperatorError(`there is no secret in ${dataDir} yet; start the server once, it makes one`);
  const revocations = revocationsIn(dataDir);
  let unread: unknown;
  const auth = new Authenticator(jwt, generated, Date.now, {
    isRevoked: (identity) => revocations?.has(identity) ?? false,
    jwksFailed: (error) => {
      unread = error;
    },
  });
  try {
    return inWords(await auth.check(token));
  } catch (error) {
    if (unread !== undefined)
      throw new OperatorError(`JWT_JWKS_URL could not be read: ${(unread as Error).message}`);
    throw new OperatorError(`this server refuses the token: ${why(error as Refusal, config)}`);
  } finally {
    auth.close();
  }
}

/** What the database says is void; undefined as long as there is none. */
function revocationsIn(dataDir: string): Revocations | undefined {
  if (!existsSync(databaseFile(dataDir))) return undefined;
  const store = openReadStore(dataDir);
  try {
    return store.snapshot((view) => new Revocations(view));
  } finally {
    store.close();
  }
}

function inWords({ caller, expiresAt }: Identity): string {
  const who = 'id' in caller ? `user ${caller.id}` : `subject ${JSON.stringify(caller.subject)}`;
  const end = expiresAt === undefined ? 'it never expires' : `it expires at ${timeOf(expiresAt)}`;
  return `this server takes the token: it speaks for ${who}, and ${end}`;
}

function why({ code, claim = '', reason, payload = {}, message }: Refusal, { jwt }: Config): string {
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
      return claimInWords(claim, reason, payload, jwt);
    case 'ERR_JWKS_NO_MATCHING_KEY':
      return 'none of the keys at JWT_JWKS_URL is the one that its header names';
    case 'ERR_JWKS_MULTIPLE_MATCHING_KEYS':
      return 'its header does not say which of the keys at JWT_JWKS_URL it was made with';
    default:
      return message;
  }
}

function claimInWords(
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

/** As far as there is a date for it. */
function timeOf(seconds: unknown): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.valueOf()) ? `${seconds} seconds after 1970` : date.toISOString();
}
