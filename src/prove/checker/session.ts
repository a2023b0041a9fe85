import type { Log, LoggedMessage } from './log.js';
import type { Memberships } from './membership.js';
import type { Verdict } from './verdict.js';

/** What a session is held against. */
export interface Truth {
  readonly log: Log;
  readonly members: Memberships;
  readonly verdict: Verdict;
}

/** How a session was asked to begin: after a message, or with a page of the newest. */
export type Beginning = { readonly after: number } | { readonly limit: number };

/** One connection to a chat: it must be shown a run of the chat's messages without a hole, each once, in order. */
export class ChatSession {
  readonly user: number;
  readonly chatId: number;
  readonly #name: string;
  readonly #truth: Truth;
  readonly #beginning: Beginning;
  /** Messages up to here were acknowledged before it was asked for: its history must have them. */
  readonly #reach: number;
  /** The place in the chat of the message that must come next; undefined while any may be the first. */
  #next: number | undefined;
  #first: number | undefined;
  #missing: Set<number> | undefined;
  #completeMs: number | undefined;
  #isSlow = false;
  /** How many memberships of the user can have begun when it was opened. */
  #begun = 0;

  constructor(name: string, user: number, chatId: number, beginning: Beginning, reach: number, truth: Truth) {
    this.#name = `session ${name} (user ${user}, chat ${chatId})`;
    this.user = user;
    this.chatId = chatId;
    this.#beginning = beginning;
    this.#reach = reach;
    this.#truth = truth;
    if ('after' in beginning) this.#next = countUpTo(truth.log.of(chatId), beginning.after) + 1;
  }

  opened(): void {
    this.#begun = this.#truth.members.begun(this.chatId, this.user);
  }

  /** `message` is of this chat. */
  delivered(message: LoggedMessage): void {
    const { verdict, members } = this.#truth;
    if (message.id >= members.endsAt(this.chatId, this.user, this.#begun)) {
      verdict.add('nonMember', `${this.#name} was shown ${message.id}, stored after the removal`);
    }
    const { n } = message;
    this.#first ??= n;
    const next = this.#next ?? n;
    if (n < next) {
      if (this.#missing?.delete(n)) verdict.add('reordered', `${this.#name}: ${message.id} came late`);
      else verdict.add('repeated', `${this.#name}: ${message.id} came again`);
      return;
    }
    if (n > next) this.#skip(next, n - 1);
    this.#next = n + 1;
  }

  page(messages: number, more: boolean, nowMs: number): void {
    if (this.#completeMs !== undefined) return;
    if ('limit' in this.#beginning) {
      // A page that is not full has all there is.
      if (messages < this.#beginning.limit && !more && (this.#first ?? 1) > 1)
        this.#skip(1, (this.#first ?? 1) - 1);
      if (messages === 0 && this.#beginning.limit > 0) this.#next ??= 1;
    } else if (more) return;
    this.#completeMs = nowMs;
    if (this.#next !== undefined && this.#next <= this.#reach) {
      const what = `its history ended before ${this.#reach - this.#next + 1} that were acknowledged earlier`;
      this.#truth.verdict.add('gap', `${this.#name}: ${what}`, this.#reach - this.#next + 1);
    }
  }

  /** The client stopped reading: what it sees late is no fault of the server's. */
  paused(): void {
    this.#isSlow = true;
  }

  /** True when it was live, and read, when something happened. */
  wasLive(ms: number): boolean {
    return !this.#isSlow && this.#completeMs !== undefined && this.#completeMs < ms;
  }

  /** The session was connected to the end. */
  end(): void {
    if (!this.#truth.members.isMember(this.chatId, this.user)) return;
    const all = this.#truth.log.of(this.chatId).length;
    const seen = (this.#next ?? 1) - 1;
    if (seen < all) this.#truth.verdict.add('unseen', `${this.#name}: ${all - seen} at the end`, all - seen);
  }

  #skip(from: number, to: number): void {
    this.#missing ??= new Set();
    for (let n = from; n <= to; n++) this.#missing.add(n);
    const ids = this.#truth.log
      .of(this.chatId)
      .slice(from - 1, to)
      .map(({ id }) => id);
    this.#truth.verdict.add('gap', `${this.#name}: ${ids.slice(0, 5).join(', ')} did not come`, ids.length);
  }
}

/** How many messages have ids up to this one. */
function countUpTo(messages: readonly LoggedMessage[], id: number): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((messages[middle]?.id ?? 0) <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}
