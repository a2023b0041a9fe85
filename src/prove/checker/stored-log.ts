import { fingerprint, keyOf, type SeenMessage } from '../message.js';
import { hashOf } from '../random.js';

/** An entry of the log that adds or removes members of a group. The first members come with the group's creation. */
export interface MembershipChange {
  readonly id: number;
  readonly chatId: number;
  readonly kind: 'added' | 'removed';
  readonly users: readonly number[];
}

/** A message of the log; only hashes of its text are kept. */
export interface StoredMessage {
  readonly id: number;
  readonly chatId: number;
  readonly authorId: number;
  readonly key: string;
  /** Which message of its chat it is: 1, 2, 3, … */
  readonly sequence: number;
  readonly fingerprint: number;
  readonly textHash: number;
  /** When a client was shown it for the first time, in milliseconds of the run. */
  firstSeenMs?: number;
}

/** What the server has stored of a run's chats: the truth that histories are checked against. */
export class StoredLog {
  /** Undefined when only the API could be read: then members are known from the requests and their answers. */
  readonly changes: MembershipChange[] | undefined;
  readonly #messages = new Map<number, StoredMessage>();
  readonly #byChat = new Map<number, StoredMessage[]>();

  constructor(options: { readonly hasChanges: boolean }) {
    this.changes = options.hasChanges ? [] : undefined;
  }

  /** The messages of one chat must be added in ascending order of their ids. */
  add(message: SeenMessage): void {
    const chat = this.messagesOf(message.chat_id);
    const stored: StoredMessage = {
      id: message.id,
      chatId: message.chat_id,
      authorId: message.author.id,
      key: keyOf(message.text),
      sequence: chat.length + 1,
      fingerprint: fingerprint(message),
      textHash: hashOf(message.text),
    };
    if (chat.length === 0) this.#byChat.set(message.chat_id, chat);
    chat.push(stored);
    this.#messages.set(message.id, stored);
  }

  message(id: number): StoredMessage | undefined {
    return this.#messages.get(id);
  }

  /** The messages of a chat in the order of the log. */
  messagesOf(chatId: number): StoredMessage[] {
    return this.#byChat.get(chatId) ?? [];
  }

  chats(): Iterable<number> {
    return this.#byChat.keys();
  }
}
