import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { Readable } from 'node:stream';
import { statusLine, statusOf } from '../../api/status.js';
import { ChatError } from '../../chat/errors.js';
import type { Image } from '../../store/photo-store.js';
import { Headers } from './headers.js';
import { EXPOSED, type SecurityHeaders } from './security-headers.js';

/** Larger answers are handed to the engine piece by piece: one corked write can lose its tail on a full socket. */
const PIECE_BYTES = 16 * 1024;

/** A token (RFC 9110, 9.1). */
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Who made an exchange, and waits for its end. */
export interface ExchangeOwner {
  /** Connections are to be closed after their answer: the process is about to stop. */
  readonly closing: boolean;
  /** Origins of the pages that may read its answer; undefined: any. */
  readonly allowedOrigins: ReadonlySet<string> | undefined;
  /** What limits per address count a peer by, if they apply to it. */
  addressOf(peer: string, forwardedFor: string | undefined): string | undefined;
  readonly securityHeaders: SecurityHeaders;
  /** Nothing more goes out for it. Called once. */
  ended(exchange: Exchange): void;
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
  /** Since when the peer waits for its answer (performance.now()); undefined while its body is arriving. */
  waitingSince: number | undefined = performance.now();
  index = -1;
  readonly #res: HttpResponse;
  readonly #headers: Headers;
  readonly #owner: ExchangeOwner;
  #body: Readable | undefined;
  /** Null: none that limits apply to; undefined: nobody asked. */
  #address: string | null | undefined;
  #paused = false;
  #close = false;
  #done = false;

  constructor(res: HttpResponse, req: HttpRequest, requestId: string, owner: ExchangeOwner) {
    this.#res = res;
    this.#owner = owner;
    res.onAborted(() => {
      this.#done = true;
      owner.ended(this);
      this.#body?.destroy(new ChatError('bad_request'));
    });
    this.requestId = requestId;
    this.method = req.getCaseSensitiveMethod();
    this.path = req.getUrl();
    this.query = req.getQuery();
    this.#headers = new Headers(req);
  }

  /** Answered, or the peer is gone. */
  get done(): boolean {
    return this.#done;
  }

  /** Its answer is to be the connection's last. */
  get closes(): boolean {
    return this.#close;
  }

  header(name: string): string {
    return this.#headers.get(name) ?? '';
  }

  /** What limits per address count it by, if they apply. To be asked for before the first await. */
  get address(): string | undefined {
    if (this.#address === undefined && !this.#done) {
      const peer = Buffer.from(this.#res.getRemoteAddressAsText()).toString();
      this.#address = this.#owner.addressOf(peer, this.#headers.get('x-forwarded-for')) ?? null;
    }
    return this.#address ?? undefined;
  }

  /** Refuses what two servers in a row could read differently. Errors: bad_request. */
  assertWellFormed(): void {
    // The engine reads the fields after the last chunk of a body as a request: its method has a colon.
    if (METHOD.test(this.method) && this.#headers.areClear()) return;
    this.#close = true; // What follows could be read as another request than the peer meant.
    throw new ChatError('bad_request');
  }

  /**
   * Begins to take the body, which must happen in the tick of the request. Back-pressure reaches the peer:
   * the connection is paused while nobody reads. Destroyed with an error when the peer goes away.
   */
  receive(): Readable {
    const body = new Readable({
      read: () => this.#resume(),
    });
    body.on('error', () => undefined); // Whoever reads hears of it; nobody may be reading.
    this.#body = body;
    this.waitingSince = undefined;
    this.#res.onData((chunk, isLast) => {
      if (this.#done) return; // Answered before its end: the rest is dropped.
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

  json(status: number, body: string, headers: Readonly<Record<string, string>> = {}): void {
    this.#answer(status, 'application/json; charset=utf-8', body, headers);
  }

  image({ contentType, bytes }: Image): void {
    this.#answer(200, contentType, bytes, {}, this.#owner.securityHeaders.image);
  }

  empty(status: number, headers: Readonly<Record<string, string>>): void {
    this.#answer(status, undefined, '', headers);
  }

  error(
    error: ChatError,
    headers: Readonly<Record<string, string>> = {},
    status: number = statusOf(error.code),
  ): void {
    const body = {
      status: 'error',
      code: error.code,
      error: error.message,
      ...(error.details && { details: error.details }),
      ...(error.code === 'chats_not_found' && { rooms: [] }),
    };
    const retryMs = error.details?.['retry_after_ms'];
    const own = {
      ...(error.code === 'unauthorized' && { 'WWW-Authenticate': 'Bearer' }),
      ...(typeof retryMs === 'number' && { 'Retry-After': String(Math.ceil(retryMs / 1000)) }), // In seconds.
    };
    this.json(status, JSON.stringify(body), { ...own, ...headers });
  }

  /**
   * Hands the connection over to a WebSocket. A `late` one comes after an await: it is not corked, because then
   * this engine may close the socket, rarely; and without a cork there are no headers of our own. False when the peer
   * is gone.
   */
  upgrade(late: boolean, take: (res: HttpResponse) => void): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.#owner.ended(this);
    if (!late) this.#res.writeStatus('101 Switching Protocols').writeHeader('x-request-id', this.requestId);
    take(this.#res);
    return true;
  }

  /** Only after a pause: to resume a connection that runs makes this engine reset it later. */
  #resume(): void {
    if (!this.#paused || this.#done) return;
    this.#paused = false;
    this.#res.resume();
  }

  /** Whether it comes from a page that may use the server, or from what is no browser, which sends no `Origin`. */
  get isAllowedOrigin(): boolean {
    const { allowedOrigins } = this.#owner;
    const origin = this.#headers.get('origin');
    return allowedOrigins === undefined || origin === undefined || allowedOrigins.has(origin);
  }

  #writeOrigin(): void {
    if (this.#owner.allowedOrigins === undefined) return; // `*`, which stands among the others.
    const origin = this.#headers.get('origin');
    if (origin === undefined || !this.isAllowedOrigin) return;
    this.#res.writeHeader('Access-Control-Allow-Origin', origin);
    this.#res.writeHeader('Access-Control-Expose-Headers', EXPOSED);
  }

  #answer(
    status: number,
    contentType: string | undefined,
    body: string | Buffer,
    headers: Readonly<Record<string, string>>,
    standing = this.#owner.securityHeaders.json,
  ): void {
    if (this.#done) return;
    // The engine takes a string as it is. A character is at most three bytes.
    const whole = typeof body !== 'string' || body.length * 3 <= PIECE_BYTES ? body : Buffer.from(body);
    const res = this.#res;
    if (this.#body !== undefined && !this.#body.readableEnded) {
      this.#body.destroy();
      this.#resume(); // What is left of the body is read and dropped, so that the answer can be heard.
    }
    this.#done = true;
    const close = this.#close || this.#owner.closing;
    res.cork(() => {
      res.writeStatus(statusLine(status));
      if (contentType !== undefined) res.writeHeader('Content-Type', contentType);
      res.writeHeader(...standing);
      this.#writeOrigin();
      res.writeHeader('x-request-id', this.requestId);
      for (const name in headers) res.writeHeader(name, headers[name] ?? '');
      if (this.method === 'HEAD') {
        endHead(res, Buffer.byteLength(whole), close);
      } else if (typeof whole === 'string' || whole.length <= PIECE_BYTES) {
        res.end(whole, close);
      } else {
        if (close) res.writeHeader('Connection', 'close');
        return sendPieces(res, whole, () => this.#owner.ended(this));
      }
      this.#owner.ended(this);
    });
  }
}

/**
 * Ends the answer to a HEAD. The engine waits for a body of the length that it is told: it would neither close the
 * connection by itself nor bear another request on it.
 */
function endHead(res: HttpResponse, bytes: number, close: boolean): void {
  if (!close) {
    res.writeHeader('Content-Length', String(bytes)).endWithoutBody();
    return;
  }
  let gone = false;
  res.onAborted(() => {
    gone = true;
  });
  res.writeHeader('Connection', 'close').tryEnd('', bytes);
  setImmediate(() => gone || res.close()); // When the answer has left.
}

/** Sends a large body as the peer takes it; `ended` is called when all is sent or the peer is gone. */
function sendPieces(res: HttpResponse, body: Buffer, ended: () => void): void {
  let aborted = false;
  const send = (offset: number): boolean => {
    for (let from = offset; ; ) {
      const piece = body.subarray(from, from + PIECE_BYTES);
      const [ok, finished] = res.tryEnd(piece, body.length);
      if (aborted) return true; // The listener below has said so.
      if (finished) {
        ended();
        return true;
      }
      if (!ok) return false;
      from += piece.length;
    }
  };
  res.onAborted(() => {
    aborted = true;
    ended();
  });
  res.onWritable((offset) => aborted || send(offset));
  send(0);
}
