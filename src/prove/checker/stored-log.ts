import { fingerprint, keyOf, type SeenMessage, type SeenTombstone } from '../message.js';
import { hashOf } from '../random.js';

/** An entry of the log that adds or removes members of a group. The first members come with the group's creation. */
export interface MembershipChange {
  readonly id: number;
  readonly chatId: number;
  readonly kind: 'added' | 'removed';
  readonly users: readonly number[];
}

/** A change of a message, as the log has it. */
export interface LoggedChange {
  readonly id: number;
  readonly messageId: number;
  /** As `changeHash` gives it; undefined for an edit whose text is gone, because the message was deleted. */
  readonly hash: number | undefined;
  /** Whether this is what the message is in the end, when this is its newest change. */
  isIn(message: StoredMessage): boolean;
}

/** What may change in a message, as it is in the end. */
export interface StoredState {
  /** 1 for the first text; 0 for a message that was deleted. */
  readonly version: number;
  readonly isDeleted: boolean;
  /** How many users reacted, by emoji. */
  readonly reactions: ReadonlyMap<string, number>;
  /** The entry that changed it last; undefined when there is none, or when only the API could be read. */
  readonly changeId?: number | undefined;
}

/** A message of the log; only hashes of its text are kept. */
export interface StoredMessage {
  readonly id: number;
  readonly chatId: number;
  readonly authorId: number;
  readonly key: string;
  /** Which message of its chat it is, deleted ones included: 1, 2, 3, … */
  readonly sequence: number;
  readonly fingerprint: number;
  readonly textHash: number;
  /** The message that it answers, 0 when there is none, or when it was deleted. */
  readonly replyTo: number;
  readonly state: StoredState;
  /** The hash of its first text: that of the text, or what was sent when it has another one now. */
  firstTextHash: number | undefined;
  /** When a client was shown it for the first time, in milliseconds of the run. */
  firstSeenMs?: number;
}

export const UNCHANGED: StoredState = { version: 1, isDeleted: false, reactions: new Map() };

/** Hashes a change as everybody must be shown it. */
export function changeHash(
  kind: 'edited' | 'deleted' | 'reaction',
  ...what: readonly (string | number)[]
): number {
  return hashOf(`${kind} ${what.join(' ')}`);
}

/** What the server has stored of a run's chats: the truth that histories are checked against. */
export class StoredLog {
  /** Undefined when only the API could be read: then members are known from the requests and their answers. */
  readonly changes: MembershipChange[] | undefined;
  /** Changes of messages by their ids, but for those that others superseded and that were removed; undefined as above. */
  readonly messageChanges: Map<number, LoggedChange> | undefined;
  readonly #messages = new Map<number, StoredMessage>();
  readonly #byChat = new Map<number, StoredMessage[]>();

  constructor(options: { readonly hasChanges: boolean }) {
    this.changes = options.hasChanges ? [] : undefined;
    this.messageChanges = options.hasChanges ? new Map() : undefined;
  }

  /** The messages of one chat must be added in ascending order of their ids. */
  add(message: SeenMessage | SeenTombstone, changeId?: number): void {
    const chat = this.messagesOf(message.chat_id);
    const text = message.deleted ? '' : message.text;
    const state = stateOf(message, changeId);
    const textHash = hashOf(text);
    const stored: StoredMessage = {
      id: message.id,
      chatId: message.chat_id,
      authorId: message.author.id,
      key: message.deleted ? (message.client_id ?? '') : keyOf(text),
      sequence: chat.length + 1,
      fingerprint: fingerprint(message),
      textHash,
      replyTo: message.reply_to ?? 0,
      state,
      firstTextHash: state.version === 1 ? textHash : undefined,
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

  messages(): Iterable<StoredMessage> {
    return this.#messages.values();
  }
}

/** Most messages share the state that says that nothing was done to them. */
function stateOf(message: SeenMessage | SeenTombstone, changeId: number | undefined): StoredState {
  const { version = 1, reactions = [] } = message;
  const isDeleted = message.deleted ?? false;
  if (version === 1 && !isDeleted && reactions.length === 0 && changeId === undefined) return UNCHANGED;
  const counts = new Map(reactions.map(({ emoji, count }) => [emoji, count]));
  return { version: isDeleted ? 0 : version, isDeleted, reactions: counts, changeId };
}
