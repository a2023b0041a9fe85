import { ChatError } from '../../chat/errors.js';

/** Everything that may be wrong with a token, by the names that the log has for it. */
export const TOKEN_FAULTS = [
  'missing',
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

export type TokenFault = (typeof TOKEN_FAULTS)[number];

/** The refusal of a token. Its client hears of it as `unauthorized`, and the operator what is wrong. */
export class TokenRefusal extends ChatError {
  readonly fault: TokenFault;
  /** A clause without the token, such as `it is revoked`. What it quotes of a token is of one with a good signature. */
  readonly why: string;

  constructor(fault: TokenFault, why: string) {
    super('unauthorized');
    this.fault = fault;
    this.why = why;
  }
}
