import type { ChatError } from '../../chat/errors.js';
import { LIMIT_NAMES, type LimitName } from '../../chat/limits.js';
import { type RefusalReason, TokenRefusal } from '../auth/token-refusal.js';
import { type Counts, RefusalCounts } from './refusal-counts.js';

/** Where a refusal comes from: a request, or a frame of a user's socket. */
export interface Refused {
  readonly requestId?: string;
  readonly userId?: number;
}

export interface RefusalEvents {
  /** What limits refused since the last report, which was a minute ago or longer for each of them. */
  limits(counts: Counts<LimitName>): void;
  /** The same for tokens, by what was wrong with them. */
  tokens(counts: Counts<RefusalReason>): void;
  /** One token was refused. */
  token(refusal: TokenRefusal, of: Refused): void;
}

/** Counts what leaves the worker as a refusal: of limits, by the limit, and of tokens, by what is wrong with them. */
export class Refusals {
  readonly #events: RefusalEvents;
  readonly #limits: RefusalCounts<LimitName>;
  readonly #tokens: RefusalCounts<RefusalReason>;

  constructor(events: RefusalEvents) {
    this.#events = events;
    this.#limits = new RefusalCounts((counts) => events.limits(counts));
    this.#tokens = new RefusalCounts((counts) => events.tokens(counts));
  }

  count(limit: LimitName): void {
    this.#limits.count(limit);
  }

  /** Counts an error that leaves the worker, if it names a limit or refuses a token. */
  countError(error: Pick<ChatError, 'details' | 'cause'>, of: Refused = {}): void {
    const limit = error.details?.['limit'];
    if (isLimitName(limit)) this.count(limit);
    const token = [error, error.cause].find((part) => part instanceof TokenRefusal);
    if (token === undefined) return;
    this.#tokens.count(token.reason);
    this.#events.token(token, of);
  }

  /** To be called every few seconds. `now` as in RefusalCounts. */
  report(now: number): void {
    this.#limits.report(now);
    this.#tokens.report(now);
  }
}

function isLimitName(name: unknown): name is LimitName {
  return LIMIT_NAMES.includes(name as LimitName);
}
