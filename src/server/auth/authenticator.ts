import { createPublicKey, createSecretKey, hash, type KeyObject } from 'node:crypto';
import { type JWTClaimVerificationOptions, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { TOKEN_CHARACTERS_MAX } from '../../api/frames.js';
import { ChatError } from '../../chat/errors.js';
import { callerOf } from '../../chat/users.js';
import { Hs256Verifier, INVALID } from './hs256-verifier.js';
import { type Identity, NEVER } from './identity.js';
import { Jwks } from './jwks.js';
import type { JwksStore } from './jwks-cache.js';

const LEEWAY_S = 5;
/** Header parameters (RFC 7515) that bring a key or its address, or ask for extensions. No accepted token has one. */
const FORBIDDEN_HEADERS = ['jku', 'jwk', 'x5u', 'crit'];
/** Tokens that are remembered as verified. */
const VERIFIED_MAX = 20_000;

/** Which tokens are accepted. */
export interface AuthOptions {
  /** Undefined: the secret that the ledger generated. */
  readonly key:
    | { readonly secret: string }
    | { readonly publicKey: string }
    | { readonly jwksUrl: string }
    | undefined;
  /** The algorithms that a token may use. They follow from the kind of key. */
  readonly algorithms: readonly string[];
  /** The claim that names the user. */
  readonly idClaim: string;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  readonly requireExp: boolean;
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
  /** The last token that `verifyNow` found invalid, so that `verify`, which is called next, need not verify it again. */
  #invalid: string | undefined;

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
    const key = hashOf(token);
    const known = this.#known(key);
    const identity = known ?? this.#verifyHs256(token);
    const isInvalid = identity === INVALID || (identity !== undefined && this.#isRevoked(identity));
    this.#invalid = isInvalid ? token : undefined;
    if (identity === undefined || identity === INVALID || isInvalid) return undefined;
    if (known === undefined) this.#verified.set(key, identity);
    return identity;
  }

  /**
   * Verifies a token that `verifyNow` did not. Rejects with `unauthorized` for every fault of the token, or with
   * `unavailable` while there is no key.
   */
  async verify(token: string): Promise<Identity> {
    if (token === this.#invalid) throw new ChatError('unauthorized');
    try {
      return await this.check(token);
    } catch (error) {
      throw error instanceof ChatError ? error : new ChatError('unauthorized');
    }
  }

  /** Does the same as `verify`, but rejects with the fault: jose's error, or a sentence. Clients must not see it. */
  async check(token: string): Promise<Identity> {
    if (token.length > TOKEN_CHARACTERS_MAX)
      throw new Error(`it has more than ${TOKEN_CHARACTERS_MAX} characters`);
    const rules = { algorithms: [...this.#options.algorithms], ...this.#claimRules() };
    const verified = this.#verified;
    const { payload, protectedHeader } =
      this.#key instanceof Jwks
        ? await jwtVerify(token, this.#key.keyFor, rules)
        : await jwtVerify(token, this.#key, rules);
    if (!isCanonical(token.slice(token.lastIndexOf('.') + 1)))
      throw new Error('its signature is not base64url as RFC 7515 has it');
    const brought = FORBIDDEN_HEADERS.find((name) => name in protectedHeader);
    if (brought !== undefined) throw new Error(`its header has ${brought}, which no token may bring`);
    if (protectedHeader.alg === 'HS256') this.#hs256?.acceptHeaderOf(token);
    const identity = this.#identityOf(payload);
    if (identity === undefined) throw new Error(`its claim ${this.#options.idClaim} names no user`);
    if (this.#isRevoked(identity)) throw new Error('it is revoked');
    verified.set(hashOf(token), identity);
    return identity;
  }

  /**
   * Returns when a socket that was opened with the token must close, in whole seconds since the epoch: when the token
   * expires, or at the end of the leeway if it was opened within that.
   */
  endOf({ expiresAt }: Identity): number {
    if (expiresAt === undefined) return NEVER;
    const isExpired = expiresAt * 1000 <= this.#now();
    return Math.min(NEVER, Math.ceil(isExpired ? expiresAt + LEEWAY_S : expiresAt));
  }

  close(): void {
    if (this.#key instanceof Jwks) this.#key.close();
  }

  /** Starts a new cache. A verification with the former keys that still runs writes to the old one. */
  #forgetVerified(): void {
    this.#verified = newVerified();
  }

  #known(key: string): Identity | undefined {
    const identity = this.#verified.get(key);
    if (identity === undefined) return undefined;
    const { expiresAt } = identity;
    if (expiresAt === undefined || this.#now() < (expiresAt + LEEWAY_S) * 1000) return identity;
    this.#verified.delete(key);
    return undefined;
  }

  #verifyHs256(token: string): Identity | typeof INVALID | undefined {
    if (token.length > TOKEN_CHARACTERS_MAX) return INVALID;
    const claims = this.#hs256?.verify(token, this.#claimRules());
    return claims === undefined || claims === INVALID ? claims : (this.#identityOf(claims) ?? INVALID);
  }

  #claimRules(): JWTClaimVerificationOptions {
    const { issuer, audience, requireExp } = this.#options;
    return {
      clockTolerance: LEEWAY_S,
      currentDate: new Date(this.#now()),
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
      ...(requireExp && { requiredClaims: ['exp'] }),
    };
  }

  #identityOf(payload: JWTPayload): Identity | undefined {
    const caller = callerOf(payload[this.#options.idClaim]);
    const issuedAt = Math.min(NEVER, Math.floor(payload.iat ?? 0));
    return caller && { caller, expiresAt: payload.exp, issuedAt };
  }
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

function newVerified(): LRUCache<string, Identity> {
  return new LRUCache({ max: VERIFIED_MAX });
}

function hashOf(token: string): string {
  return hash('sha256', token, 'binary');
}
