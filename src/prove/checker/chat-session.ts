import type { CheckContext } from './check-context.js';
import type { StoredMessage } from './stored-log.js';

/** What a client asked its connection to begin with: the messages after an id, or a page of the newest. */
export type SessionStart = { readonly after: number } | { readonly limit: number };

/**
 * One connection to a chat. It must be shown a run of the chat's messages without a gap, each of them once, and
 * in order.
 */
export class ChatSession {
  readonly user: number;
  readonly chatId: number;
  readonly #name: string;
  readonly #context: CheckContext;
  readonly #start: SessionStart;
  /** Messages up to this sequence were acknowledged before the client connected, so its history must have them. */
  readonly #acknowledgedBefore: number;
  /** The sequence that must come next; undefined while any message may be the first. */
  #next: number | undefined;
  #first: number | undefined;
  #missing: Set<number> | undefined;
  /** When the history was complete, so that the session was live from then on. */
  #liveMs: number | undefined;
  #isSlow = false;
  /** How many memberships of the user can have begun when the upgrade was accepted. */
  #membershipsBegun = 0;

  constructor(
    name: string,
    user: number,
    chatId: number,
    start: SessionStart,
    acknowledgedBefore: number,
    context: CheckContext,
  ) {
    this.#name = `session ${name} (user ${user}, chat ${chatId})`;
    this.user = user;
    this.chatId = chatId;
    this.#start = start;
    this.#acknowledgedBefore = acknowledgedBefore;
    this.#context = context;
    if ('after' in start) this.#next = countUpTo(context.log.messagesOf(chatId), start.after) + 1;
  }

  opened(): void {
    this.#membershipsBegun = this.#context.members.begun(this.chatId, this.user);
  }

  /** The client was shown a message of this chat. */
  delivered(message: StoredMessage): void {
    const { verdict, members } = this.#context;
    if (message.id >= members.endsAt(this.chatId, this.user, this.#membershipsBegun)) {
      verdict.add('nonMember', `${this.#name} was shown ${message.id}, stored after the removal`);
    }
    const { sequence } = message;
    this.#first ??= sequence;
    const next = this.#next ?? sequence;
    if (sequence < next) {
      if (this.#missing?.delete(sequence)) verdict.add('reordered', `${this.#name}: ${message.id} came late`);
      else verdict.add('repeated', `${this.#name}: ${message.id} came again`);
      return;
    }
    if (sequence > next) this.#skip(next, sequence - 1);
    this.#next = sequence + 1;
  }

  /** The client was shown a whole history frame with this many messages. */
  page(messages: number, more: boolean, nowMs: number): void {
    if (this.#liveMs !== undefined) return;
    if ('limit' in this.#start) this.#checkLimitPage(messages, more, this.#start.limit);
    else if (more) return;
    this.#liveMs = nowMs;
    if (this.#next !== undefined && this.#next <= this.#acknowledgedBefore) {
      const count = this.#acknowledgedBefore - this.#next + 1;
      const what = `its history ended before ${count} that were acknowledged earlier`;
      this.#context.verdict.add('gap', `${this.#name}: ${what}`, count);
    }
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
    const unseen = log.messagesOf(this.chatId).length - ((this.#next ?? 1) - 1);
    if (unseen > 0) verdict.add('unseen', `${this.#name}: ${unseen} at the end`, unseen);
  }

  /** A page with fewer messages than were asked for has all that the chat has. */
  #checkLimitPage(messages: number, more: boolean, limit: number): void {
    const first = this.#first ?? 1;
    if (messages < limit && !more && first > 1) this.#skip(1, first - 1);
    if (messages === 0 && limit > 0) this.#next ??= 1;
  }

  /** The messages with the sequences `from` to `to` should have come, and did not. */
  #skip(from: number, to: number): void {
    this.#missing ??= new Set();
    for (let sequence = from; sequence <= to; sequence++) this.#missing.add(sequence);
    const { log, verdict } = this.#context;
    const skipped = log.messagesOf(this.chatId).slice(from - 1, to);
    const examples = skipped.slice(0, 5).map(({ id }) => id);
    verdict.add('gap', `${this.#name}: ${examples.join(', ')} did not come`, skipped.length);
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
