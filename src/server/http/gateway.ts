import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { randomUUID } from 'node:crypto';
import type { Endpoint } from '../../api/operation.js';
import { ChatError } from '../../chat/errors.js';
import { chain, type MaybePromise } from '../../maybe-promise.js';
import type { Authenticator } from '../auth/authenticator.js';
import type { Identity } from '../auth/identity.js';
import { isLink, type PhotoLinks } from '../auth/photo-links.js';
import { bearerToken } from '../auth/token-carriers.js';
import { TokenRefusal } from '../auth/token-refusal.js';
import type { Admission } from '../limits/admission.js';
import type { ClientAddresses } from '../limits/client-address.js';
import { Cors, isPreflight } from './cors.js';
import { Exchange, type ExchangeContext } from './exchange.js';
import { OwnOrigin } from './own-origin.js';
import { securityHeaders } from './security-headers.js';
import { SwapRemoveSet } from './swap-remove-set.js';

/** How long a request may wait after the end of its body. It is then answered 503 `timeout`: the outcome is unknown. */
const DEADLINE_MS = 10_000;
const SWEEP_EVERY_MS = 500;
const NO_BEARER = 'the request has no `Authorization: Bearer <token>`';
const BAD_LINK = 'it is no link of this server to this photo, or has ended';

/** A handler failed in a way that is not the caller's fault; the request's id finds it in the log. */
export type Failed = (error: unknown, exchange: Pick<Exchange, 'requestId' | 'method' | 'path'>) => void;

export interface HttpGatewayOptions {
  readonly auth: Authenticator;
  readonly photoLinks: PhotoLinks;
  readonly admission: Admission;
  readonly addresses: ClientAddresses;
  /** Whether there is a limit per address. */
  readonly limitsAddresses: boolean;
  /** The origins of pages that may use the server, beside its own; undefined: any. */
  readonly allowedOrigins: readonly string[] | undefined;
  readonly tls: boolean;
  readonly failed: Failed;
}

/** Answers a request, in this tick or later; what it throws or rejects with becomes the answer. */
export type Handler = (exchange: Exchange, identity: Identity) => MaybePromise<void>;
/** Is a Handler of requests whose token was not checked. */
export type OpenHandler = (exchange: Exchange) => MaybePromise<void>;

/** Takes every request from the engine to its handler. No request stays without an answer. */
export class HttpGateway {
  readonly #auth: Authenticator;
  readonly #photoLinks: PhotoLinks;
  readonly #admission: Admission;
  readonly #context: ExchangeContext;
  readonly #pending = new SwapRemoveSet<Exchange>();
  readonly #timer: NodeJS.Timeout;
  readonly #requestPrefix = randomUUID().slice(0, 8);
  #requestCount = 0;

  constructor(options: HttpGatewayOptions) {
    const { auth, photoLinks, admission, addresses, limitsAddresses, allowedOrigins, tls, failed } = options;
    this.#auth = auth;
    this.#photoLinks = photoLinks;
    this.#admission = admission;
    const cors = new Cors(allowedOrigins);
    this.#context = {
      closing: false,
      handling: 0,
      cors,
      securityHeaders: securityHeaders({ tls, cors }),
      ownOrigin: new OwnOrigin(tls, addresses),
      addresses: limitsAddresses ? addresses : undefined,
      ended: (exchange) => this.#pending.delete(exchange),
      refused: (error, { requestId }) => admission.refusals.countError(error, { requestId }),
      failed,
    };
    this.#timer = setInterval(() => this.#sweep(), SWEEP_EVERY_MS);
  }

  /** Requests whose answer has not left whole. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Requests that wait for something other than the log's end, also those whose peer is gone. */
  get handling(): number {
    return this.#context.handling;
  }

  /** From here on, each answer is its connection's last. */
  drain(): void {
    this.#context.closing = true;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Takes a request for the API through every check to its handler. `endpoint` is undefined where there is none. */
  serve(res: HttpResponse, req: HttpRequest, endpoint: Endpoint | undefined, handle: Handler): void {
    const exchange = this.#receive(res, req, endpoint);
    exchange.run(() => {
      exchange.assertWellFormed();
      if (isPreflight(exchange)) return exchange.preflight();
      return chain(this.#identityOf(exchange, endpoint), (identity) => {
        this.#admission.admitRequest(identity.caller);
        return handle(exchange, identity);
      });
    });
  }

  /** Does the same as `serve` for what needs no token, or checks it by itself. */
  serveOpen(res: HttpResponse, req: HttpRequest, endpoint: Endpoint | undefined, handle: OpenHandler): void {
    const exchange = this.#receive(res, req, endpoint);
    exchange.run(() => {
      exchange.assertWellFormed();
      return isPreflight(exchange) ? exchange.preflight() : handle(exchange);
    });
  }

  /**
   * Verifies a token, in this tick when that is possible, and counts a failed login. Errors: unauthorized, unavailable,
   * rate_limited.
   */
  identify(exchange: Exchange, token: string): MaybePromise<Identity> {
    const identity = this.#auth.verifyNow(token);
    if (identity !== undefined) return identity;
    const { address } = exchange;
    return this.#auth.verify(token).catch((error: unknown) => {
      const failed = error instanceof ChatError && error.code === 'unauthorized';
      throw failed ? this.#admission.failedLogin(address, error) : error;
    });
  }

  /** Errors: those of `identify`. */
  #identityOf(exchange: Exchange, endpoint: Endpoint | undefined): MaybePromise<Identity> {
    const token = bearerToken(exchange.header('authorization'));
    if (token !== undefined) return this.identify(exchange, token);
    if (endpoint?.image && isLink(exchange.query)) return this.#viewerOf(exchange);
    throw new TokenRefusal('missing', NO_BEARER);
  }

  /** Finds whom the link of a request is for, and counts one that is no good as a failed login. */
  #viewerOf(exchange: Exchange): Identity {
    const caller = this.#photoLinks.viewerOf(exchange.path, exchange.query);
    if (caller === undefined)
      throw this.#admission.failedLogin(exchange.address, new TokenRefusal('bad_link', BAD_LINK));
    return { caller, expiresAt: undefined, issuedAt: 0 };
  }

  /** Copies a request out of the engine, which ends the process when a handler leaves without an abort listener. */
  #receive(res: HttpResponse, req: HttpRequest, endpoint: Endpoint | undefined): Exchange {
    this.#requestCount += 1;
    const requestId = `${this.#requestPrefix}-${this.#requestCount}`;
    const exchange = new Exchange(res, req, requestId, this.#context, endpoint);
    this.#pending.add(exchange);
    return exchange;
  }

  #sweep(): void {
    const now = performance.now();
    for (const exchange of this.#pending) {
      const { waitingSince } = exchange;
      if (waitingSince !== undefined && now - waitingSince > DEADLINE_MS)
        exchange.error(new ChatError('timeout'));
    }
  }
}
