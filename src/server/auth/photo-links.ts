import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Caller, callerOf, claimOf } from '../../chat/users.js';

const HOUR_S = 3600;

export interface PhotoLinksOptions {
  /** 32 random bytes that only servers of the same database have. */
  readonly key: Buffer;
  /** Tokens for the claim that were issued before this time, in seconds since the epoch, are void; 0 without one. */
  readonly revokedBefore: (claim: string) => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Paths of photos that a browser can ask for without a token, since an `<img>` cannot send one. A link is good for one
 * path and one viewer, whose rights are looked at when it is used, for one to two hours: all links of an hour end at the
 * same moment, so that they stay the same meanwhile and a browser finds what it has. They end earlier when the viewer's
 * tokens are revoked.
 */
export class PhotoLinks {
  readonly #options: PhotoLinksOptions;

  constructor(options: PhotoLinksOptions) {
    this.#options = options;
  }

  /** The link to a path. `version` changes with the photo, so that nothing shows the one that was there before. */
  linkTo(path: string, version: string, viewer: Caller): string {
    const claim = claimOf(viewer);
    const expires = (Math.floor(this.#options.now() / 1000 / HOUR_S) + 2) * HOUR_S;
    const signature = this.#sign(path, claim, expires);
    return `${path}?version=${version}&viewer=${encodeURIComponent(claim)}&expires=${expires}&signature=${signature}`;
  }

  /** The viewer that a link is for; undefined when it is not one of ours, has expired, or is for another path. */
  viewerOf(path: string, query: string): Caller | undefined {
    const parameters = new URLSearchParams(query);
    const [claim, expires, signature] = ['viewer', 'expires', 'signature'].map((name) =>
      only(parameters, name),
    );
    if (claim === undefined || expires === undefined || signature === undefined) return undefined;
    if (!/^[1-9]\d{0,11}$/.test(expires) || Number(expires) * 1000 <= this.#options.now()) return undefined;
    const expected = Buffer.from(this.#sign(path, claim, Number(expires)));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return callerOf(claim);
  }

  #sign(path: string, claim: string, expires: number): string {
    const signed = [path, expires, this.#options.revokedBefore(claim), claim].join('\n');
    return createHmac('sha256', this.#options.key).update(signed).digest('base64url');
  }
}

/** Whether a query could be a link's. */
export function isLink(query: string): boolean {
  return /(?:^|&)signature=/.test(query);
}

function only(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}
