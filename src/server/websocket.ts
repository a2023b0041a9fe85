import type { HttpRequest, HttpResponse, TemplatedApp, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import {
  duplicateJson,
  ENGINE_FRAME_BYTES_MAX,
  errorJson,
  FRAME_BYTES_MAX,
  frameReader,
  newTokenIn,
  parseFrame,
} from '../api/frames.js';
import type { Channel } from '../api/operation.js';
import { channels } from '../api/routes.js';
import { closeCodeOf, statusOf, upgradeStatusOf } from '../api/status.js';
import { ChatError } from '../chat/errors.js';
import { parseId } from '../chat/ids.js';
import type { Message } from '../chat/messages.js';
import type { Post, ReadView } from '../chat/ports.js';
import type { Attachments } from './attach.js';
import { type Authenticator, bearerToken, type Identity, offeredProtocols } from './auth.js';
import type { Exchange } from './exchange.js';
import type { Expiry } from './expiry.js';
import type { Http } from './http.js';
import type { Hub } from './hub.js';
import { badParameter, countParameter, parameter } from './query.js';
import { patternOf } from './router.js';
import { ChatSocket, MainSocket, type Start } from './sockets.js';
import type { TypingIndicators } from './typing.js';

const PROTOCOL = 'chat.v1';
/** 16 bytes in base64. The engine takes any 24 characters, and of several keys the first. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
/** What a socket begins with unless it asks for something else; one for all, as most do not. */
const NEWEST: Start = { limit: 100, offset: 0 };
/** Over this the engine cuts a socket off, which may resume: the last line of defence of the worker's memory. */
const BUFFERED_BYTES_MAX = 2 * 1024 * 1024;
/** The engine pings a silent peer, and closes when nothing comes back for this long. */
const IDLE_SECONDS_MAX = 120;
const BAD_FRAMES_MAX = 10;
const BAD_FRAMES_WINDOW_MS = 60_000;
/** Tokens of one socket that are checked at a time: as many as may be bad. */
const RENEWALS_MAX = BAD_FRAMES_MAX;

/** What the engine keeps with each socket. */
interface Session {
  /** Why the peer was let in only to be told so: a browser cannot see the status of a refused upgrade. */
  readonly refusal: ChatError | undefined;
  /** Until it is open. */
  target: Target | undefined;
  /** The upgrade came after an await: this engine may close such a socket that sends at once. */
  readonly late: boolean;
  socket: ChatSocket | MainSocket | undefined;
  /** When the newest of its bad frames came. */
  badFrames: number[] | undefined;
  /** New tokens that are being checked. */
  renewals: number;
}

interface Target {
  readonly userId: number;
  readonly chatId: number | undefined;
  readonly start: Start;
  /** As a socket's. */
  readonly endsAt: number;
  readonly issuedAt: number;
}

/** A request for an upgrade, copied out of the engine. */
interface Asking {
  readonly exchange: Exchange;
  readonly idText: string | undefined;
  readonly context: us_socket_context_t;
  readonly protocols: ReturnType<typeof offeredProtocols>;
}

export interface WebSocketOptions {
  readonly http: Http;
  readonly auth: Authenticator;
  readonly hub: Hub;
  readonly attachments: Attachments;
  readonly typing: TypingIndicators;
  readonly expiry: Expiry;
  readonly post: Post;
  readonly textCharactersMax: number;
  /** Takes `?access_token=`. */
  readonly queryToken: boolean;
  readonly draining: () => boolean;
  readonly failed: (error: unknown) => void;
}

/** The WebSocket side of a worker: upgrades, frames from clients, and the sockets' ends. */
export class WebSockets {
  readonly #options: WebSocketOptions;
  readonly #readFrame;

  constructor(options: WebSocketOptions) {
    this.#options = options;
    this.#readFrame = frameReader(options.textCharactersMax);
  }

  register(app: TemplatedApp): void {
    for (const channel of channels) {
      app.ws<Session>(patternOf(channel.path), {
        compression: 0, // Off: 300 KB a client, and an attack on what it compresses.
        maxPayloadLength: ENGINE_FRAME_BYTES_MAX,
        maxBackpressure: BUFFERED_BYTES_MAX,
        closeOnBackpressureLimit: true,
        idleTimeout: IDLE_SECONDS_MAX,
        sendPingsAutomatically: true,
        upgrade: (res, req, context) => this.#upgrade(res, req, context, channel),
        open: (ws) => this.#open(ws),
        message: (ws, data, isBinary) => this.#message(ws, data, isBinary),
        drain: (ws) => {
          const { socket } = ws.getUserData();
          if (socket !== undefined) this.#options.attachments.drained(socket);
        },
        close: (ws) => this.#closed(ws.getUserData()),
      });
    }
  }

  #upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t, channel: Channel): void {
    const idText = channel.of === 'main' ? undefined : req.getParameter(0);
    const exchange = this.#options.http.exchange(res, req);
    const protocols = offeredProtocols(exchange.header('sec-websocket-protocol'));
    const asking: Asking = { exchange, idText, context, protocols };
    this.#options.http.guard(exchange, async () => {
      // Everything that a hot upgrade needs is at hand: then it happens in this very tick.
      const target = this.#target(asking, channel);
      const late = target instanceof Promise;
      try {
        this.#accept(asking, { target: late ? await target : target }, late);
      } catch (error) {
        if (!(error instanceof ChatError)) throw error;
        if (error.code === 'upgrade_required')
          return exchange.error(error, { Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' });
        if (protocols.chatV1 && handshakeProblem(exchange) === undefined)
          this.#accept(asking, { refusal: error }, late);
        else exchange.error(error, {}, upgradeStatusOf(error.code));
      }
    });
  }

  /** Where the socket may go: at once when all that it takes is known, otherwise in a promise. */
  #target(asking: Asking, channel: Channel): Target | Promise<Target> {
    try {
      const token = this.#tokenOf(asking);
      const identity = this.#options.auth.verifyNow(token);
      if (identity !== undefined) return this.#admit(identity, asking, channel);
      return this.#options.auth.verify(token).then((verified) => this.#admit(verified, asking, channel));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Errors: unauthorized. */
  #tokenOf({ exchange, protocols }: Asking): string {
    const header = exchange.header('authorization');
    if (header !== '') return bearerToken(header) ?? unauthorized();
    if (protocols.token !== undefined) return protocols.token;
    const query = this.#options.queryToken
      ? parameter(new URLSearchParams(exchange.query), 'access_token')
      : undefined;
    return query ?? unauthorized();
  }

  /** Errors: bad_request, upgrade_required, origin_not_allowed, unavailable, invalid_id, invalid_query, profile_required, chat_not_found, group_not_found, after_unknown. */
  #admit(identity: Identity, { exchange, idText }: Asking, channel: Channel): Target | Promise<Target> {
    const { auth, hub, attachments } = this.#options;
    const problem = handshakeProblem(exchange);
    if (problem !== undefined) throw new ChatError(problem);
    if (!exchange.isAllowedOrigin) throw new ChatError('origin_not_allowed');
    if (this.#options.draining()) throw new ChatError('unavailable');
    const chatId = idText === undefined ? undefined : parseId(idText);
    if (idText !== undefined && chatId === undefined) throw new ChatError('invalid_id');
    const start = exchange.query === '' ? NEWEST : startOf(new URLSearchParams(exchange.query));
    return hub.follower.exact((view: ReadView): Target => {
      if (hub.revocations.has(identity)) unauthorized(); // Meanwhile.
      const userId = hub.userOf(view, identity.caller);
      if (userId === undefined || hub.caches.user(view, userId) === undefined)
        throw new ChatError('profile_required');
      const of = channel.of === 'main' || chatId === undefined ? undefined : { id: chatId, type: channel.of };
      attachments.admit(view, userId, of, 'after' in start ? start.after : undefined);
      return { userId, chatId, start, endsAt: auth.endOf(identity), issuedAt: identity.issuedAt };
    });
  }

  #accept(asking: Asking, session: { target: Target } | { refusal: ChatError }, late: boolean): void {
    const { exchange, context, protocols } = asking;
    const data: Session = {
      refusal: 'refusal' in session ? session.refusal : undefined,
      target: 'target' in session ? session.target : undefined,
      late,
      socket: undefined,
      badFrames: undefined,
      renewals: 0,
    };
    exchange.upgrade(late, (res) => {
      res.upgrade(
        data,
        exchange.header('sec-websocket-key'),
        protocols.chatV1 ? PROTOCOL : '',
        exchange.header('sec-websocket-extensions'),
        context,
      );
    });
  }

  #open(ws: WebSocket<Session>): void {
    const session = ws.getUserData();
    const { refusal, target, late } = session;
    if (refusal !== undefined) {
      ws.end(closeCodeOf(refusal.code), refusal.code);
      return;
    }
    if (target === undefined) return;
    session.target = undefined; // Sockets are many, and most of them idle.
    const { userId, chatId, start, endsAt, issuedAt } = target;
    const { hub, expiry, attachments } = this.#options;
    const socket =
      chatId === undefined
        ? new MainSocket(ws, userId, 'after' in start ? start.after : undefined)
        : new ChatSocket(ws, userId, chatId, start);
    session.socket = socket;
    socket.endsAt = endsAt;
    socket.issuedAt = issuedAt;
    hub.add(socket); // In the tick of its admission: a revocation or an end of its token that comes next finds it.
    expiry.noted(socket);
    if (late) setImmediate(() => attachments.attach(socket));
    else attachments.attach(socket);
  }

  #closed(session: Session): void {
    const { socket } = session;
    if (socket === undefined) return;
    this.#options.attachments.detach(socket);
    if (socket.kind === 'chat') this.#options.typing.left(socket);
  }

  #message(ws: WebSocket<Session>, data: ArrayBuffer, isBinary: boolean): void {
    const session = ws.getUserData();
    const { socket } = session;
    if (socket === undefined || socket.leaving) return;
    if (data.byteLength > FRAME_BYTES_MAX) return socket.end(closeCodeOf('too_large'), 'frame too big');
    let clientId: string | undefined;
    try {
      if (isBinary) throw new ChatError('invalid_frame');
      const json = parseFrame(Buffer.from(data).toString());
      if (typeof json['client_id'] === 'string') clientId = json['client_id'];
      const token = newTokenIn(json);
      if (token !== undefined) {
        if (session.renewals >= RENEWALS_MAX) throw new ChatError('overloaded');
        return void this.#renew(session, socket, token);
      }
      if (socket.kind === 'main') throw new ChatError('unknown_type');
      const frame = this.#readFrame(json);
      if (frame.type === 'message') {
        const { text } = frame;
        if (!socket.afterHistory(() => this.#post(socket, text, frame.client_id)))
          throw new ChatError('overloaded');
      } else this.#type(socket, frame.type === 'typing');
    } catch (error) {
      this.#refuseBadFrame(session, socket, error, clientId);
    }
  }

  /** A newer token of the same user lets the socket stay until that expires. */
  async #renew(session: Session, socket: ChatSocket | MainSocket, token: string): Promise<void> {
    const { auth, expiry, hub } = this.#options;
    session.renewals += 1;
    try {
      const identity = auth.verifyNow(token) ?? (await auth.verify(token));
      await hub.follower.exact((view) => {
        if (hub.userOf(view, identity.caller) !== socket.userId || hub.revocations.has(identity))
          unauthorized();
        socket.stayFor({ issuedAt: identity.issuedAt, endsAt: auth.endOf(identity) });
        expiry.noted(socket);
      });
    } catch (error) {
      this.#refuseBadFrame(session, socket, error);
    } finally {
      session.renewals -= 1;
    }
  }

  /** The echo that comes with the log is the acknowledgement; here only what is not one. */
  #post(socket: ChatSocket, text: string, clientId: string | undefined): void {
    const { chatId, userId } = socket;
    socket.unanswered += 1;
    this.#options.post({ chatId, authorId: userId, text, clientId }, (outcome) => {
      if ('ok' in outcome && 'duplicate' in outcome.ok) {
        void this.#answerRepeat(socket, outcome.ok.duplicate);
        return;
      }
      socket.unanswered -= 1;
      if ('ok' in outcome) return;
      const { error, details } = outcome;
      this.#refuseFrame(socket, new ChatError(error, { details }), clientId);
    });
  }

  async #answerRepeat(socket: ChatSocket, first: Message): Promise<void> {
    const { caches, follower } = this.#options.hub;
    try {
      await follower.exact((view) => {
        socket.send(duplicateJson(first, caches.nameJson(view, first.authorId)));
      });
    } catch (error) {
      this.#refuseFrame(socket, error, first.clientId ?? undefined);
    } finally {
      socket.unanswered -= 1;
    }
  }

  #type(socket: ChatSocket, on: boolean): void {
    const { hub, typing } = this.#options;
    const typed = hub.follower.exact((view) => typing.typed(socket, on, view));
    if (typed instanceof Promise) typed.catch((error: unknown) => this.#refuseFrame(socket, error));
  }

  #refuseFrame(socket: ChatSocket | MainSocket, error: unknown, clientId?: string): void {
    if (!(error instanceof ChatError)) this.#options.failed(error);
    socket.send(errorJson(error instanceof ChatError ? error : new ChatError('internal'), clientId));
  }

  /** What the client is to blame for counts. */
  #refuseBadFrame(
    session: Session,
    socket: ChatSocket | MainSocket,
    error: unknown,
    clientId?: string,
  ): void {
    this.#refuseFrame(socket, error, clientId);
    if (error instanceof ChatError && statusOf(error.code) < 500) this.#countBadFrame(session, socket);
  }

  #countBadFrame(session: Session, socket: ChatSocket | MainSocket): void {
    session.badFrames ??= [];
    const now = performance.now();
    if (session.badFrames.push(now) < BAD_FRAMES_MAX) return;
    const since = session.badFrames.shift() ?? now;
    if (now - since < BAD_FRAMES_WINDOW_MS) {
      socket.end(closeCodeOf('too_many_bad_frames'), 'too many bad frames');
    }
  }
}

/** What the engine does not check itself (RFC 6455, 4.2.1). */
function handshakeProblem(exchange: Exchange): 'bad_request' | 'upgrade_required' | undefined {
  const connection = exchange
    .header('connection')
    .toLowerCase()
    .split(/\s*,\s*/);
  if (
    exchange.header('upgrade').toLowerCase() !== 'websocket' ||
    !connection.includes('upgrade') ||
    !KEY.test(exchange.header('sec-websocket-key'))
  ) {
    return 'bad_request';
  }
  return exchange.header('sec-websocket-version') === '13' ? undefined : 'upgrade_required';
}

/** Errors: invalid_query. */
function startOf(query: URLSearchParams): Start {
  const after = countParameter(query, 'after');
  const limit = countParameter(query, 'limit');
  const offset = countParameter(query, 'offset');
  if (after === undefined)
    return { ...NEWEST, ...(limit !== undefined && { limit }), ...(offset !== undefined && { offset }) };
  if (limit !== undefined || offset !== undefined) {
    throw badParameter('after', 'does not go together with limit or offset');
  }
  return { after };
}

function unauthorized(): never {
  throw new ChatError('unauthorized');
}
