import type { HttpResponse } from 'uWebSockets.js';
import { METHODS, methodsOf } from '../../api/operation.js';
import { AllowedOrigins, webOrigin } from './allowed-origins.js';
import { isToken } from './grammar.js';

/** What scripts of other origins may read, beside what they always may. */
const EXPOSED = 'ETag, Retry-After, X-Request-Id';

/** What every client sends. */
const ALLOWED_HEADERS = ['Authorization', 'Content-Type'];
/** More than tracing libraries ask for together. */
const REQUESTED_HEADERS_MAX = 64;

/** The answer to a preflight is the same for every path: the request that follows is told what is wrong with it. */
const PREFLIGHT_HEADERS = {
  'Access-Control-Allow-Methods': METHODS.flatMap(methodsOf).join(', '),
  // A day is the most that any browser keeps it for (Firefox); Chrome keeps it for two hours, Safari for ten minutes.
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

/**
 * Lets the page of an allowed origin send what it asks for. `requested` is the value of Access-Control-Request-Headers.
 * Any header may be sent, because a browser adds no credentials to these requests: a page proves who it is by the token
 * that it has, and who has one can send what they like without a browser. What is no list of names is not let through.
 */
export function preflightHeaders(requested: string): Readonly<Record<string, string>> {
  const names = requested.split(',').map((name) => name.trim());
  const isList = names.length <= REQUESTED_HEADERS_MAX && names.every(isToken);
  const known = new Set(ALLOWED_HEADERS.map((name) => name.toLowerCase()));
  const more = isList ? names.filter((name) => !known.has(name.toLowerCase())) : [];
  return { ...PREFLIGHT_HEADERS, 'Access-Control-Allow-Headers': [...ALLOWED_HEADERS, ...more].join(', ') };
}

/** Which pages may use the server from a browser. */
export class Cors {
  readonly #allowed: AllowedOrigins | undefined;
  /** Fields of every answer, each as `Name: value`. */
  readonly fixedHeaders: readonly string[];

  /** `allowedOrigins` undefined: pages of any origin. */
  constructor(allowedOrigins: readonly string[] | undefined) {
    this.#allowed = allowedOrigins && new AllowedOrigins(allowedOrigins);
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

  /**
   * Whether a request may be served. Only browsers and apps send an `Origin`; without one it is not from a page. `own`
   * gives the origin that the request came to, whose pages may always use the server.
   */
  allows(origin: string | undefined, own: () => string | undefined): boolean {
    if (this.#allowed === undefined || origin === undefined || this.#allowed.has(origin)) return true;
    const page = webOrigin(origin);
    return page !== undefined && page === own();
  }

  /** Writes the fields that let the page of an allowed origin read the answer, unless they are among the fixed ones. */
  writeHeaders(res: Pick<HttpResponse, 'writeHeader'>, origin: string | undefined): void {
    if (this.anyOrigin || origin === undefined) return;
    res.writeHeader('Access-Control-Allow-Origin', origin);
    res.writeHeader('Access-Control-Expose-Headers', EXPOSED);
  }
}
