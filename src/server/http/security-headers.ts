/** Fields of every answer, ready to be written: by kind, those after the first in the value of the first. */
export interface SecurityHeaders {
  readonly json: readonly [name: string, value: string];
  readonly image: readonly [name: string, value: string];
}

/**
 * What tells a browser to take an answer for nothing but what it says it is, to show it in no page, and to keep
 * none but images. Without the token nobody sees them, so that no other site's page has them as its own parts
 * (`same-origin`); the scripts that CORS lets in are not affected.
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
  'Cache-Control: private, max-age=300',
  "Content-Security-Policy: default-src 'none'; sandbox",
];
/** A year; whether it goes for subdomains too is for their owner to say. */
const OF_TLS = ['Strict-Transport-Security: max-age=31536000'];
/** What scripts of other origins may read, beside what they always may. */
export const EXPOSED = 'Retry-After, X-Request-Id';
const OF_ANY_ORIGIN = ['Access-Control-Allow-Origin: *', `Access-Control-Expose-Headers: ${EXPOSED}`];

/** Each call of the engine costs a hundredth of a small request: all fields go in one. */
export function securityHeaders(of: { readonly tls: boolean; readonly anyOrigin: boolean }): SecurityHeaders {
  const others = [...OF_ALL, ...(of.tls ? OF_TLS : []), ...(of.anyOrigin ? OF_ANY_ORIGIN : [])];
  const all = (own: readonly string[], ...varies: readonly string[]) => {
    const vary = [...varies, ...(of.anyOrigin ? [] : ['Origin'])];
    const fields = [...others, ...own, ...(vary.length > 0 ? [`Vary: ${vary.join(', ')}`] : [])];
    return ['X-Content-Type-Options', ['nosniff', ...fields].join('\r\n')] as const;
  };
  // What a browser keeps for one user is not for the next.
  return { json: all(OF_JSON), image: all(OF_IMAGES, 'Authorization') };
}
