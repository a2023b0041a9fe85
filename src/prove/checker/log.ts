import { fingerprint, keyOf, type SeenMessage } from '../message.js';
import { hashOf } from '../random.js';

/** Members of a group were added or removed; the first ones come with its creation. */
export interface Change {
  readonly id: number;
  readonly chatId: number;
  readonly kind: 'added' | 'removed';
  readonly users: readonly number[];
}

/** A message of the log, its text kept as a fingerprint. */
export interface LoggedMessage {
  readonly id: number;
  readonly chatId: number;
  readonly authorId: number;
  readonly key: string;
  /** Its place among the messages of its chat: 1, 2, 3, … */
  readonly n: number;
  readonly fingerprint: number;
  readonly textHash: number;
  /** When the first client was shown it, in milliseconds of the run. */
  seenMs?: number;
}

/** What the server has stored of a run's chats: the truth that histories are held against. */
export class Log {
  /** Undefined when only the API could be asked: then members are known by what was asked and answered. */
  readonly changes: Change[] | undefined;
  readonly #messages = new Map<number, LoggedMessage>();
  readonly #byChat = new Map<number, LoggedMessage[]>();

  constructor(withChanges: boolean) {
    this.changes = withChanges ? [] : undefined;
  }

  /** Of one chat, in ascending order of ids. */
  add(message: SeenMessage): void {
    const own = this.of(message.chat_id);
    const logged: LoggedMessage = {
      id: message.id,
      chatId: message.chat_id,
      authorId: message.author.id,
      key: keyOf(message.text),
      n: own.length + 1,
      fingerprint: fingerprint(message),
      textHash: hashOf(message.text),
    };
    if (own.length === 0) this.#byChat.set(message.chat_id, own);
    own.push(logged);
    this.#messages.set(message.id, logged);
  }

  message(id: number): LoggedMessage | undefined {
    return this.#messages.get(id);
  }

  /** The messages of a chat in the order of the log. */
  of(chatId: number): LoggedMessage[] {
    return this.#byChat.get(chatId) ?? [];
  }

  chats(): Iterable<number> {
    return this.#byChat.keys();
  }

  get size(): number {
    return this.#messages.size;
  }
}
