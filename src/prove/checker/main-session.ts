import type { CheckContext } from './check-context.js';
import type { Reader } from './reader.js';
import type { StoredMessage } from './stored-log.js';

/**
 * One connection to `/main`. It must be shown the messages of each chat in order, and from when it is connected
 * every one of them, as long as its client reads and its user is a member.
 */
export class MainSession {
  readonly session: number;
  readonly beganAt: number;
  readonly reader: Reader;
  readonly name: string;
  readonly #context: CheckContext;
  readonly #after: number | undefined;
  /** The sequence of the newest message that was shown, by chat. */
  readonly #newest = new Map<number, number>();
  #keepsUp = true;

  /** `after`: the id that the client asked to resume after. `beganAt` as in SessionBegin. */
  constructor(
    { session, after, beganAt }: { session: number; after: number | undefined; beganAt: number },
    reader: Reader,
    context: CheckContext,
  ) {
    this.name = `session ${session} (user ${reader.user}, main)`;
    this.session = session;
    this.beganAt = beganAt;
    this.reader = reader;
    this.#after = after;
    this.#context = context;
  }

  get user(): number {
    return this.reader.user;
  }

  /** The client stopped reading: from here on the server may show it the newest message of each chat only. */
  paused(): void {
    this.#keepsUp = false;
  }

  delivered({ id, chatId, sequence }: StoredMessage): void {
    const { verdict, members } = this.#context;
    if (id >= members.endsAt(chatId, this.user, members.begun(chatId, this.user))) {
      verdict.add('nonMember', `${this.name} was shown ${id} of chat ${chatId}, stored after the removal`);
    }
    if (id <= (this.#after ?? 0)) verdict.add('repeated', `${this.name}: ${id} came, after ${this.#after}`);
    const newest = this.#newest.get(chatId);
    if (newest !== undefined && sequence <= newest) {
      const violation = sequence === newest ? 'repeated' : 'reordered';
      return verdict.add(violation, `${this.name}: ${id} of chat ${chatId}`);
    }
    if (newest !== undefined && this.#keepsUp) this.#checkSkipped(chatId, newest, sequence);
    this.#newest.set(chatId, sequence);
  }

  /** The session stayed connected until the run ended; `isDue` tells of a message that it must have been shown. */
  end(isDue: (message: StoredMessage) => boolean): void {
    const { verdict, members, log } = this.#context;
    for (const chatId of members.chatsOf(this.user)) {
      const last = log.messagesOf(chatId).at(-1);
      if (last === undefined || !isDue(last)) continue;
      if ((this.#newest.get(chatId) ?? 0) < last.sequence) {
        verdict.add('unseen', `${this.name}: ${last.id}, the newest of chat ${chatId}`);
      }
    }
  }

  /** Counts the messages between two sequences that came while the user certainly was a member. */
  #checkSkipped(chatId: number, newest: number, sequence: number): void {
    const { log, members, asked, verdict } = this.#context;
    const skipped = log
      .messagesOf(chatId)
      .slice(newest, sequence - 1)
      .filter(({ id }) => members.wasMember(chatId, this.user, id) && !asked.isDeletionAsked(id));
    if (skipped.length === 0) return;
    const examples = skipped.slice(0, 5).map(({ id }) => id);
    verdict.add('gap', `${this.name}: ${examples.join(', ')} of chat ${chatId}`, skipped.length);
  }
}
