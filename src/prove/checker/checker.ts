import { Event } from '../history.js';
import { isGoneError, readReactions } from '../message.js';
import { AskedChanges } from './asked-changes.js';
import { ChatSession } from './chat-session.js';
import type { CheckContext } from './check-context.js';
import { MainSession } from './main-session.js';
import { Memberships } from './memberships.js';
import { Reader } from './reader.js';
import { Sends } from './sends.js';
import { ShownChanges } from './shown-changes.js';
import type { StoredLog, StoredMessage } from './stored-log.js';
import { Verdict } from './verdict.js';

export interface CheckResult {
  readonly verdict: Verdict;
  readonly sends: number;
  readonly acknowledged: number;
  /** Changes of messages that were asked for, and those that were acknowledged. */
  readonly changes: number;
  readonly acknowledgedChanges: number;
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
  readonly #asked: AskedChanges;
  readonly #shown: ShownChanges;
  readonly #context: CheckContext;
  /** The sessions that are open, by name. */
  readonly #sessions = new Map<string, ChatSession | MainSession>();
  readonly #readers = new Map<string, Reader>();
  /** By chat, the sequence of the newest message that was acknowledged. */
  readonly #acknowledged = new Map<number, number>();
  /** Ids of messages that were sent for the first time after calm set in. */
  readonly #sentInCalm = new Set<number>();
  /** Names of the sessions that were open when calm set in; undefined before that. */
  #openAtCalm: Set<string> | undefined;
  #nowMs = 0;
  #eventsCount = 0;
  #slowestDeliveryMs = 0;
  #deliveries = 0;
  #sessionsCount = 0;

  constructor(log: StoredLog) {
    this.#log = log;
    this.#members = new Memberships(log);
    this.#sends = new Sends(log, this.#verdict);
    this.#asked = new AskedChanges(log, this.#verdict);
    this.#context = { log, members: this.#members, asked: this.#asked, verdict: this.#verdict };
    this.#shown = new ShownChanges(this.#context);
  }

  take([name = '', ...fields]: readonly string[]): void {
    this.#eventsCount += 1;
    const [first = '', second = '', third = '', fourth = ''] = fields;
    switch (name) {
      case Event.time:
        this.#nowMs = Number(first);
        return;
      case Event.chat:
        return this.#members.created(Number(first), fields.slice(1).map(Number));
      case Event.connecting:
        return this.#connecting(first, fields.slice(1));
      case Event.open:
        return this.#chatSession(first)?.opened();
      case Event.delivered:
        return this.#delivered(first, fields.slice(1));
      case Event.tombstone:
        return this.#deletedShown(first, Number(second), Number(third));
      case Event.edited:
      case Event.deleted:
      case Event.reaction:
      case Event.reactions:
      case Event.quoted:
        return this.#changeShown(name, first, fields.slice(1));
      case Event.uninvited:
        return this.#verdict.add('uninvited', `session ${first} was shown ${fields.slice(1).join(' ')}`);
      case Event.page:
        return this.#chatSession(first)?.page(Number(second), third === '1', this.#nowMs);
      case Event.sent:
        return this.#sent(first, second, Number(third), Number(fourth));
      case Event.acknowledged:
        return this.#acknowledge(second, Number(third), Number(fourth));
      case Event.changing:
        return this.#changing(first, second, fields.slice(2));
      case Event.changed:
        return this.#asked.acknowledge(second, this.#eventsCount);
      case Event.refused:
        return this.#refused(first, second, third);
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
    this.#asked.finish();
    this.#shown.finish();
    for (const what of this.#members.lost()) this.#verdict.add('lost', what);
    return {
      verdict: this.#verdict,
      sends: this.#sends.size,
      acknowledged: this.#sends.acknowledged,
      changes: this.#asked.size,
      acknowledgedChanges: this.#asked.acknowledged,
      deliveries: this.#deliveries,
      sessions: this.#sessionsCount,
      slowestDeliveryMs: this.#slowestDeliveryMs,
    };
  }

  #chatSession(name: string): ChatSession | undefined {
    const session = this.#sessions.get(name);
    return session instanceof ChatSession ? session : undefined;
  }

  #connecting(name: string, fields: readonly string[]): void {
    this.#sessionsCount += 1;
    const [user = 0, chatId = 0, , value = 0] = fields.map(Number);
    const [, , how, , readerName = name, view = 'plain'] = fields;
    const reader = this.#readers.get(readerName) ?? new Reader(user, this.#context);
    this.#readers.set(readerName, reader);
    const after = how === 'after' ? value : undefined;
    const begin = { session: Number(name), beganAt: this.#eventsCount };
    if (chatId === 0) {
      this.#sessions.set(name, new MainSession({ ...begin, after }, reader, this.#context));
      return;
    }
    const start = after === undefined ? { limit: value } : { after };
    const acknowledgedBefore = this.#acknowledged.get(chatId) ?? 0;
    const isFull = view === 'full' ? 'full' : 'plain';
    const session = { ...begin, chatId, start, view: isFull, acknowledgedBefore } as const;
    this.#sessions.set(name, new ChatSession(session, reader, this.#context));
  }

  #delivered(name: string, fields: readonly string[]): void {
    const [id = 0, fingerprint = 0, textHash = 0, version = 1] = fields.map(Number);
    const session = this.#sessions.get(name);
    const message = this.#shownMessage(session, id, fingerprint);
    if (session === undefined || message === undefined) return;
    session.delivered(message);
    this.#shown.text(session, message, version, textHash);
    session.reader.message(session, message, { version, reactions: readReactions(fields[4] ?? '-') });
    message.firstSeenMs ??= this.#nowMs;
    if (session instanceof ChatSession && session.wasLive(message.firstSeenMs)) {
      this.#slowestDeliveryMs = Math.max(this.#slowestDeliveryMs, this.#nowMs - message.firstSeenMs);
    }
  }

  #deletedShown(name: string, id: number, fingerprint: number): void {
    const session = this.#chatSession(name);
    const message = this.#shownMessage(session, id, fingerprint);
    if (session === undefined || message === undefined) return;
    session.delivered(message);
    this.#shown.deletion(session, message);
  }

  /** Finds the message that a session was shown, if it is one that the session may be shown. */
  #shownMessage(
    session: ChatSession | MainSession | undefined,
    id: number,
    fingerprint: number,
  ): StoredMessage | undefined {
    this.#deliveries += 1;
    if (session === undefined) return undefined;
    const message = this.#log.message(id);
    if (message === undefined) {
      this.#verdict.add('phantom', `${session.name} was shown ${id}, which is not stored`);
      return undefined;
    }
    if (message.fingerprint !== fingerprint)
      this.#verdict.add('disagreeing', `${session.name} was shown another ${id} than is stored`);
    if (session instanceof ChatSession && session.chatId !== message.chatId) {
      this.#verdict.add('phantom', `${session.name} was shown ${id} of chat ${message.chatId}`);
      return undefined;
    }
    return message;
  }

  #changeShown(
    event: 'edited' | 'deleted' | 'reaction' | 'reactions' | 'quoted',
    name: string,
    fields: string[],
  ) {
    const session = this.#chatSession(name);
    if (session !== undefined) this.#shown[event](session, fields);
  }

  #sent(name: string, key: string, textHash: number, replyTo: number): void {
    const session = this.#chatSession(name);
    if (session === undefined) return;
    const { user, chatId } = session;
    const stored = this.#sends.sent(key, { user, chatId, textHash, replyTo, session: Number(name) });
    if (stored === undefined) return;
    this.#members.sent(chatId, stored.id);
    if (this.#openAtCalm !== undefined) this.#sentInCalm.add(stored.id);
  }

  #changing(name: string, key: string, [messageId, kind = '', what = '']: readonly string[]): void {
    const session = this.#chatSession(name);
    if (session === undefined) return;
    this.#asked.ask(key, { user: session.user, messageId: Number(messageId), kind, what });
  }

  /** What is about a message may be refused for good only when somebody has asked to delete that one. */
  #refused(name: string, key: string, code: string): void {
    const isFinal = isGoneError(code);
    if (this.#asked.isChange(key)) {
      if (isFinal && !this.#asked.refuse(key, code)) this.#refusedWrongly(name, key, code);
      return;
    }
    const replyTo = this.#sends.refuse(key);
    if (isFinal && !this.#asked.isDeletionAsked(replyTo)) this.#refusedWrongly(name, key, code);
  }

  #refusedWrongly(name: string, key: string, code: string): void {
    this.#verdict.add('unexpected', `session ${name}: ${key} was refused with ${code}`);
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
