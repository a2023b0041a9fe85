import { ChatError } from '../../chat/errors.js';

/** Everything that may be wrong with a token, by the names that the log has for it. */
export const REFUSAL_REASONS = [
  'missing',
  'bad_link',
  'too_long',
  'malformed',
  'critical_header',
  'algorithm_not_allowed',
  'unknown_key',
  'bad_signature',
  'expired',
  'not_yet_valid',
  'not_in_seconds',
  'no_expiry',
  'wrong_issuer',
  'wrong_audience',
  'no_user',
  'other_user',
  'revoked',
] as const;

export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** The refusal of a token. Its client hears of it as `unauthorized`, and the operator what is wrong. */
export class TokenRefusal extends ChatError {
  readonly reason: RefusalReason;
  /** A clause without the token, such as `it is revoked`. What it quotes of a token is of one with a good signature. */
  readonly why: string;

  constructor(reason: RefusalReason, why: string) {
    super('unauthorized');
    this.reason = reason;
    this.why = why;
  }
}

export function notJwt(because: string): TokenRefusal {
  return new TokenRefusal('malformed', `it is not a JWT (${because})`);
}

export function otherAlgorithm(allowed: readonly string[]): TokenRefusal {
  return new TokenRefusal('algorithm_not_allowed', `its algorithm is not one of ${allowed.join(', ')}`);
}

export function badSignature(): TokenRefusal {
  return new TokenRefusal('bad_signature', 'its signature was not made with the key of this server');
}

export function criticalHeader(): TokenRefusal {
  return new TokenRefusal('critical_header', 'its header has crit, which no token may bring');
}

export function notInSeconds(claim: string, time: number): TokenRefusal {
  return new TokenRefusal(
    'not_in_seconds',
    `its claim ${claim} is ${time}, which is no time in seconds, but as it seems one in milliseconds`,
  );
}
