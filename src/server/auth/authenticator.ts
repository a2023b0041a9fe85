import { createPublicKey, createSecretKey, hash, type KeyObject } from 'node:crypto';
import { type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { TOKEN_CHARACTERS_MAX } from '../../api/frames.js';
import { callerOf } from '../../chat/users.js';
import type { AuthOptions } from './auth-options.js';
import { Hs256Verifier } from './hs256-verifier.js';
import type { Identity } from './identity.js';
import { refusalOf } from './jose-errors.js';
import { Jwks } from './jwks.js';
import type { JwksStore } from './jwks-cache.js';
import { criticalHeader, notInSeconds, TokenRefusal } from './token-refusal.js';
import { doubtOfIssue, isInSeconds } from './token-times.js';

/** Tokens that are remembered as verified. */
const VERIFIED_MAX = 20_000;

/** A token that is valid, whenever it is presented between its beginning and its end. */
export interface VerifiedToken {
  /** Who presents it, if the token is as old as it says. */
  readonly identity: Identity;
  /** As the token has it. */
  readonly iat: number | undefined;
}

export interface AuthContext {
  /** Whether an otherwise valid token is revoked. */
  isRevoked(identity: Identity): boolean;
  /** The JWKS could not be fetched. The last one stays in use. */
  jwksFailed(error: unknown): void;
  /** The JWKS is in use, but could not be written to `jwksStore`. */
  jwksNotStored(error: unknown): void;
  /** Undefined: the JWKS lives only as long as the process. */
  readonly jwksStore: JwksStore | undefined;
}

/**
 * Verifies tokens with the one configured key, or with a JWKS. A valid token is remembered by its hash until it
 * expires. An invalid one is verified again each time.
 */
export class Authenticator {
  readonly #options: AuthOptions;
  readonly #key: KeyObject | Jwks;
  readonly #now: () => number;
  readonly #isRevoked: (identity: Identity) => boolean;
  /** Undefined when the key is not a secret. */
  readonly #hs256: Hs256Verifier | undefined;
  #verified = newVerified();
  /** The last token that `verifyNow` refused, so that `verify`, which is called next, need not verify it again. */
  #refused: { readonly token: string; readonly refusal: unknown } | undefined;

  /** `generatedSecret` is used when no key is configured. `now` is in milliseconds since the epoch. */
  constructor(
    options: AuthOptions,
    generatedSecret: string | undefined,
    now: () => number,
    context: Partial<AuthContext> = {},
  ) {
    const { isRevoked = () => false, jwksStore } = context;
    this.#options = options;
    const { key } = options;
    const events = {
      changed: () => this.#forgetVerified(),
      failed: (error: unknown) => context.jwksFailed?.(error),
      notStored: (error: unknown) => context.jwksNotStored?.(error),
    };
    this.#key =
      key !== undefined && 'jwksUrl' in key
        ? new Jwks(key.jwksUrl, events, jwksStore)
        : keyOf(key, generatedSecret);
    if (!(this.#key instanceof Jwks) && this.#key.type === 'secret')
      this.#hs256 = new Hs256Verifier(this.#key);
    this.#now = now;
    this.#isRevoked = isRevoked;
  }

  /** Returns the identity of a token that can be verified in this tick. Undefined means that `verify` has to decide. */
  verifyNow(token: string): Identity | undefined {
    this.#refused = undefined;
    const key = hashOf(token);
    try {
      const known = this.#known(key);
      const verified = known ?? this.#verifyHs256(token);
      if (verified === undefined) return undefined;
      const identity = this.#present(verified);
      if (known === undefined) this.#verified.set(key, verified);
      return identity;
    } catch (error) {
      this.#refused = { token, refusal: refusalOf(error, this.#options) };
      return undefined;
    }
  }

  /** Verifies a token that `verifyNow` did not. Errors: TokenRefusal; unavailable while there is no key. */
  async verify(token: string): Promise<Identity> {
    if (token === this.#refused?.token) throw this.#refused.refusal;
    return this.#present(await this.check(token));
  }

  /** Verifies a token without a look at what is known. Errors as in `verify`. */
  async check(token: string): Promise<VerifiedToken> {
    try {
      return await this.#verifyWhole(token);
    } catch (error) {
      throw refusalOf(error, this.#options);
    }
  }

  /** Says why the `iat` of a token does not show when it was issued; undefined when it does. */
  doubtOf({ iat }: VerifiedToken): string | undefined {
    return doubtOfIssue(iat, this.#now() / 1000 + this.#options.leewaySeconds);
  }

  /**
   * Returns when a socket that was opened with the token must close, in whole seconds since the epoch: when the token
   * expires, or at the end of the leeway if it was opened within that. Undefined: never.
   */
  endOf({ expiresAt }: Identity): number | undefined {
    if (expiresAt === undefined) return undefined;
    const isExpired = expiresAt * 1000 <= this.#now();
    return Math.ceil(isExpired ? expiresAt + this.#options.leewaySeconds : expiresAt);
  }

  close(): void {
    if (this.#key instanceof Jwks) this.#key.close();
  }

  /** Starts a new cache. A verification with the former keys that still runs writes to the old one. */
  #forgetVerified(): void {
    this.#verified = newVerified();
  }

  #known(key: string): VerifiedToken | undefined {
    const verified = this.#verified.get(key);
    if (verified === undefined) return undefined;
    const { expiresAt } = verified.identity;
    const end = expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt + this.#options.leewaySeconds;
    if (this.#now() < end * 1000) return verified;
    this.#verified.delete(key);
    return undefined;
  }

  /**
   * Returns who presents a token at this moment. An `iat` that is still to come does not show that the token is newer
   * than a revocation, also when that time has come in the life of a socket. Errors: TokenRefusal.
   */
  #present(verified: VerifiedToken): Identity {
    const doubt = this.doubtOf(verified);
    const identity = doubt === undefined ? verified.identity : { ...verified.identity, issuedAt: 0 };
    if (!this.#isRevoked(identity)) return identity;
    const because = doubt === undefined ? '' : `: ${doubt}, which does not show that it is newer`;
    throw new TokenRefusal('revoked', `it is revoked${because}`);
  }

  #verifyHs256(token: string): VerifiedToken | undefined {
    assertLength(token);
    const claims = this.#hs256?.verify(token, this.#rules());
    return claims && this.#tokenOf(claims);
  }

  async #verifyWhole(token: string): Promise<VerifiedToken> {
    assertLength(token);
    const verified = this.#verified;
    const { payload, protectedHeader } =
      this.#key instanceof Jwks
        ? await this.#key.verify(token, this.#rules())
        : await jwtVerify(token, this.#key, this.#rules());
    if (!isCanonical(token.slice(token.lastIndexOf('.') + 1)))
      throw new TokenRefusal('malformed', 'its signature is not base64url as RFC 7515 has it');
    if ('crit' in protectedHeader) throw criticalHeader();
    if (protectedHeader.alg === 'HS256') this.#hs256?.acceptHeaderOf(token);
    const checked = this.#tokenOf(payload);
    this.#present(checked);
    verified.set(hashOf(token), checked);
    return checked;
  }

  #rules(): JWTVerifyOptions {
    const { algorithms, issuers, audiences, requireExp, leewaySeconds } = this.#options;
    return {
      algorithms: [...algorithms],
      clockTolerance: leewaySeconds,
      currentDate: new Date(this.#now()),
      ...(issuers !== undefined && { issuer: [...issuers] }),
      ...(audiences !== undefined && { audience: [...audiences] }),
      ...(requireExp && { requiredClaims: ['exp'] }),
    };
  }

  /** Errors: TokenRefusal. */
  #tokenOf(payload: JWTPayload): VerifiedToken {
    const { iat, exp } = payload;
    if (exp !== undefined && !isInSeconds(exp)) throw notInSeconds('exp', exp);
    const { idClaim } = this.#options;
    const caller = callerOf(payload[idClaim]);
    if (caller === undefined) throw new TokenRefusal('no_user', `its claim ${idClaim} names no user`);
    return { identity: { caller, expiresAt: exp, issuedAt: Math.floor(iat ?? 0) }, iat };
  }
}

/** Errors: TokenRefusal. */
function assertLength(token: string): void {
  if (token.length > TOKEN_CHARACTERS_MAX)
    throw new TokenRefusal('too_long', `it has more than ${TOKEN_CHARACTERS_MAX} characters`);
}

function keyOf(
  key: { readonly secret: string } | { readonly publicKey: string } | undefined,
  generatedSecret: string | undefined,
): KeyObject {
  if (key !== undefined && 'publicKey' in key) return createPublicKey(key.publicKey);
  const secret = key?.secret ?? generatedSecret;
  if (secret === undefined) throw new Error('there is no key to verify tokens with');
  return createSecretKey(Buffer.from(secret));
}

/** Whether no other text stands for the same bytes: no padding, only letters of base64url, unused bits of the last letter 0. */
function isCanonical(base64url: string): boolean {
  return Buffer.from(base64url, 'base64url').toString('base64url') === base64url;
}

function newVerified(): LRUCache<string, VerifiedToken> {
  return new LRUCache({ max: VERIFIED_MAX });
}

function hashOf(token: string): string {
  return hash('sha256', token, 'binary');
}
