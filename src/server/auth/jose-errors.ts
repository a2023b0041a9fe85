import { errors, type JWTPayload } from 'jose';
import { ChatError } from '../../chat/errors.js';
import type { AuthOptions } from './auth-options.js';
import {
  badSignature,
  criticalHeader,
  notInSeconds,
  notJwt,
  otherAlgorithm,
  TokenRefusal,
} from './token-refusal.js';
import { describeTime, isInSeconds } from './token-times.js';

/** A token may have a thousand audiences. */
const QUOTED_CHARACTERS_MAX = 200;

type ClaimRules = Pick<AuthOptions, 'issuers' | 'audiences'>;

/** Turns what jose, or a check of ours, has thrown into a refusal. A ChatError stays what it is. */
export function refusalOf(error: unknown, options: AuthOptions): ChatError {
  if (error instanceof ChatError) return error;
  if (error instanceof errors.JWTExpired)
    return new TokenRefusal('expired', `it expired at ${describeTime(error.payload.exp)}`);
  if (error instanceof errors.JWTClaimValidationFailed) return refusalOfClaim(error, options);
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return notJwt(error.message);
  if (error instanceof errors.JOSEAlgNotAllowed) return otherAlgorithm(options.algorithms);
  if (error instanceof errors.JWSSignatureVerificationFailed) return badSignature();
  // The algorithms are pinned, so what jose does not support is a critical part of the header.
  if (error instanceof errors.JOSENotSupported) return criticalHeader();
  if (error instanceof errors.JWKSNoMatchingKey)
    return new TokenRefusal(
      'unknown_key',
      'none of the keys at JWT_JWKS_URL is the one that its header names',
    );
  return new TokenRefusal('unknown_key', `its key cannot be used (${(error as Error).message})`);
}

function refusalOfClaim(error: errors.JWTClaimValidationFailed, rules: ClaimRules): TokenRefusal {
  const { claim, reason, payload } = error;
  if (reason === 'invalid') return new TokenRefusal('malformed', `its claim ${claim} is not a number`);
  switch (claim) {
    case 'iss':
      return new TokenRefusal('wrong_issuer', explainMismatch('iss', payload, rules.issuers));
    case 'aud':
      return new TokenRefusal('wrong_audience', explainMismatch('aud', payload, rules.audiences));
    case 'nbf':
      return refusalOfBeginning(payload.nbf);
    default:
      return new TokenRefusal('no_expiry', `it has no claim ${claim}`);
  }
}

function refusalOfBeginning(nbf = Number.NaN): TokenRefusal {
  if (!isInSeconds(nbf)) return notInSeconds('nbf', nbf);
  return new TokenRefusal('not_yet_valid', `it is not valid before ${describeTime(nbf)}`);
}

function explainMismatch(claim: 'iss' | 'aud', payload: JWTPayload, wanted: readonly string[] = []): string {
  const value = payload[claim];
  if (value === undefined) return `it has no claim ${claim}`;
  const one = wanted.length === 1 ? '' : 'one of ';
  const names = wanted.map((name) => JSON.stringify(name)).join(', ');
  const told = JSON.stringify(value).slice(0, QUOTED_CHARACTERS_MAX);
  const slash = wanted.some((name) => typeof value === 'string' && differInSlash(name, value))
    ? ' (the slash at the end makes a difference)'
    : '';
  return `its claim ${claim} is ${told}, and must be ${one}${names}${slash}`;
}

function differInSlash(one: string, other: string): boolean {
  return one === `${other}/` || other === `${one}/`;
}
