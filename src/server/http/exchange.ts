import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import { Readable } from 'node:stream';
import type { Endpoint } from '../../api/operation.js';
import { refusalBody } from '../../api/refusal.js';
import { statusOf } from '../../api/status.js';
import { ChatError } from '../../chat/errors.js';
import type { MaybePromise } from '../../maybe-promise.js';
import type { Image } from '../../store/photo-store.js';
import type { ClientAddresses } from '../limits/client-address.js';
import { type Cors, preflightHeaders } from './cors.js';
import { isToken } from './grammar.js';
import { Headers } from './headers.js';
import type { OwnOrigin } from './own-origin.js';
import type { SecurityHeaders } from './security-headers.js';
import { endHead, PIECE_BYTES, sendPieces } from './send.js';

/** What the exchanges of a worker have in common. */
export interface ExchangeContext {
  /** Each answer is its connection's last: the process is about to stop. */
  closing: boolean;
  /** How many exchanges wait for a promise; those whose peer is gone count too. */
  handling: number;
  readonly cors: Cors;
  readonly securityHeaders: SecurityHeaders;
  readonly ownOrigin: OwnOrigin;
  /** Undefined when there is no limit per address. */
  readonly addresses: ClientAddresses | undefined;
  /** Nothing more goes out for an exchange. Called once for each. */
  ended(exchange: Exchange): void;
  refused(error: ChatError, exchange: Exchange): void;
  /** Something went wrong that is not the caller's fault. */
  failed(error: unknown, exchange: Exchange): void;
}

/**
 * One HTTP request and its one answer. Everything that is needed of the engine's request is copied at once,
 * because it is gone after the first await; the response is never touched after it ended or was aborted.
 */
export class Exchange {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** The `{id}` of the endpoint's path, as it came; undefined where the path has none. */
  readonly idText: string | undefined;
  /** The `{emoji}` of the endpoint's path, in the same way. */
  readonly emojiText: string | undefined;
  /** The body of the request, where the endpoint takes one. It is destroyed with an error when the peer goes away. */
  readonly body: Readable | undefined;
  /** Since when the peer waits for its answer (performance.now()); undefined while its body is arriving. */
  waitingSince: number | undefined = performance.now();
  index = -1;
  readonly #res: HttpResponse;
  readonly #headers: Headers;
  readonly #context: ExchangeContext;
  readonly #endpoint: Endpoint | undefined;
  /** Undefined: nobody asked for it yet; null: limits per address do not apply. */
  #address: string | null | undefined;
  #paused = false;
  #close = false;
  #done = false;

  constructor(
    res: HttpResponse,
    req: HttpRequest,
    requestId: string,
    context: ExchangeContext,
    endpoint: Endpoint | undefined,
  ) {
    this.#res = res;
    this.#context = context;
    this.#endpoint = endpoint;
    res.onAborted(() => {
      this.#done = true;
      context.ended(this);
      this.body?.destroy(new ChatError('bad_request'));
    });
    this.requestId = requestId;
    this.method = req.getCaseSensitiveMethod();
    this.path = req.getUrl();
    this.query = req.getQuery();
    this.#headers = new Headers(req);
    this.idText = endpoint?.path.includes('{id}') ? req.getParameter(0) : undefined;
    this.emojiText = endpoint?.path.includes('{emoji}') ? req.getParameter(1) : undefined;
    this.body = endpoint?.body === undefined ? undefined : this.#receive();
  }

  /** Answered, or the peer is gone. */
  get done(): boolean {
    return this.#done;
  }

  /** '' when the request has no such header. */
  header(name: string): string {
    return this.#headers.get(name) ?? '';
  }

  /** What limits per address count the peer by, if they apply to it. */
  get address(): string | undefined {
    const { addresses } = this.#context;
    if (this.#address === undefined && addresses !== undefined && !this.#done) {
      this.#address = addresses.keyOf(this.#peer(), this.#headers.get('x-forwarded-for')) ?? null;
    }
    return this.#address ?? undefined;
  }

  /** False for a page whose origin is neither among ALLOWED_ORIGINS nor the one that the request came to. */
  get isAllowedOrigin(): boolean {
    const { cors, ownOrigin } = this.#context;
    return cors.allows(this.#headers.get('origin'), () =>
      this.#done ? undefined : ownOrigin.of(this.#peer(), this.#headers),
    );
  }

  /** Refuses what two servers in a row could read differently. Errors: bad_request. */
  assertWellFormed(): void {
    // The engine reads the fields after the last chunk of a body as a request: its method has a colon.
    if (isToken(this.method) && this.#headers.areClear()) return;
    this.#close = true; // What follows could be read as another request than the peer meant.
    throw new ChatError('bad_request');
  }

  /**
   * Runs a step of the work, which answers the request or leaves that to a later step. Whatever it throws or rejects
   * with becomes the answer. Most requests are answered without a promise.
   */
  run(work: () => MaybePromise<void>): void {
    try {
      const rest = work();
      if (rest !== undefined) void this.#finish(rest);
    } catch (error) {
      this.refuse(error);
    }
  }

  /** Answers with an error. The peer hears of one that is no ChatError as `internal`; the log has the cause. */
  refuse(thrown: unknown): void {
    const isRefusal = thrown instanceof ChatError && thrown.code !== 'internal';
    if (isRefusal) this.#context.refused(thrown, this);
    else this.#context.failed(thrown, this);
    const error = isRefusal ? thrown : new ChatError('internal');
    // The engine forgets that it is to close when the next request is in the same segment; while an answer
    // is due, it ends the connection instead of taking it.
    if (this.#close) setImmediate(() => this.error(error));
    else this.error(error);
  }

  json(status: number, body: string, headers: Readonly<Record<string, string>> = {}): void {
    this.#answer(status, 'application/json; charset=utf-8', body, headers);
  }

  /** `etag` names the image, quoted. */
  image(etag: string, { contentType, bytes }: Image): void {
    this.#answer(200, contentType, bytes, { ETag: etag }, this.#imageHeaders);
  }

  /**
   * Whether the peer is told that it has cached what `etag` names (RFC 9110, 13.1.2). It is not told so in a
   * connection's last answer, because this engine cannot close after a 304.
   */
  peerHas(etag: string): boolean {
    if (this.#context.closing) return false;
    const cached = this.header('if-none-match').trim();
    return cached === '*' || cached.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
  }

  notModified(etag: string): void {
    this.#answer(304, undefined, '', { ETag: etag }, this.#imageHeaders);
  }

  /** Answers a CORS preflight. A page that may not use the server is told nothing, which is a no to its browser. */
  preflight(): void {
    const headers = this.isAllowedOrigin
      ? preflightHeaders(this.header('access-control-request-headers'))
      : {};
    this.#answer(204, undefined, '', headers, this.#context.securityHeaders.preflight);
  }

  error(
    error: ChatError,
    headers: Readonly<Record<string, string>> = {},
    status: number = statusOf(error.code),
  ): void {
    const retryMs = error.details?.['retry_after_ms'];
    const own = {
      ...(error.code === 'unauthorized' && { 'WWW-Authenticate': 'Bearer' }),
      ...(typeof retryMs === 'number' && { 'Retry-After': String(Math.ceil(retryMs / 1000)) }), // In seconds.
    };
    this.json(status, JSON.stringify(refusalBody(error, this.#endpoint)), { ...own, ...headers });
  }

  /**
   * Hands the connection over to a WebSocket; false when the peer is gone. A `late` upgrade, which comes after an
   * await, is not corked, because then this engine may close the socket, rarely. Without a cork the answer has no
   * headers of ours.
   */
  upgrade(late: boolean, take: (res: HttpResponse) => void): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.#context.ended(this);
    if (!late) this.#res.writeStatus('101 Switching Protocols').writeHeader('x-request-id', this.requestId);
    take(this.#res);
    return true;
  }

  /** The other end of the connection. To be called before the exchange is done. */
  #peer(): string {
    return Buffer.from(this.#res.getRemoteAddressAsText()).toString();
  }

  /** A request for an image that has no token came by a link. */
  get #imageHeaders(): readonly [name: string, value: string] {
    const { image, linkedImage } = this.#context.securityHeaders;
    return this.header('authorization') === '' ? linkedImage : image;
  }

  async #finish(rest: Promise<void>): Promise<void> {
    this.#context.handling += 1;
    try {
      await rest;
    } catch (error) {
      this.refuse(error);
    } finally {
      this.#context.handling -= 1;
    }
  }

  /** Begins to take the body. Back-pressure reaches the peer: the connection is paused while nobody reads. */
  #receive(): Readable {
    const body = new Readable({
      read: () => this.#resume(),
    });
    body.on('error', () => undefined); // Whoever reads hears of it; nobody may be reading.
    this.waitingSince = undefined;
    this.#res.onData((chunk, isLast) => {
      if (this.#done) return; // The request was answered before its end: the rest is dropped.
      // The engine empties the chunk when this returns.
      const wantsMore = chunk.byteLength === 0 || body.push(Buffer.from(chunk.slice(0)));
      if (isLast) {
        body.push(null);
        this.#resume(); // Nobody reads after the end, and the next request comes over the same connection.
        this.waitingSince = performance.now();
      } else if (!wantsMore) {
        this.#paused = true;
        this.#res.pause();
      }
    });
    return body;
  }

  /** Does nothing unless it paused: to resume a connection that runs makes this engine reset it later. */
  #resume(): void {
    if (!this.#paused || this.#done) return;
    this.#paused = false;
    this.#res.resume();
  }

  #answer(
    status: number,
    contentType: string | undefined,
    body: string | Buffer,
    headers: Readonly<Record<string, string>>,
    fixed = this.#context.securityHeaders.json,
  ): void {
    if (this.#done) return;
    // The engine takes a string as it is. A character is at most three bytes.
    const whole = typeof body !== 'string' || body.length * 3 <= PIECE_BYTES ? body : Buffer.from(body);
    const res = this.#res;
    if (this.body !== undefined && !this.body.readableEnded) {
      this.body.destroy();
      this.#resume(); // What is left of the body is read and dropped, so that the answer can be heard.
    }
    const { closing, cors } = this.#context;
    const page = cors.anyOrigin || !this.isAllowedOrigin ? undefined : this.#headers.get('origin');
    this.#done = true;
    const close = this.#close || closing;
    res.cork(() => {
      res.writeStatus(`${status} ${STATUS_CODES[status]}`);
      if (contentType !== undefined) res.writeHeader('Content-Type', contentType);
      res.writeHeader(...fixed);
      cors.writeHeaders(res, page);
      res.writeHeader('x-request-id', this.requestId);
      for (const name in headers) res.writeHeader(name, headers[name] ?? '');
      if (status === 304) {
        res.endWithoutBody(); // With an argument, this engine writes a Content-Length, and waits for such a body.
      } else if (this.method === 'HEAD') {
        endHead(res, Buffer.byteLength(whole), close);
      } else if (typeof whole === 'string' || whole.length <= PIECE_BYTES) {
        res.end(whole, close);
      } else {
        if (close) res.writeHeader('Connection', 'close');
        return sendPieces(res, whole, () => this.#context.ended(this));
      }
      this.#context.ended(this);
    });
  }
}
