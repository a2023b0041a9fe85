import type { Cors } from './cors.js';

/** Fields of every answer by its kind, ready to be written: the value of the first field has the others in it. */
export interface SecurityHeaders {
  readonly json: readonly [name: string, value: string];
  readonly image: readonly [name: string, value: string];
  /** An image that was asked for by a link. */
  readonly linkedImage: readonly [name: string, value: string];
  readonly preflight: readonly [name: string, value: string];
}

/** These fields tell a browser not to show an answer within a frame. */
const OF_ALL = ['X-Frame-Options: DENY', 'Referrer-Policy: no-referrer'];
/**
 * Nobody sees an answer without a token, so pages of other sites may not embed one. This does not affect the scripts
 * that CORS lets in. The page that has a link to an image may be one of another site.
 */
const NOT_EMBEDDED = 'Cross-Origin-Resource-Policy: same-origin';
const EMBEDDED = 'Cross-Origin-Resource-Policy: cross-origin';
const OF_JSON = [
  NOT_EMBEDDED,
  'Cache-Control: no-store',
  "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
];
const SANDBOX = "Content-Security-Policy: default-src 'none'; sandbox";
const OF_IMAGES = [NOT_EMBEDDED, 'Cache-Control: private, no-cache', SANDBOX];
/** A link is another one when the photo is replaced, so nobody need ask whether it was. */
const OF_LINKED_IMAGES = [EMBEDDED, 'Cache-Control: private, max-age=3600', SANDBOX];
/** HSTS for a year. It leaves out subdomains, which are for the operator to decide on. */
const OF_TLS = ['Strict-Transport-Security: max-age=31536000'];

/** All fields go out in one call of the engine, because each call costs a hundredth of a small request. */
export function securityHeaders({
  tls,
  cors,
}: {
  readonly tls: boolean;
  readonly cors: Cors;
}): SecurityHeaders {
  const others = [...OF_ALL, ...(tls ? OF_TLS : []), ...cors.fixedHeaders];
  const all = (own: readonly string[], ...varies: readonly string[]) => {
    const vary = [...varies, ...cors.vary];
    const fields = [...others, ...own, ...(vary.length > 0 ? [`Vary: ${vary.join(', ')}`] : [])];
    return ['X-Content-Type-Options', ['nosniff', ...fields].join('\r\n')] as const;
  };
  return {
    json: all(OF_JSON),
    // A browser must not show the next user an image that it cached for another one.
    image: all(OF_IMAGES, 'Authorization'),
    preflight: all(OF_JSON, 'Access-Control-Request-Headers'),
    linkedImage: all(OF_LINKED_IMAGES),
  };
}
