import type { Cors } from './cors.js';

/** Fields of every answer by its kind, ready to be written: the value of the first field has the others in it. */
export interface SecurityHeaders {
  readonly json: readonly [name: string, value: string];
  readonly image: readonly [name: string, value: string];
  readonly preflight: readonly [name: string, value: string];
}

/**
 * These fields tell a browser not to show an answer within a page. Nobody sees an answer without a token, so pages of
 * other sites may not embed one (`same-origin`). This does not affect the scripts that CORS lets in.
 */
const OF_ALL = [
  'X-Frame-Options: DENY',
  'Referrer-Policy: no-referrer',
  'Cross-Origin-Resource-Policy: same-origin',
];
const OF_JSON = [
  'Cache-Control: no-store',
  "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
];
const OF_IMAGES = [
  'Cache-Control: private, no-cache',
  "Content-Security-Policy: default-src 'none'; sandbox",
];
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
  };
}
