import type { View } from '../message.js';
import type { CheckContext } from './check-context.js';
import type { Reader } from './reader.js';
import type { StoredMessage } from './stored-log.js';

/** What a client asked its connection to begin with: the messages after an id, or a page of the newest. */
export type SessionStart = { readonly after: number } | { readonly limit: number };

/** How a client began to connect to a chat. */
export interface SessionBegin {
  readonly session: number;
  readonly chatId: number;
  readonly start: SessionStart;
  readonly view: View;
  /** Messages up to this sequence were acknowledged before, so the history must have them. */
  readonly acknowledgedBefore: number;
  /** How many events there were before. */
  readonly beganAt: number;
}

/**
 * One connection to a chat. It must be shown a run of the chat's messages without a gap, each of them once, and in
 * order: all messages, when it asks for changes, with those in the same order; otherwise those that nobody deleted.
 */
export class ChatSession {
  readonly session: number;
  readonly chatId: number;
  readonly beganAt: number;
  readonly reader: Reader;
  readonly name: string;
  readonly #context: CheckContext;
  readonly #start: SessionStart;
  readonly #view: View;
  readonly #acknowledgedBefore: number;
  /** The sequence that must come next; undefined while any message may be the first. */
  #next: number | undefined;
  #first: number | undefined;
  #missing: Set<number> | undefined;
  /** The highest id of a message or a change that was shown, or that the client said it has. */
  #newestId: number;
  /** When the history was complete, so that the session was live from then on. */
  #liveMs: number | undefined;
  #isSlow = false;
  /** How many memberships of the user can have begun when the upgrade was accepted. */
  #membershipsBegun = 0;

  constructor(begin: SessionBegin, reader: Reader, context: CheckContext) {
    const { session, chatId, start, view, acknowledgedBefore, beganAt } = begin;
    this.name = `session ${session} (user ${reader.user}, chat ${chatId})`;
    this.session = session;
    this.chatId = chatId;
    this.beganAt = beganAt;
    this.reader = reader;
    this.#start = start;
    this.#view = view;
    this.#acknowledgedBefore = acknowledgedBefore;
    this.#context = context;
    this.#newestId = 'after' in start ? start.after : 0;
    if ('after' in start) this.#next = countUpTo(context.log.messagesOf(chatId), start.after) + 1;
  }

  get user(): number {
    return this.reader.user;
  }

  opened(): void {
    this.#membershipsBegun = this.#context.members.begun(this.chatId, this.user);
  }

  /** The client was shown a message of this chat. */
  delivered(message: StoredMessage): void {
    const { verdict } = this.#context;
    this.#checkMember(message.id);
    const { sequence } = message;
    this.#first ??= sequence;
    const next = this.#next ?? sequence;
    if (sequence < next) {
      if (this.#missing?.delete(sequence)) verdict.add('reordered', `${this.name}: ${message.id} came late`);
      else verdict.add('repeated', `${this.name}: ${message.id} came again`);
      return;
    }
    if (sequence > next) this.#skip(next, sequence - 1);
    this.#next = sequence + 1;
    if (message.id < this.#newestId)
      verdict.add('reordered', `${this.name}: ${message.id} came after ${this.#newestId}`);
    this.#newestId = Math.max(this.#newestId, message.id);
  }

  /** The client was shown the change with this id of a message of this chat. */
  changed(id: number): void {
    this.#checkMember(id);
    if (id > this.#newestId) {
      this.#newestId = id;
      return;
    }
    const violation = id === this.#newestId ? 'repeated' : 'reordered';
    this.#context.verdict.add(violation, `${this.name}: the change ${id} came after ${this.#newestId}`);
  }

  /** The client was shown a whole history frame with this many messages. */
  page(messages: number, more: boolean, nowMs: number): void {
    if (this.#liveMs !== undefined) return;
    if ('limit' in this.#start) this.#checkLimitPage(messages, more, this.#start.limit);
    else if (more) return;
    this.#liveMs = nowMs;
    if (this.#next === undefined) return;
    const count = this.#due(this.#next, this.#acknowledgedBefore).length;
    const what = `its history ended before ${count} that were acknowledged earlier`;
    if (count > 0) this.#context.verdict.add('gap', `${this.name}: ${what}`, count);
  }

  /** The client stopped reading; that it sees a message late is not the server's fault from here on. */
  paused(): void {
    this.#isSlow = true;
  }

  /** True when the session was live before this moment, and its client reads. */
  wasLive(ms: number): boolean {
    return !this.#isSlow && this.#liveMs !== undefined && this.#liveMs < ms;
  }

  /** The session stayed connected until the run ended, so it must have been shown everything. */
  end(): void {
    const { log, members, verdict } = this.#context;
    if (!members.isMember(this.chatId, this.user)) return;
    const all = log.messagesOf(this.chatId);
    const unseen = this.#due(this.#next ?? 1, all.length).length;
    if (unseen > 0) verdict.add('unseen', `${this.name}: ${unseen} at the end`, unseen);
    if (this.#view === 'plain' || this.#next === undefined) return;
    const first = 'after' in this.#start ? 1 : (this.#first ?? this.#next);
    for (const message of all.slice(first - 1, this.#next - 1)) {
      const difference = this.reader.difference(message);
      if (difference !== undefined)
        verdict.add('outdated', `${this.name} was left with ${message.id}: ${difference}`);
    }
  }

  /** A page with fewer messages than were asked for has all that the chat has. */
  #checkLimitPage(messages: number, more: boolean, limit: number): void {
    const first = this.#first ?? 1;
    if (messages < limit && !more && first > 1) this.#skip(1, first - 1);
    if (messages === 0 && limit > 0) this.#next ??= 1;
  }

  /** The messages with the sequences `from` to `to` did not come. */
  #skip(from: number, to: number): void {
    const skipped = this.#due(from, to);
    if (skipped.length === 0) return;
    this.#missing ??= new Set();
    for (const { sequence } of skipped) this.#missing.add(sequence);
    const examples = skipped.slice(0, 5).map(({ id }) => id);
    this.#context.verdict.add('gap', `${this.name}: ${examples.join(', ')} did not come`, skipped.length);
  }

  /** The messages with the sequences `from` to `to` that the session must be shown. */
  #due(from: number, to: number): StoredMessage[] {
    const { log, asked } = this.#context;
    const all = from > to ? [] : log.messagesOf(this.chatId).slice(from - 1, to);
    return this.#view === 'full' ? all : all.filter(({ id }) => !asked.isDeletionAsked(id));
  }

  #checkMember(id: number): void {
    const { verdict, members } = this.#context;
    if (id >= members.endsAt(this.chatId, this.user, this.#membershipsBegun))
      verdict.add('nonMember', `${this.name} was shown ${id}, stored after the removal`);
  }
}

/** The number of messages with ids up to this one, found by binary search. */
function countUpTo(messages: readonly StoredMessage[], id: number): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((messages[middle]?.id ?? 0) <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}
