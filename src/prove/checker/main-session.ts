import type { LoggedMessage } from './log.js';
import type { Truth } from './session.js';

/**
 * One connection to `/main`: of each chat it must be shown messages in order, and every one from when it is
 * connected, as long as it keeps up and its user is a member.
 */
export class MainSession {
  readonly user: number;
  readonly #name: string;
  readonly #truth: Truth;
  readonly #after: number | undefined;
  /** Place of the newest message shown, by chat. */
  readonly #newest = new Map<number, number>();
  #keepsUp = true;

  constructor(name: string, user: number, after: number | undefined, truth: Truth) {
    this.#name = `session ${name} (user ${user}, main)`;
    this.user = user;
    this.#after = after;
    this.#truth = truth;
  }

  /** The client stopped reading: from here on it may be shown the newest of each chat only. */
  paused(): void {
    this.#keepsUp = false;
  }

  delivered({ id, chatId, n }: LoggedMessage): void {
    const { verdict, members, log } = this.#truth;
    if (id >= members.endsAt(chatId, this.user, members.begun(chatId, this.user))) {
      verdict.add('nonMember', `${this.#name} was shown ${id} of chat ${chatId}, stored after the removal`);
    }
    if (id <= (this.#after ?? 0)) verdict.add('repeated', `${this.#name}: ${id} came, after ${this.#after}`);
    const newest = this.#newest.get(chatId);
    if (newest !== undefined && n <= newest) {
      return verdict.add(n === newest ? 'repeated' : 'reordered', `${this.#name}: ${id} of chat ${chatId}`);
    }
    if (newest !== undefined && this.#keepsUp) {
      const skipped = log
        .of(chatId)
        .slice(newest, n - 1)
        .filter((message) => members.wasMember(chatId, this.user, message.id));
      const ids = skipped.map((message) => message.id);
      if (ids.length > 0)
        verdict.add('gap', `${this.#name}: ${ids.slice(0, 5).join(', ')} of chat ${chatId}`, ids.length);
    }
    this.#newest.set(chatId, n);
  }

  /** The session was connected to the end; `isDue` says of a message that it was sent when it was. */
  end(isDue: (message: LoggedMessage) => boolean): void {
    const { verdict, members, log } = this.#truth;
    for (const chatId of members.chatsOf(this.user)) {
      const last = log.of(chatId).at(-1);
      if (last === undefined || !isDue(last)) continue;
      if ((this.#newest.get(chatId) ?? 0) < last.n) {
        verdict.add('unseen', `${this.#name}: ${last.id}, the newest of chat ${chatId}`);
      }
    }
  }
}
