import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { randomUUID } from 'node:crypto';
import { ChatError } from '../chat/errors.js';
import { type Authenticator, bearerToken, type Identity } from './auth.js';
import { Exchange, type ExchangeOwner } from './exchange.js';
import { Pending } from './pending.js';

/** From the end of the body to the answer. The outcome is unknown after that: 503 `timeout`. */
const DEADLINE_MS = 10_000;
const SWEEP_EVERY_MS = 500;

const PREFLIGHT_HEADERS = {
  'Access-Control-Allow-Methods': 'GET, HEAD, POST, DELETE',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type',
  'Access-Control-Max-Age': '86400',
} as const;

/** A handler failed in a way that is not the caller's fault; the request's id finds it in the log. */
export type Failed = (error: unknown, exchange: Pick<Exchange, 'requestId' | 'method' | 'path'>) => void;

/**
 * What surrounds every handler: the exchange is made first (the engine ends the process when a handler leaves
 * without an abort listener), whatever the handler throws becomes its answer, and none stays without one.
 */
export class Http implements ExchangeOwner {
  /** Set when the worker drains: each answer is then its connection's last. */
  closing = false;
  readonly #auth: Authenticator;
  readonly #failed: Failed;
  readonly #pending = new Pending<Exchange>();
  readonly #timer: NodeJS.Timeout;
  readonly #requestPrefix = randomUUID().slice(0, 8);
  #requestCount = 0;
  #handling = 0;

  constructor(auth: Authenticator, failed: Failed) {
    this.#auth = auth;
    this.#failed = failed;
    this.#timer = setInterval(() => this.#sweep(), SWEEP_EVERY_MS);
  }

  /** Requests whose answer has not left whole. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Handlers that are not done, also those whose peer is gone. */
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
   * Runs a handler for a request whose head is clear; its first part in this tick. Whatever it rejects with
   * becomes the answer.
   */
  guard(exchange: Exchange, handle: () => Promise<void>): void {
    const run = async () => {
      this.#handling += 1;
      try {
        exchange.assertWellFormed();
        await handle();
      } finally {
        this.#handling -= 1;
      }
    };
    run().catch((error: unknown) => {
      if (error instanceof ChatError && error.code !== 'internal') {
        // The engine forgets that it is to close when the next request is in the same segment; while an answer
        // is due, it ends the connection instead of taking it.
        if (exchange.closes) setImmediate(() => exchange.error(error));
        else exchange.error(error);
        return;
      }
      this.#failed(error, exchange);
      exchange.error(new ChatError('internal'));
    });
  }

  /** Before every handler under /api/v1: a CORS preflight, or a valid token. */
  authorized(exchange: Exchange, handle: (identity: Identity) => Promise<void>): void {
    this.guard(exchange, async () => {
      if (isPreflight(exchange)) return exchange.empty(204, PREFLIGHT_HEADERS);
      const token = bearerToken(exchange.header('authorization'));
      if (token === undefined) throw new ChatError('unauthorized');
      await handle(await this.#auth.verify(token));
    });
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
