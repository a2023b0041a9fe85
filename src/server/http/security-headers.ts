import type { Cors } from './cors.js';

/** Fields of every answer by its kind, ready to be written: the value of the first field has the others in it. */
export interface SecurityHeaders {
  readonly json: readonly [name: string, value: string];
  readonly image: readonly [name: string, value: string];
}

/**
 * A browser is told to take an answer for nothing but what it says it is, and to show it in no page. Without the token
 * nobody sees an answer, so no other site's page may have one as a part (`same-origin`); this does not affect the
 * scripts that CORS lets in.
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
/** A year. The operator decides whether it holds for subdomains too. */
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
  // An image that a browser keeps for one user is not for the next.
  return { json: all(OF_JSON), image: all(OF_IMAGES, 'Authorization') };
}
