import type { HttpRequest, HttpResponse, us_socket_context_t } from 'uWebSockets.js';
import type { Channel } from '../../api/operation.js';
import { upgradeStatusOf } from '../../api/status.js';
import { ChatError } from '../../chat/errors.js';
import { parseId } from '../../chat/ids.js';
import type { View } from '../../chat/messages.js';
import type { Bucket } from '../../chat/rate-limiter.js';
import type { Caller } from '../../chat/users.js';
import { attempt, chain, type MaybePromise } from '../../maybe-promise.js';
import { chainLoaded, mapLoaded } from '../../store/loading.js';
import type { Loaded } from '../../store/read-store.js';
import type { Authenticator } from '../auth/authenticator.js';
import type { Identity } from '../auth/identity.js';
import { bearerToken, type OfferedProtocols, offeredProtocols } from '../auth/token-carriers.js';
import { TokenRefusal } from '../auth/token-refusal.js';
import type { Exchange } from '../http/exchange.js';
import type { Failed, HttpGateway } from '../http/gateway.js';
import { parameter } from '../http/query.js';
import type { CatchUp } from '../hub/catch-up/catch-up.js';
import type { Hub } from '../hub/hub.js';
import type { ChatSocket, MainSocket, Start } from '../hub/sockets.js';
import type { Admission } from '../limits/admission.js';
import type { SocketPermit } from '../limits/socket-quota.js';
import { extraMessages, handshakeProblem, startOf, viewOf } from './handshake.js';
import { TickThrottle } from './tick-throttle.js';

const NO_CARRIER = 'the upgrade has no `Authorization: Bearer <token>` and no subprotocol `bearer.<token>`';
/** This many take about 5 ms, so open sockets wait no longer than that when a thousand clients come at once. */
const UPGRADES_PER_TURN = 40;

/** What the engine keeps with each socket. */
export interface Session {
  /** Set when the peer is let in only to be closed with a code, as browsers cannot see the status of a refused upgrade. */
  readonly refusal: ChatError | undefined;
  /** Undefined once the socket is open. */
  target: Target | undefined;
  /** Whom its frames are counted for; undefined for one that is only told why it is refused. */
  readonly caller: Caller | undefined;
  /** The upgrade came after an await: this engine may close such a socket that sends at once. */
  readonly late: boolean;
  socket: ChatSocket | MainSocket | undefined;
  /** Counts it against the limits on sockets; undefined for one that is only told why it is refused. */
  readonly permit: SocketPermit | undefined;
  /** The bucket of its pings and pongs; made with the first of them. */
  controls: Bucket | undefined;
  /** When the newest of its bad frames came. */
  badFrames: number[] | undefined;
  /** How many new tokens are being checked. */
  renewals: number;
}

/** An admitted socket: whose it is, and where it begins. */
interface Target {
  readonly permit: SocketPermit;
  readonly caller: Caller;
  readonly userId: number;
  readonly chatId: number | undefined;
  readonly start: Start;
  readonly view: View;
  /** When its token expires, as in UserSocket. */
  readonly endsAt: number | undefined;
  readonly issuedAt: number;
}

/** A request for an upgrade. */
interface UpgradeRequest {
  readonly exchange: Exchange;
  readonly channel: Channel;
  readonly context: us_socket_context_t;
  readonly protocols: OfferedProtocols;
  /** Whether it is accepted in a later tick than it came in. */
  late: boolean;
}

export interface UpgradeOptions {
  readonly http: HttpGateway;
  readonly auth: Authenticator;
  readonly hub: Hub;
  readonly catchUp: CatchUp;
  readonly admission: Admission;
  /** Takes `?access_token=`. */
  readonly queryToken: boolean;
  readonly draining: () => boolean;
  readonly failed: (error: unknown, exchange?: Parameters<Failed>[1]) => void;
}

/** Turns a request into a socket: checks the token, the limits, and whether the user may see the chat. */
export class Upgrades {
  readonly #options: UpgradeOptions;
  readonly #throttle = new TickThrottle(UPGRADES_PER_TURN);

  constructor(options: UpgradeOptions) {
    this.#options = options;
  }

  upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t, channel: Channel): void {
    this.#options.http.serveOpen(res, req, channel, (exchange) => {
      const protocols = offeredProtocols(exchange.header('sec-websocket-protocol'));
      const request: UpgradeRequest = { exchange, channel, context, protocols, late: false };
      const done = attempt(
        () => chain(this.#target(request), (target) => this.#accept(request, { target })),
        (error) => this.#refuse(request, error),
      );
      // Either all of the above has run by now, or its end runs in a later tick and reads this.
      request.late = done instanceof Promise;
      return done;
    });
  }

  /** Admits the socket. Nothing is awaited when everything is in memory, so the upgrade happens in the same tick. */
  #target(request: UpgradeRequest): MaybePromise<Target> {
    const { http, admission } = this.#options;
    const { exchange } = request;
    return chain(this.#throttle.next(), () =>
      chain(http.identify(exchange, this.#tokenOf(request)), (identity) => {
        admission.admitUpgrade(identity.caller);
        // The permit comes first: what is checked after it still holds when the socket opens.
        return chain(admission.sockets.acquire(identity.caller, exchange.address), (permit) =>
          attempt(
            () => this.#admit(request, identity, permit),
            (error) => {
              permit.release();
              throw error;
            },
          ),
        );
      }),
    );
  }

  /** Errors: unauthorized. */
  #tokenOf({ exchange, protocols }: UpgradeRequest): string {
    const header = exchange.header('authorization');
    if (header !== '') return bearerToken(header) ?? noToken();
    if (protocols.token !== undefined) return protocols.token;
    const query = this.#options.queryToken
      ? parameter(new URLSearchParams(exchange.query), 'access_token')
      : undefined;
    return query ?? noToken();
  }

  /**
   * Errors: bad_request, upgrade_required, origin_not_allowed, unavailable, invalid_id, invalid_query, profile_required,
   * chat_not_found, group_not_found, after_unknown, history_changed.
   */
  #admit(
    { exchange, channel, protocols }: UpgradeRequest,
    identity: Identity,
    permit: SocketPermit,
  ): MaybePromise<Target> {
    const { auth, hub } = this.#options;
    const problem = handshakeProblem(exchange);
    if (problem !== undefined) throw new ChatError(problem);
    if (!exchange.isAllowedOrigin) throw new ChatError('origin_not_allowed');
    if (this.#options.draining()) throw new ChatError('unavailable');
    const { idText } = exchange;
    const chatId = idText === undefined ? undefined : parseId(idText);
    if (idText !== undefined && chatId === undefined) throw new ChatError('invalid_id');
    const start = startOf(exchange.query);
    const view = protocols.taken === 'chat.v2' ? 'full' : viewOf(exchange.query);
    return hub.follower.read(
      () => this.#load(identity, chatId, channel, start),
      ({ userId, rows }): Target => {
        hub.revocations.assertValid(identity);
        const { caller, issuedAt } = identity;
        this.#options.admission.admitRows(caller, rows, 'upgrades');
        return { permit, caller, userId, chatId, start, view, endsAt: auth.endOf(identity), issuedAt };
      },
    );
  }

  /** Loads the user id if the user may see the chat, and how many rows beyond the usual the socket will read. */
  #load(
    identity: Identity,
    chatId: number | undefined,
    { of }: Channel,
    start: Start,
  ): Loaded<{ readonly userId: number; readonly rows: number }> {
    const { hub } = this.#options;
    hub.revocations.assertValid(identity);
    return chainLoaded(hub.loadUserId(identity.caller), (userId) => {
      if (userId === undefined) throw new ChatError('profile_required');
      return chainLoaded(hub.loadProfile(userId), (profile) => {
        if (profile === undefined) throw new ChatError('profile_required');
        return chainLoaded(this.#loadIsKnown(start), (isKnown) => {
          if (of !== 'main' && chatId !== undefined)
            return mapLoaded(hub.loadChat(userId, chatId, of), () => {
              assertKnown(isKnown);
              return { userId, rows: extraMessages(start) };
            });
          assertKnown(isKnown);
          if (!('after' in start)) return hub.follower.here({ userId, rows: 0 });
          return mapLoaded(hub.store.chatsCount(userId), (rows) => ({ userId, rows }));
        });
      });
    });
  }

  /** Loads whether the history has the message after which the client resumes. */
  #loadIsKnown(start: Start): Loaded<boolean> {
    const { store, follower } = this.#options.hub;
    if (!('after' in start) || start.after === 0) return follower.here(true);
    return mapLoaded(store.timeOf(start.after), (time) => {
      // What was removed with its group, or because something newer took its place, has no time to compare.
      const isSame = start.time === undefined || time === null || time === start.time;
      return time !== undefined && isSame;
    });
  }

  /** A client that offers a protocol is let in and closed with a code; any other one gets the status. */
  #refuse(request: UpgradeRequest, error: unknown): void {
    const { exchange, protocols } = request;
    if (!(error instanceof ChatError) && protocols.taken === undefined) throw error;
    const refusal = this.#refusalOf(error, exchange);
    if (refusal.code === 'upgrade_required')
      return exchange.error(refusal, { Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' });
    if (protocols.taken !== undefined && handshakeProblem(exchange) === undefined)
      this.#accept(request, { refusal });
    else exchange.error(refusal, {}, upgradeStatusOf(refusal.code));
  }

  /** An error that is no refusal goes to the log, and the peer hears of it as `internal`. */
  #refusalOf(error: unknown, exchange: Exchange): ChatError {
    if (error instanceof ChatError) {
      this.#options.admission.refusals.countError(error, { requestId: exchange.requestId });
      return error;
    }
    this.#options.failed(error, exchange);
    return new ChatError('internal');
  }

  #accept(
    { exchange, context, protocols, late }: UpgradeRequest,
    { target, refusal }: { target?: Target; refusal?: ChatError },
  ): void {
    const data: Session = {
      refusal,
      target,
      caller: target?.caller,
      permit: target?.permit,
      late,
      controls: undefined,
      socket: undefined,
      badFrames: undefined,
      renewals: 0,
    };
    const upgraded = exchange.upgrade(late, (res) => {
      res.upgrade(
        data,
        exchange.header('sec-websocket-key'),
        protocols.taken ?? '',
        exchange.header('sec-websocket-extensions'),
        context,
      );
    });
    if (!upgraded) data.permit?.release();
  }
}

function assertKnown(isKnown: boolean): void {
  if (!isKnown) throw new ChatError('history_changed');
}

function noToken(): never {
  throw new TokenRefusal('missing', NO_CARRIER);
}
