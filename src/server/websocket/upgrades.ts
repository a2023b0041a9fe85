import type { HttpRequest, HttpResponse, us_socket_context_t } from 'uWebSockets.js';
import type { Channel } from '../../api/operation.js';
import { upgradeStatusOf } from '../../api/status.js';
import { ChatError } from '../../chat/errors.js';
import { parseId } from '../../chat/ids.js';
import type { Bucket } from '../../chat/rate-limiter.js';
import { chainLoaded, mapLoaded } from '../../store/loading.js';
import type { Loaded } from '../../store/read-store.js';
import type { Authenticator, Identity } from '../auth/authenticator.js';
import { bearerToken, offeredProtocols } from '../auth/token-carriers.js';
import type { Exchange } from '../http/exchange.js';
import type { Failed, HttpGateway } from '../http/gateway.js';
import { badParameter, countParameter, parameter } from '../http/query.js';
import type { CatchUp } from '../hub/catch-up.js';
import type { Hub } from '../hub/hub.js';
import { PAGE_MESSAGES_MAX } from '../hub/pages.js';
import type { ChatSocket, MainSocket, Start } from '../hub/sockets.js';
import type { Admission } from '../limits/admission.js';
import type { SocketPermit } from '../limits/socket-quota.js';
import { TickThrottle } from './tick-throttle.js';

const PROTOCOL = 'chat.v1';
/** About 5 ms of them: who is connected does not wait longer for a thousand who come at once. */
const UPGRADES_PER_TURN = 40;
/** 16 bytes in base64. The engine takes any 24 characters, and of several keys the first. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
/** What a socket begins with unless it asks for something else; one for all, as most do not. */
const NEWEST = { limit: 100, offset: 0 } as const satisfies Start;

/** What the engine keeps with each socket. */
export interface Session {
  /** Why the peer was let in only to be told so: a browser cannot see the status of a refused upgrade. */
  readonly refusal: ChatError | undefined;
  /** Until it is open. */
  target: Target | undefined;
  /** The upgrade came after an await: this engine may close such a socket that sends at once. */
  readonly late: boolean;
  socket: ChatSocket | MainSocket | undefined;
  /** Of the limits on sockets; undefined for one that is only told why it is refused. */
  readonly permit: SocketPermit | undefined;
  /** For its pings and pongs, from the first on. */
  controls: Bucket | undefined;
  /** When the newest of its bad frames came. */
  badFrames: number[] | undefined;
  /** New tokens that are being checked. */
  renewals: number;
}

interface Target {
  readonly permit: SocketPermit;
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

export interface UpgradeOptions {
  readonly http: HttpGateway;
  readonly auth: Authenticator;
  readonly hub: Hub;
  readonly catchUp: CatchUp;
  readonly limits: Admission;
  /** Takes `?access_token=`. */
  readonly queryToken: boolean;
  readonly draining: () => boolean;
  readonly failed: (error: unknown, exchange?: Parameters<Failed>[1]) => void;
}

/** Lets a request become a socket: who asks, where to, and whether they may. */
export class Upgrades {
  readonly #options: UpgradeOptions;
  readonly #throttle = new TickThrottle(UPGRADES_PER_TURN);

  constructor(options: UpgradeOptions) {
    this.#options = options;
  }

  upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t, channel: Channel): void {
    const idText = channel.of === 'main' ? undefined : req.getParameter(0);
    const exchange = this.#options.http.exchange(res, req);
    const protocols = offeredProtocols(exchange.header('sec-websocket-protocol'));
    const asking: Asking = { exchange, idText, context, protocols };
    this.#options.http.guard(exchange, async () => {
      // Everything that a hot upgrade needs is at hand: then it happens in this very tick.
      const turn = this.#throttle.next();
      const target =
        turn === undefined ? this.#target(asking, channel) : turn.then(() => this.#target(asking, channel));
      const late = target instanceof Promise;
      try {
        this.#accept(asking, { target: late ? await target : target }, late);
      } catch (error) {
        if (!(error instanceof ChatError) && !protocols.chatV1) throw error;
        const refusal = this.#refusalOf(error, exchange);
        if (refusal.code === 'upgrade_required')
          return exchange.error(refusal, { Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' });
        if (protocols.chatV1 && handshakeProblem(exchange) === undefined)
          this.#accept(asking, { refusal }, late);
        else exchange.error(refusal, {}, upgradeStatusOf(refusal.code));
      }
    });
  }

  /** What is no refusal, the log has, and the peer hears of as `internal`. */
  #refusalOf(error: unknown, exchange: Exchange): ChatError {
    if (error instanceof ChatError) {
      this.#options.limits.refusals.countError(error);
      return error;
    }
    this.#options.failed(error, exchange);
    return new ChatError('internal');
  }

  /** Where the socket may go: at once when all that it takes is known, otherwise in a promise. */
  #target(asking: Asking, channel: Channel): Target | Promise<Target> {
    try {
      const identity = this.#options.http.identify(asking.exchange, this.#tokenOf(asking));
      if (!(identity instanceof Promise)) return this.#enter(identity, asking, channel);
      return identity.then((verified) => this.#enter(verified, asking, channel));
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

  /** The permit comes first: what is checked after it still holds when the socket opens. Errors: as below, rate_limited, too_many_sockets. */
  #enter(identity: Identity, asking: Asking, channel: Channel): Target | Promise<Target> {
    const { limits } = this.#options;
    limits.admitUpgrade(identity.caller);
    const permit = limits.sockets.acquire(identity.caller, asking.exchange.address);
    if (!(permit instanceof Promise)) return this.#admitTo(permit, identity, asking, channel);
    return permit.then((taken) => this.#admitTo(taken, identity, asking, channel));
  }

  #admitTo(
    permit: SocketPermit,
    identity: Identity,
    asking: Asking,
    channel: Channel,
  ): Target | Promise<Target> {
    const giveUp = (error: unknown): never => {
      permit.release();
      throw error;
    };
    try {
      const target = this.#admit(permit, identity, asking, channel);
      return target instanceof Promise ? target.catch(giveUp) : target;
    } catch (error) {
      return giveUp(error);
    }
  }

  /** Errors: bad_request, upgrade_required, origin_not_allowed, unavailable, invalid_id, invalid_query, profile_required, chat_not_found, group_not_found, after_unknown. */
  #admit(
    permit: SocketPermit,
    identity: Identity,
    { exchange, idText }: Asking,
    channel: Channel,
  ): Target | Promise<Target> {
    const { auth, hub } = this.#options;
    const problem = handshakeProblem(exchange);
    if (problem !== undefined) throw new ChatError(problem);
    if (!exchange.isAllowedOrigin) throw new ChatError('origin_not_allowed');
    if (this.#options.draining()) throw new ChatError('unavailable');
    const chatId = idText === undefined ? undefined : parseId(idText);
    if (idText !== undefined && chatId === undefined) throw new ChatError('invalid_id');
    const start: Start = exchange.query === '' ? NEWEST : startOf(new URLSearchParams(exchange.query));
    return hub.follower.read(
      () => this.#load(identity, chatId, channel, start),
      ({ userId, rows }): Target => {
        if (hub.revocations.has(identity)) unauthorized(); // Meanwhile.
        if ('after' in start && start.after > hub.follower.position) throw new ChatError('after_unknown');
        this.#options.limits.admitRows(identity.caller, rows, 'upgrades');
        return { permit, userId, chatId, start, endsAt: auth.endOf(identity), issuedAt: identity.issuedAt };
      },
    );
  }

  /** Who asks, when they may go there, and how many rows that touches beyond the usual. */
  #load(
    identity: Identity,
    chatId: number | undefined,
    { of }: Channel,
    start: Start,
  ): Loaded<{ readonly userId: number; readonly rows: number }> {
    const { hub } = this.#options;
    if (hub.revocations.has(identity)) unauthorized(); // Meanwhile.
    return chainLoaded(hub.loadUserId(identity.caller), (userId) => {
      if (userId === undefined) throw new ChatError('profile_required');
      return chainLoaded(hub.loadProfile(userId), (profile) => {
        if (profile === undefined) throw new ChatError('profile_required');
        if (of !== 'main' && chatId !== undefined)
          return mapLoaded(hub.loadChat(userId, chatId, of), () => ({ userId, rows: rowsOf(start) }));
        if (!('after' in start)) return hub.follower.here({ userId, rows: 0 });
        return mapLoaded(hub.store.chatsCount(userId), (rows) => ({ userId, rows }));
      });
    });
  }

  #accept(asking: Asking, session: { target: Target } | { refusal: ChatError }, late: boolean): void {
    const { exchange, context, protocols } = asking;
    const data: Session = {
      refusal: 'refusal' in session ? session.refusal : undefined,
      target: 'target' in session ? session.target : undefined,
      permit: 'target' in session ? session.target.permit : undefined,
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
        protocols.chatV1 ? PROTOCOL : '',
        exchange.header('sec-websocket-extensions'),
        context,
      );
    });
    if (!upgraded) data.permit?.release();
  }
}

/** What is asked for beyond the usual page. */
function rowsOf(start: Start): number {
  return 'limit' in start ? Math.min(start.limit, PAGE_MESSAGES_MAX) - NEWEST.limit : 0;
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
