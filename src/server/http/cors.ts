import type { HttpResponse } from 'uWebSockets.js';
import { METHODS, methodsOf } from '../../api/operation.js';

/** What scripts of other origins may read, beside what they always may. */
const EXPOSED = 'Retry-After, X-Request-Id';

/** The answer to a preflight is the same for every path: the request that follows is told what is wrong with it. */
export const PREFLIGHT_HEADERS = {
  'Access-Control-Allow-Methods': METHODS.flatMap(methodsOf).join(', '),
  'Access-Control-Allow-Headers': 'Authorization, Content-Type',
  'Access-Control-Max-Age': '86400',
} as const;

/** Whether a browser asks, before a request of a page, if the page may send it (Fetch Standard, CORS protocol). */
export function isPreflight(request: { readonly method: string; header(name: string): string }): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.header('origin') !== '' &&
    request.header('access-control-request-method') !== ''
  );
}

/** Which pages of other origins may use the server from a browser. */
export class Cors {
  readonly #allowed: ReadonlySet<string> | undefined;
  /** Fields of every answer, each as `Name: value`. */
  readonly fixedHeaders: readonly string[];

  /** `allowedOrigins` undefined: pages of any origin. */
  constructor(allowedOrigins: readonly string[] | undefined) {
    this.#allowed = allowedOrigins && new Set(allowedOrigins);
    this.fixedHeaders = this.anyOrigin
      ? ['Access-Control-Allow-Origin: *', `Access-Control-Expose-Headers: ${EXPOSED}`]
      : [];
  }

  get anyOrigin(): boolean {
    return this.#allowed === undefined;
  }

  /** What a cache must tell answers apart by. */
  get vary(): readonly string[] {
    return this.anyOrigin ? [] : ['Origin'];
  }

  /** Whether a request may be served. Only browsers send an `Origin`; without one it is not from a page. */
  allows(origin: string | undefined): boolean {
    return this.#allowed === undefined || origin === undefined || this.#allowed.has(origin);
  }

  /** Writes the fields that let the page of an allowed origin read the answer. */
  writeHeaders(res: Pick<HttpResponse, 'writeHeader'>, origin: string | undefined): void {
    if (this.anyOrigin || origin === undefined || !this.allows(origin)) return;
    res.writeHeader('Access-Control-Allow-Origin', origin);
    res.writeHeader('Access-Control-Expose-Headers', EXPOSED);
  }
}
