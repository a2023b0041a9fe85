import { Event } from '../history.js';
import type { Log } from './log.js';
import { MainSession } from './main-session.js';
import { Memberships } from './membership.js';
import { Sends } from './sends.js';
import { ChatSession, type Truth } from './session.js';
import { Verdict } from './verdict.js';

export interface Judgement {
  readonly verdict: Verdict;
  readonly sends: number;
  readonly acknowledged: number;
  readonly deliveries: number;
  readonly sessions: number;
  readonly slowestDeliveryMs: number;
}

/**
 * Holds what the clients of a run saw against what the server has stored. The events come in the order in
 * which they happened; memory grows with the log and the open sessions, not with the events.
 */
export function judge(events: Iterable<readonly string[]>, log: Log): Judgement {
  const checker = new Checker(log);
  for (const event of events) checker.take(event);
  return checker.finish();
}

class Checker {
  readonly #log: Log;
  readonly #verdict = new Verdict();
  readonly #members: Memberships;
  readonly #sends: Sends;
  readonly #truth: Truth;
  readonly #sessions = new Map<string, ChatSession | MainSession>();
  /** Of each chat: the place of the newest message that was acknowledged. */
  readonly #acknowledged = new Map<number, number>();
  /** Ids of messages that were sent for the first time when everybody was connected. */
  readonly #sentInCalm = new Set<number>();
  /** Sessions that were open when calm set in. */
  #calm: Set<string> | undefined;
  #nowMs = 0;
  #slowestDeliveryMs = 0;
  #deliveries = 0;
  #sessionsCount = 0;

  constructor(log: Log) {
    this.#log = log;
    this.#members = new Memberships(log);
    this.#sends = new Sends(log, this.#verdict);
    this.#truth = { log, members: this.#members, verdict: this.#verdict };
  }

  take([code, ...fields]: readonly string[]): void {
    const [first = '', second = '', third = '', fourth = '', fifth = ''] = fields;
    switch (code) {
      case Event.time:
        this.#nowMs = Number(first);
        return;
      case Event.chat:
        return this.#members.created(Number(first), fields.slice(1).map(Number));
      case Event.connecting:
        return this.#connecting(first, Number(second), Number(third), fourth, Number(fifth));
      case Event.open: {
        const session = this.#sessions.get(first);
        if (session instanceof ChatSession) session.opened();
        return;
      }
      case Event.delivered:
        return this.#delivered(first, Number(second), Number(third));
      case Event.page: {
        const session = this.#sessions.get(first);
        if (session instanceof ChatSession) session.page(Number(second), third === '1', this.#nowMs);
        return;
      }
      case Event.sent:
        return this.#sent(first, second, Number(third));
      case Event.acknowledged: {
        const { chatId, n } = this.#sends.acknowledge(second, Number(third), Number(fourth)) ?? {};
        if (chatId === undefined || n === undefined) return;
        if (n > (this.#acknowledged.get(chatId) ?? 0)) this.#acknowledged.set(chatId, n);
        return;
      }
      case Event.refused:
        return this.#sends.refuse(second);
      case Event.unanswered:
        return this.#verdict.add('unanswered', `${second}, sent on session ${first}`);
      case Event.paused: {
        this.#sessions.get(first)?.paused();
        return;
      }
      case Event.closed:
        this.#sessions.delete(first);
        return;
      case Event.joining:
        return this.#members.joining(Number(first), Number(second));
      case Event.joined:
        return this.#members.joined(Number(first), Number(second));
      case Event.left:
        return this.#members.left(Number(first), Number(second));
      case Event.unexpected:
        return this.#verdict.add('unexpected', fields.join(' '));
      case Event.calm:
        this.#calm = new Set(this.#sessions.keys());
        return;
      case Event.end:
        return this.#end();
    }
  }

  finish(): Judgement {
    this.#sends.finish();
    for (const what of this.#members.lost()) this.#verdict.add('lost', what);
    const { size: sends, acknowledged } = this.#sends;
    return {
      verdict: this.#verdict,
      sends,
      acknowledged,
      deliveries: this.#deliveries,
      sessions: this.#sessionsCount,
      slowestDeliveryMs: this.#slowestDeliveryMs,
    };
  }

  #connecting(name: string, user: number, chatId: number, how: string, value: number): void {
    this.#sessionsCount += 1;
    const after = how === 'after' ? value : undefined;
    const beginning = after === undefined ? { limit: value } : { after };
    const session =
      chatId === 0
        ? new MainSession(name, user, after, this.#truth)
        : new ChatSession(name, user, chatId, beginning, this.#acknowledged.get(chatId) ?? 0, this.#truth);
    this.#sessions.set(name, session);
  }

  #delivered(name: string, id: number, fingerprint: number): void {
    this.#deliveries += 1;
    const session = this.#sessions.get(name);
    if (session === undefined) return;
    const message = this.#log.message(id);
    if (message === undefined) {
      return this.#verdict.add(
        'phantom',
        `session ${name} (user ${session.user}) was shown ${id}, which is not stored`,
      );
    }
    if (message.fingerprint !== fingerprint) {
      this.#verdict.add(
        'disagreeing',
        `session ${name} (user ${session.user}) was shown another ${id} than is stored`,
      );
    }
    if (session instanceof ChatSession && session.chatId !== message.chatId) {
      return this.#verdict.add(
        'phantom',
        `session ${name} of chat ${session.chatId} was shown ${id} of chat ${message.chatId}`,
      );
    }
    session.delivered(message);
    message.seenMs ??= this.#nowMs;
    if (session instanceof ChatSession && session.wasLive(message.seenMs)) {
      this.#slowestDeliveryMs = Math.max(this.#slowestDeliveryMs, this.#nowMs - message.seenMs);
    }
  }

  #sent(name: string, key: string, textHash: number): void {
    const session = this.#sessions.get(name);
    if (!(session instanceof ChatSession)) return;
    const stored = this.#sends.sent(key, session.user, session.chatId, textHash, Number(name));
    if (stored === undefined) return;
    this.#members.sent(session.chatId, stored.id);
    if (this.#calm !== undefined) this.#sentInCalm.add(stored.id);
  }

  #end(): void {
    for (const [name, session] of this.#sessions) {
      if (session instanceof ChatSession) session.end();
      else if (this.#calm?.has(name)) session.end(({ id }) => this.#sentInCalm.has(id));
    }
  }
}
