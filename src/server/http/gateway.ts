import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { randomUUID } from 'node:crypto';
import { ChatError } from '../../chat/errors.js';
import type { Authenticator, Identity } from '../auth/authenticator.js';
import { bearerToken } from '../auth/token-carriers.js';
import type { Admission } from '../limits/admission.js';
import type { ClientAddresses } from '../limits/client-address.js';
import { Exchange, type ExchangeOwner } from './exchange.js';
import { type SecurityHeaders, securityHeaders } from './security-headers.js';
import { SwapRemoveSet } from './swap-remove-set.js';

/** From the end of the body to the answer. The outcome is unknown after that: 503 `timeout`. */
const DEADLINE_MS = 10_000;
const SWEEP_EVERY_MS = 500;

const PREFLIGHT_HEADERS = {
  'Access-Control-Allow-Methods': 'GET, HEAD, POST, PATCH, DELETE',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type',
  'Access-Control-Max-Age': '86400',
} as const;

/** A handler failed in a way that is not the caller's fault; the request's id finds it in the log. */
export type Failed = (error: unknown, exchange: Pick<Exchange, 'requestId' | 'method' | 'path'>) => void;

export interface HttpGatewayOptions {
  readonly auth: Authenticator;
  readonly limits: Admission;
  /** Undefined when there is no limit per address. */
  readonly addresses: ClientAddresses | undefined;
  /** Of the pages that may use the server; undefined: any. */
  readonly allowedOrigins: readonly string[] | undefined;
  readonly tls: boolean;
  readonly failed: Failed;
}

/** What answers a request: at once, or when its promise resolves. */
export type Handle = () => void | Promise<void>;

/**
 * What surrounds every handler: the exchange is made first (the engine ends the process when a handler leaves
 * without an abort listener), whatever the handler throws becomes its answer, and none stays without one.
 */
export class HttpGateway implements ExchangeOwner {
  /** Set when the worker drains: each answer is then its connection's last. */
  closing = false;
  readonly allowedOrigins: ReadonlySet<string> | undefined;
  readonly securityHeaders: SecurityHeaders;
  readonly #auth: Authenticator;
  readonly #limits: Admission;
  readonly #addresses: ClientAddresses | undefined;
  readonly #failed: Failed;
  readonly #pending = new SwapRemoveSet<Exchange>();
  readonly #timer: NodeJS.Timeout;
  readonly #requestPrefix = randomUUID().slice(0, 8);
  #requestCount = 0;
  #handling = 0;

  constructor({ auth, limits, addresses, allowedOrigins, tls, failed }: HttpGatewayOptions) {
    this.securityHeaders = securityHeaders({ tls, anyOrigin: allowedOrigins === undefined });
    this.#auth = auth;
    this.#limits = limits;
    this.#addresses = addresses;
    this.allowedOrigins = allowedOrigins && new Set(allowedOrigins);
    this.#failed = failed;
    this.#timer = setInterval(() => this.#sweep(), SWEEP_EVERY_MS);
  }

  /** Requests whose answer has not left whole. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Handlers that wait for something other than the log's end, also those whose peer is gone. */
  get handling(): number {
    return this.#handling;
  }

  ended(exchange: Exchange): void {
    this.#pending.delete(exchange);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Copies a request out of the engine; the first thing that every route does. */
  exchange(res: HttpResponse, req: HttpRequest): Exchange {
    this.#requestCount += 1;
    const requestId = `${this.#requestPrefix}-${this.#requestCount}`;
    const exchange = new Exchange(res, req, requestId, this);
    this.#pending.add(exchange);
    return exchange;
  }

  /**
   * Runs a handler for a request whose head is clear, at least its first part in this tick. Whatever it throws or
   * rejects with becomes the answer. Most have their answer without any promise, and are not made to wait for one.
   */
  guard(exchange: Exchange, handle: Handle): void {
    try {
      exchange.assertWellFormed();
    } catch (error) {
      return this.#fail(exchange, error);
    }
    this.attempt(exchange, handle);
  }

  /** Runs what is left of a handler, as `guard` does. */
  attempt(exchange: Exchange, handle: Handle): void {
    try {
      const rest = handle();
      if (rest !== undefined) void this.#finish(exchange, rest);
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  /** Before every handler under /api/v1: a CORS preflight, or a valid token. */
  authorized(exchange: Exchange, handle: (identity: Identity) => ReturnType<Handle>): void {
    this.guard(exchange, () => {
      if (isPreflight(exchange)) return exchange.empty(204, PREFLIGHT_HEADERS);
      const token = bearerToken(exchange.header('authorization'));
      if (token === undefined) throw new ChatError('unauthorized');
      const counted = (identity: Identity) => {
        this.#limits.admitRequest(identity.caller);
        return handle(identity);
      };
      const identity = this.identify(exchange, token);
      return identity instanceof Promise ? identity.then(counted) : counted(identity);
    });
  }

  /** Who a token of a request speaks for: at once when that can be told. Errors: unauthorized, unavailable, rate_limited. */
  identify(exchange: Exchange, token: string): Identity | Promise<Identity> {
    const identity = this.#auth.verifyNow(token);
    if (identity !== undefined) return identity;
    const { address } = exchange;
    return this.#auth.verify(token).catch((error: unknown) => {
      const failed = error instanceof ChatError && error.code === 'unauthorized';
      throw failed ? this.#limits.failedLogin(address) : error;
    });
  }

  addressOf(peer: string, forwardedFor: string | undefined): string | undefined {
    return this.#addresses?.keyOf(peer, forwardedFor);
  }

  async #finish(exchange: Exchange, rest: Promise<void>): Promise<void> {
    this.#handling += 1;
    try {
      await rest;
    } catch (error) {
      this.#fail(exchange, error);
    } finally {
      this.#handling -= 1;
    }
  }

  #fail(exchange: Exchange, error: unknown): void {
    if (error instanceof ChatError && error.code !== 'internal') {
      this.#limits.refusals.countError(error);
      // The engine forgets that it is to close when the next request is in the same segment; while an answer
      // is due, it ends the connection instead of taking it.
      if (exchange.closes) setImmediate(() => exchange.error(error));
      else exchange.error(error);
      return;
    }
    this.#failed(error, exchange);
    exchange.error(new ChatError('internal'));
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

function isPreflight(exchange: Exchange): boolean {
  return (
    exchange.method === 'OPTIONS' &&
    exchange.header('origin') !== '' &&
    exchange.header('access-control-request-method') !== ''
  );
}
