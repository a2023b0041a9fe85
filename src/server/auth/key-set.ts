import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose';

/** How many keys are tried when a token's header fits several. Each costs a bad token as much as the first. */
const KEYS_TRIED_MAX = 8;

/** The keys of a JWKS (RFC 7517). Those that are for something else, or that cannot be used, do not harm the others. */
export class KeySet {
  /** Finds the key that a token's header names, or that fits it when it names none. Errors: jose's. */
  readonly find: JWTVerifyGetKey;
  /** The same among the keys without a name, each of which may be the one that a token names. */
  readonly findNameless: JWTVerifyGetKey;

  /** Errors: jose's, for what is no JWKS. */
  constructor(jwks: { readonly keys?: unknown } | null) {
    const { keys } = createLocalJWKSet({ keys: keysIn(jwks?.keys) } as JSONWebKeySet).jwks();
    const ofNameless = createLocalJWKSet({ keys: keys.filter(({ kid }) => kid === undefined) });
    this.findNameless = ({ alg }) => ofNameless({ alg });
    this.find = keys.every(({ kid }) => kid === undefined) ? this.findNameless : createLocalJWKSet({ keys });
  }
}

/**
 * Verifies a token with the key that `findKey` finds, or with each one if there are several: two keys may have one name,
 * and a token need not name any. Errors: jose's, and those of `findKey`.
 */
export async function verifyWith(
  findKey: JWTVerifyGetKey,
  token: string,
  rules: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, findKey, rules);
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return verifyWithAny(error, token, rules);
    throw error;
  }
}

async function verifyWithAny(
  keys: errors.JWKSMultipleMatchingKeys,
  token: string,
  rules: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  let tried = 0;
  for await (const key of keys) {
    try {
      return await jwtVerify(token, key, rules);
    } catch (error) {
      if (!isOfKey(error)) throw error;
    }
    tried += 1;
    if (tried === KEYS_TRIED_MAX) break;
  }
  throw new errors.JWSSignatureVerificationFailed();
}

/** Whether another key may do: the signature is of another one, or this one cannot be used. */
function isOfKey(error: unknown): boolean {
  return error instanceof errors.JWSSignatureVerificationFailed || !(error instanceof errors.JOSEError);
}

/** Leaves out what is no key. */
function keysIn(members: unknown): unknown {
  if (!Array.isArray(members)) return members;
  return members.filter((key) => typeof key === 'object' && key !== null && !Array.isArray(key));
}
