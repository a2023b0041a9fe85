import { Event } from '../history.js';
import { ChatSession } from './chat-session.js';
import type { CheckContext } from './check-context.js';
import { MainSession } from './main-session.js';
import { Memberships } from './memberships.js';
import { Sends } from './sends.js';
import type { StoredLog } from './stored-log.js';
import { Verdict } from './verdict.js';

export interface CheckResult {
  readonly verdict: Verdict;
  readonly sends: number;
  readonly acknowledged: number;
  readonly deliveries: number;
  readonly sessions: number;
  readonly slowestDeliveryMs: number;
}

/**
 * Checks what the clients of a run saw against what the server has stored. The events come in the order in
 * which they happened; memory grows with the log and the open sessions, not with the events.
 */
export function check(events: Iterable<readonly string[]>, log: StoredLog): CheckResult {
  const checker = new Checker(log);
  for (const event of events) checker.take(event);
  return checker.finish();
}

class Checker {
  readonly #log: StoredLog;
  readonly #verdict = new Verdict();
  readonly #members: Memberships;
  readonly #sends: Sends;
  readonly #context: CheckContext;
  /** The sessions that are open, by name. */
  readonly #sessions = new Map<string, ChatSession | MainSession>();
  /** By chat, the sequence of the newest message that was acknowledged. */
  readonly #acknowledged = new Map<number, number>();
  /** Ids of messages that were sent for the first time after calm set in. */
  readonly #sentInCalm = new Set<number>();
  /** Names of the sessions that were open when calm set in; undefined before that. */
  #openAtCalm: Set<string> | undefined;
  #nowMs = 0;
  #slowestDeliveryMs = 0;
  #deliveries = 0;
  #sessionsCount = 0;

  constructor(log: StoredLog) {
    this.#log = log;
    this.#members = new Memberships(log);
    this.#sends = new Sends(log, this.#verdict);
    this.#context = { log, members: this.#members, verdict: this.#verdict };
  }

  take([name, ...fields]: readonly string[]): void {
    const [first = '', second = '', third = '', fourth = '', fifth = ''] = fields;
    switch (name) {
      case Event.time:
        this.#nowMs = Number(first);
        return;
      case Event.chat:
        return this.#members.created(Number(first), fields.slice(1).map(Number));
      case Event.connecting:
        return this.#connecting(first, Number(second), Number(third), fourth, Number(fifth));
      case Event.open:
        return this.#chatSession(first)?.opened();
      case Event.delivered:
        return this.#delivered(first, Number(second), Number(third));
      case Event.page:
        return this.#chatSession(first)?.page(Number(second), third === '1', this.#nowMs);
      case Event.sent:
        return this.#sent(first, second, Number(third));
      case Event.acknowledged:
        return this.#acknowledge(second, Number(third), Number(fourth));
      case Event.refused:
        return this.#sends.refuse(second);
      case Event.unanswered:
        return this.#verdict.add('unanswered', `${second}, sent on session ${first}`);
      case Event.paused:
        return this.#sessions.get(first)?.paused();
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
        this.#openAtCalm = new Set(this.#sessions.keys());
        return;
      case Event.end:
        return this.#end();
    }
  }

  finish(): CheckResult {
    this.#sends.finish();
    for (const what of this.#members.lost()) this.#verdict.add('lost', what);
    return {
      verdict: this.#verdict,
      sends: this.#sends.size,
      acknowledged: this.#sends.acknowledged,
      deliveries: this.#deliveries,
      sessions: this.#sessionsCount,
      slowestDeliveryMs: this.#slowestDeliveryMs,
    };
  }

  #chatSession(name: string): ChatSession | undefined {
    const session = this.#sessions.get(name);
    return session instanceof ChatSession ? session : undefined;
  }

  #connecting(name: string, user: number, chatId: number, how: string, value: number): void {
    this.#sessionsCount += 1;
    const after = how === 'after' ? value : undefined;
    const start = after === undefined ? { limit: value } : { after };
    const acknowledged = this.#acknowledged.get(chatId) ?? 0;
    const session =
      chatId === 0
        ? new MainSession(name, user, after, this.#context)
        : new ChatSession(name, user, chatId, start, acknowledged, this.#context);
    this.#sessions.set(name, session);
  }

  #delivered(name: string, id: number, fingerprint: number): void {
    this.#deliveries += 1;
    const session = this.#sessions.get(name);
    if (session === undefined) return;
    const message = this.#log.message(id);
    if (message === undefined) {
      const what = `session ${name} (user ${session.user}) was shown ${id}, which is not stored`;
      return this.#verdict.add('phantom', what);
    }
    if (message.fingerprint !== fingerprint) {
      const what = `session ${name} (user ${session.user}) was shown another ${id} than is stored`;
      this.#verdict.add('disagreeing', what);
    }
    if (session instanceof ChatSession && session.chatId !== message.chatId) {
      const what = `session ${name} of chat ${session.chatId} was shown ${id} of chat ${message.chatId}`;
      return this.#verdict.add('phantom', what);
    }
    session.delivered(message);
    message.firstSeenMs ??= this.#nowMs;
    if (session instanceof ChatSession && session.wasLive(message.firstSeenMs)) {
      this.#slowestDeliveryMs = Math.max(this.#slowestDeliveryMs, this.#nowMs - message.firstSeenMs);
    }
  }

  #sent(name: string, key: string, textHash: number): void {
    const session = this.#chatSession(name);
    if (session === undefined) return;
    const { user, chatId } = session;
    const stored = this.#sends.sent(key, { user, chatId, textHash, session: Number(name) });
    if (stored === undefined) return;
    this.#members.sent(chatId, stored.id);
    if (this.#openAtCalm !== undefined) this.#sentInCalm.add(stored.id);
  }

  #acknowledge(key: string, id: number, fingerprint: number): void {
    const message = this.#sends.acknowledge(key, id, fingerprint);
    if (message === undefined) return;
    const { chatId, sequence } = message;
    if (sequence > (this.#acknowledged.get(chatId) ?? 0)) this.#acknowledged.set(chatId, sequence);
  }

  #end(): void {
    for (const [name, session] of this.#sessions) {
      if (session instanceof ChatSession) session.end();
      else if (this.#openAtCalm?.has(name)) session.end(({ id }) => this.#sentInCalm.has(id));
    }
  }
}
