import type { TemplatedApp, WebSocket } from 'uWebSockets.js';
import { errorJson, pongJson } from '../../api/encode.js';
import { ENGINE_FRAME_BYTES_MAX, FRAME_BYTES_MAX, type TypingSignal } from '../../api/frames.js';
import {
  type ChatFrame,
  chatIdIn,
  frameReader,
  historyRequestIn,
  newTokenIn,
  parseFrame,
  pingIn,
} from '../../api/parse-frame.js';
import { channels } from '../../api/routes.js';
import { Close, closeCodeOf, statusOf } from '../../api/status.js';
import type { Post, Submit } from '../../chat/commands.js';
import { ChatError } from '../../chat/errors.js';
import type { Caller } from '../../chat/users.js';
import { attempt } from '../../maybe-promise.js';
import { TokenRefusal } from '../auth/token-refusal.js';
import { patternOf } from '../http/router.js';
import type { ReadMarkers } from '../hub/read-markers.js';
import { ChatSocket, MainSocket } from '../hub/sockets.js';
import type { TypingIndicators } from '../hub/typing.js';
import { answerHistory } from './history-frames.js';
import { MessageFrames } from './message-frames.js';
import type { TokenExpiry } from './token-expiry.js';
import { type Session, type UpgradeOptions, Upgrades } from './upgrades.js';

/** The engine cuts a socket with more than this to send, as the last defence of the worker's memory. It may resume. */
const BUFFERED_BYTES_MAX = 2 * 1024 * 1024;
/** The engine pings a silent peer, and closes the socket when nothing comes back for this long. */
const IDLE_SECONDS_MAX = 120;
/** The close code of a connection that ended without a close frame. */
const CUT = 1006;
const BAD_FRAMES_MAX = 10;
const BAD_FRAMES_WINDOW_MS = 60_000;
/** How many new tokens of a socket are checked at a time: as many as may be bad. */
const RENEWALS_MAX = BAD_FRAMES_MAX;

export interface WebSocketOptions extends UpgradeOptions {
  readonly typing: TypingIndicators;
  readonly readMarkers: ReadMarkers;
  readonly expiry: TokenExpiry;
  readonly post: Post;
  readonly submit: Submit;
  readonly textCharactersMax: number;
}

/** The WebSocket side of a worker after the upgrade: frames from clients, and the sockets' ends. */
export class WebSockets {
  readonly #options: WebSocketOptions;
  readonly #readFrame;
  readonly #messages: MessageFrames;

  constructor(options: WebSocketOptions) {
    this.#options = options;
    this.#readFrame = frameReader(options.textCharactersMax);
    this.#messages = new MessageFrames({
      ...options,
      refuse: (socket, caller, error, clientId) => this.#refuseGoodFrame(socket, caller, error, clientId),
    });
  }

  register(app: TemplatedApp): void {
    const upgrades = new Upgrades(this.#options);
    for (const channel of channels) {
      app.ws<Session>(patternOf(channel.path), {
        compression: 0, // It would take 300 KB for each client, and leaks what it compresses to attacks like CRIME.
        maxPayloadLength: ENGINE_FRAME_BYTES_MAX,
        maxBackpressure: BUFFERED_BYTES_MAX,
        closeOnBackpressureLimit: true,
        idleTimeout: IDLE_SECONDS_MAX,
        sendPingsAutomatically: true,
        upgrade: (res, req, context) => upgrades.upgrade(res, req, context, channel),
        open: (ws) => this.#open(ws),
        message: (ws, data, isBinary) => this.#message(ws, data, isBinary),
        ping: (ws) => this.#control(ws.getUserData()),
        pong: (ws) => this.#control(ws.getUserData()),
        drain: (ws) => {
          const { socket } = ws.getUserData();
          if (socket !== undefined) this.#options.catchUp.drained(socket);
        },
        close: (ws, code) => this.#closed(ws.getUserData(), code === CUT),
      });
    }
  }

  #open(ws: WebSocket<Session>): void {
    const session = ws.getUserData();
    const { refusal, target, late } = session;
    if (refusal !== undefined) {
      ws.end(closeCodeOf(refusal.code), refusal.code);
      return;
    }
    if (target === undefined) return;
    session.target = undefined; // It is not needed again, and most of a worker's many sockets are idle.
    const { userId, chatId, start, view, endsAt, issuedAt } = target;
    const { hub, expiry, catchUp } = this.#options;
    const socket =
      chatId === undefined
        ? new MainSocket(ws, userId, 'after' in start ? start.after : undefined, view)
        : new ChatSocket(ws, userId, chatId, start, view);
    session.socket = socket;
    socket.endsAt = endsAt;
    socket.issuedAt = issuedAt;
    hub.add(socket); // This is the tick of its admission, so that a revocation or expiry that comes next finds it.
    expiry.track(socket);
    if (late) setImmediate(() => catchUp.attach(socket));
    else catchUp.attach(socket);
  }

  /** `isCut`: the connection is gone. Otherwise a close frame was written, and the permit is held until the peer took it. */
  #closed(session: Session, isCut: boolean): void {
    const { socket } = session;
    const release = () => session.permit?.release();
    if (socket === undefined) return release();
    if (isCut) release();
    else this.#options.hub.backpressure.ended(socket, release);
    this.#options.typing.socketClosed(socket);
    this.#options.catchUp.detach(socket);
  }

  /** Counts a ping or a pong of the client, of the protocol or in JSON. False: the socket was ended. */
  #control(session: Session): boolean {
    const { socket } = session;
    session.controls ??= { emptyAt: 0 };
    if (socket === undefined || this.#options.admission.admitControlFrame(session.controls)) return true;
    this.#endFlood(socket);
    return false;
  }

  #message(ws: WebSocket<Session>, data: ArrayBuffer, isBinary: boolean): void {
    const session = ws.getUserData();
    const { socket, caller } = session;
    if (socket === undefined || caller === undefined || socket.leaving) return;
    if (!this.#options.admission.admitFrame(caller, data.byteLength)) return this.#endFlood(socket);
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
      const ping = pingIn(json);
      if (ping !== undefined) {
        if (this.#control(session)) socket.send(pongJson(ping));
        return;
      }
      if (socket.kind === 'main' && socket.view === 'plain') throw new ChatError('unknown_type');
      const asked = socket.kind === 'main' ? historyRequestIn(json) : undefined;
      if (asked !== undefined && socket.kind === 'main') {
        const failed = (error: unknown) => this.#refuseGoodFrame(socket, caller, error, clientId);
        return void attempt(() => answerHistory(this.#options, socket, caller, asked), failed);
      }
      const frame = this.#readFrame(json, socket.view);
      this.#take(socket, socket.kind === 'chat' ? socket.chatId : chatIdIn(json), caller, frame);
    } catch (error) {
      this.#refuseBadFrame(session, socket, error, clientId);
    }
  }

  /** Errors: overloaded. */
  #take(socket: ChatSocket | MainSocket, chatId: number, caller: Caller, frame: ChatFrame): void {
    if (isTyping(frame)) return this.#type(socket, chatId, caller, frame.type === 'typing');
    if (frame.type === 'read') {
      const failed = (error: unknown) => this.#refuseFrame(socket, error);
      return this.#options.readMarkers.read(socket.userId, chatId, frame.id, failed);
    }
    const hand = () => {
      if (frame.type === 'message') this.#messages.post(socket, chatId, caller, frame);
      else void this.#messages.change(socket, chatId, caller, frame);
    };
    if (socket.kind === 'main') return hand();
    if (!socket.afterHistory(hand)) throw new ChatError('overloaded');
  }

  /** A newer token of the same user lets the socket stay until that token expires. */
  async #renew(session: Session, socket: ChatSocket | MainSocket, token: string): Promise<void> {
    const { auth, expiry, hub } = this.#options;
    session.renewals += 1;
    try {
      const identity = auth.verifyNow(token) ?? (await auth.verify(token));
      await hub.follower.read(
        () => hub.loadUserId(identity.caller),
        (userId) => {
          if (userId !== socket.userId)
            throw new TokenRefusal('other_user', 'it is not of the user of the socket');
          hub.revocations.assertValid(identity);
          socket.stayFor({ issuedAt: identity.issuedAt, endsAt: auth.endOf(identity) });
          expiry.track(socket);
        },
      );
    } catch (error) {
      this.#refuseBadFrame(session, socket, error);
    } finally {
      session.renewals -= 1;
    }
  }

  #endFlood(socket: ChatSocket | MainSocket): void {
    if (socket.state !== 'closed') this.#options.admission.refusals.count('frames');
    socket.end(Close.flood, 'too many frames');
  }

  #type(socket: ChatSocket | MainSocket, chatId: number, caller: Caller, on: boolean): void {
    const { typing, admission } = this.#options;
    // A signal that takes back one that was passed on needs no limit of its own.
    const takesBack = !on && typing.isOwn(chatId, socket.userId);
    if (!takesBack && !admission.admitTyping(caller)) return;
    void attempt(
      () => typing.typed(socket, chatId, on),
      (error) => this.#refuseFrame(socket, error),
    );
  }

  #refuseFrame(socket: ChatSocket | MainSocket, error: unknown, clientId?: string): void {
    const { userId } = socket;
    if (error instanceof ChatError) this.#options.admission.refusals.countError(error, { userId });
    else this.#options.failed(error);
    socket.send(errorJson(error instanceof ChatError ? error : new ChatError('internal'), clientId));
  }

  /** Refuses what a good frame asks for. A socket that goes on in spite of a limit is closed. */
  #refuseGoodFrame(
    socket: ChatSocket | MainSocket,
    caller: Caller,
    error: unknown,
    clientId: string | undefined,
  ): void {
    this.#refuseFrame(socket, error, clientId);
    const isOverLimit = error instanceof ChatError && error.code === 'rate_limited';
    if (isOverLimit && !this.#options.admission.spendRefusal(caller)) this.#endFlood(socket);
  }

  /** Refuses a frame. One that the client is to blame for counts as bad. */
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

function isTyping(frame: ChatFrame): frame is TypingSignal {
  return frame.type === 'typing' || frame.type === 'stop_typing';
}
