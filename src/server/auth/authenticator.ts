import {
  createHmac,
  createPublicKey,
  createSecretKey,
  hash,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import { type JWTClaimVerificationOptions, type JWTPayload, jwtVerify, SignJWT, UnsecuredJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { ChatError } from '../../chat/errors.js';
import { type Caller, callerOf } from '../../chat/users.js';
import { NEVER } from '../hub/sockets.js';
import { type CachedJwks, Jwks } from './jwks.js';

const TOKEN_CHARACTERS_MAX = 4096;
const LEEWAY_S = 5;
const KEY_HEADERS = ['jku', 'jwk', 'x5u', 'crit'];
const VERIFIED_MAX = 20_000;
/** A login's tokens share theirs: one for each of its keys. */
const PASSED_HEADERS_MAX = 16;
/** What jose would refuse for certain. */
const BAD = Symbol('bad');
const UNSECURED_HEADER = Buffer.from('{"alg":"none"}').toString('base64url');

/** Which tokens pass. */
export interface AuthOptions {
  /** Absent: the secret that the ledger made. */
  readonly key:
    | { readonly secret: string }
    | { readonly publicKey: string }
    | { readonly keySetUrl: string }
    | undefined;
  /** The only algorithms that a token may use; they follow from the kind of key. */
  readonly algorithms: readonly string[];
  /** The claim that names the user. */
  readonly idClaim: string;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  readonly requireExp: boolean;
}

export interface AuthContext {
  /** Whether a token that is valid otherwise was made void. */
  isRevoked(identity: Identity): boolean;
  /** The set of keys could not be read; the one before stays in use. */
  jwksFailed(error: unknown): void;
  /** It is in use, but `cachedJwks` did not take it. */
  jwksNotCached(error: unknown): void;
  /** Undefined: a set lives as long as the process. */
  readonly cachedJwks: CachedJwks | undefined;
}

/** What a valid token says. Times are in seconds since the epoch. */
export interface Identity {
  readonly caller: Caller;
  readonly expiresAt: number | undefined;
  /** Whole seconds; 0 when it does not say. */
  readonly issuedAt: number;
}

/**
 * Checks tokens against the one configured key, or set of keys. What passed is remembered by the token's hash until it
 * expires; what did not is checked again each time.
 */
export class Authenticator {
  readonly #options: AuthOptions;
  readonly #key: KeyObject | Jwks;
  readonly #now: () => number;
  readonly #isRevoked: (identity: Identity) => boolean;
  #verified = newVerified();
  /** Headers of HS256 tokens that passed, as they stand in the token. */
  readonly #passedHeaders = new LRUCache<string, true>({ max: PASSED_HEADERS_MAX });
  /** The last token that `verifyNow` found to be bad: `verify`, which is asked next, need not find that again. */
  #bad: string | undefined;

  /** `generatedSecret` is used when no key is configured. `now` is in milliseconds since the epoch. */
  constructor(
    options: AuthOptions,
    generatedSecret: string | undefined,
    now: () => number,
    context: Partial<AuthContext> = {},
  ) {
    const { isRevoked = () => false, cachedJwks } = context;
    this.#options = options;
    const { key } = options;
    const events = {
      changed: () => this.#forget(),
      failed: (error: unknown) => context.jwksFailed?.(error),
      notCached: (error: unknown) => context.jwksNotCached?.(error),
    };
    this.#key =
      key !== undefined && 'keySetUrl' in key
        ? new Jwks(key.keySetUrl, events, cachedJwks)
        : keyOf(key, generatedSecret);
    this.#now = now;
    this.#isRevoked = isRevoked;
  }

  /** The identity behind a token, when that can be told in this tick. Undefined says nothing: `verify` decides. */
  verifyNow(token: string): Identity | undefined {
    const key = hashOf(token);
    const known = this.#known(key);
    const identity = known ?? this.#judge(token);
    const isBad = identity === BAD || (identity !== undefined && this.#isRevoked(identity));
    this.#bad = isBad ? token : undefined;
    if (identity === undefined || identity === BAD || isBad) return undefined;
    if (known === undefined) this.#verified.set(key, identity);
    return identity;
  }

  /** Checks a token that `verifyNow` does not know. Rejects with `unauthorized` whatever is wrong with it, or with `unavailable` as long as there is no key. */
  async verify(token: string): Promise<Identity> {
    if (token === this.#bad) throw new ChatError('unauthorized');
    try {
      return await this.check(token);
    } catch (error) {
      throw error instanceof ChatError ? error : new ChatError('unauthorized');
    }
  }

  /** As `verify`, but rejects with what is wrong: with jose's error, or a sentence. That is no client's to know. */
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
    // A token that brings its own key, or the address of one, is not from our login.
    const brought = KEY_HEADERS.find((name) => name in protectedHeader);
    if (brought !== undefined) throw new Error(`its header has ${brought}, which no token may bring`);
    if (protectedHeader.alg === 'HS256') this.#passedHeaders.set(token.slice(0, token.indexOf('.')), true);
    const identity = this.#identityOf(payload);
    if (identity === undefined) throw new Error(`its claim ${this.#options.idClaim} names no user`);
    if (this.#isRevoked(identity)) throw new Error('it is revoked');
    verified.set(hashOf(token), identity);
    return identity;
  }

  /**
   * Until when a socket that came with the token may stay, in whole seconds since the epoch: until it expires. One
   * that came in the leeway after that may stay as long as others may still come.
   */
  endOf({ expiresAt }: Identity): number {
    if (expiresAt === undefined) return NEVER;
    const isExpired = expiresAt * 1000 <= this.#now();
    return Math.min(NEVER, Math.ceil(isExpired ? expiresAt + LEEWAY_S : expiresAt));
  }

  close(): void {
    if (this.#key instanceof Jwks) this.#key.close();
  }

  /** What is being verified with the keys before goes into the cache before. */
  #forget(): void {
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

  /**
   * Of HS256, jose's verdict without jose, which only verifies in promises: that costs 160 µs instead of 15, and makes
   * an upgrade a late one. A signature that is not the secret's is bad whatever else the token says. One that is
   * leaves the header, which jose judged when it passed before, and the claims, which it judges here. Undefined: jose
   * has to judge the whole.
   */
  #judge(token: string): Identity | typeof BAD | undefined {
    if (token.length > TOKEN_CHARACTERS_MAX) return BAD;
    if (this.#key instanceof Jwks || this.#key.type !== 'secret') return undefined;
    const [header = '', payload = '', signature = '', ...more] = token.split('.');
    if (more.length > 0) return BAD;
    const expected = createHmac('sha256', this.#key).update(`${header}.${payload}`).digest('base64url');
    if (!isSame(Buffer.from(signature), Buffer.from(expected))) return BAD;
    if (!this.#passedHeaders.has(header)) return undefined;
    try {
      const { payload: claims } = UnsecuredJWT.decode(`${UNSECURED_HEADER}.${payload}.`, this.#claimRules());
      return this.#identityOf(claims) ?? BAD;
    } catch {
      return BAD;
    }
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

/** The token of an `Authorization: Bearer` header, or undefined. */
export function bearerToken(header: string): string | undefined {
  return /^Bearer +([^\s]+) *$/i.exec(header)?.[1];
}

/**
 * The WebSocket subprotocols that a browser offers: `chat.v1`, and the token as `bearer.<jwt>`, which is the
 * only header that a page can set.
 */
export function offeredProtocols(header: string): { chatV1: boolean; token: string | undefined } {
  const offers = header.split(',').map((offer) => offer.trim());
  const bearer = offers.find((offer) => offer.startsWith('bearer.'));
  return { chatV1: offers.includes('chat.v1'), token: bearer?.slice('bearer.'.length) };
}

function keyOf(
  key: { readonly secret: string } | { readonly publicKey: string } | undefined,
  generatedSecret: string | undefined,
): KeyObject {
  if (key !== undefined && 'publicKey' in key) return createPublicKey(key.publicKey);
  const secret = key?.secret ?? generatedSecret;
  if (secret === undefined) throw new Error('there is no key to check tokens with');
  return createSecretKey(Buffer.from(secret));
}

/** Other letters may stand for the same bytes: padding, the alphabet of base64, bits that fill up the last letter. */
function isCanonical(base64url: string): boolean {
  return Buffer.from(base64url, 'base64url').toString('base64url') === base64url;
}

/** In a time that does not tell where they differ. */
function isSame(bytes: Buffer, expected: Buffer): boolean {
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}

function newVerified(): LRUCache<string, Identity> {
  return new LRUCache({ max: VERIFIED_MAX });
}

function hashOf(token: string): string {
  return hash('sha256', token, 'binary');
}

/** Mints an HS256 token. Only the command line does: there is no endpoint that hands tokens out. */
export function signToken(
  secret: string,
  claims: Readonly<Record<string, string>>,
  {
    issuer,
    audience,
    expires,
  }: { issuer?: string | undefined; audience?: string | undefined; expires?: string | undefined },
): Promise<string> {
  const jwt = new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).setIssuedAt();
  if (issuer !== undefined) jwt.setIssuer(issuer);
  if (audience !== undefined) jwt.setAudience(audience);
  if (expires !== undefined) jwt.setExpirationTime(expires);
  return jwt.sign(Buffer.from(secret));
}
