import type { Message } from './messages.js';

/** What every entry has. `time` is in milliseconds since the epoch, UTC. */
interface Base {
  readonly id: number;
  readonly time: number;
}

/** A change of a chat. `authorId` is the user who made it. */
interface ChatBase extends Base {
  readonly chatId: number;
  readonly authorId: number;
}

/**
 * An entry of the log, which is one table in one order that every worker follows. An entry is a message or a change that
 * others must hear of. All code that handles entries switches over all kinds, so that a new kind does not compile until
 * it is handled everywhere.
 */
export type Entry =
  | Message
  | (Base & { readonly kind: 'user_created' | 'user_changed'; readonly userId: number })
  /** `users`: those who are members from this entry on. */
  | (ChatBase & { readonly kind: 'chat_opened' | 'group_created'; readonly users: readonly number[] })
  | (ChatBase & { readonly kind: 'members_added' | 'members_removed'; readonly users: readonly number[] })
  | (ChatBase & { readonly kind: 'group_changed' })
  | (ChatBase & { readonly kind: 'group_deleted' })
  | ChatRead
  | MessageEdited
  | MessageDeleted
  | ReactionChanged
  /** Tokens for this claim (as `claimOf` gives it) that were issued before a time, in seconds, are void. */
  | (Base & { readonly kind: 'tokens_revoked'; readonly claim: string; readonly before: number })
  /** An entry of a newer version, after which anything that is cached may be wrong. */
  | (Base & { readonly kind: 'unknown' });

export type EntryKind = Entry['kind'];

/** A change of a message. `clientId` is the client's name for it. */
interface ChangeBase extends ChatBase {
  readonly messageId: number;
  readonly clientId: string | null;
}
interface MessageEdited extends ChangeBase {
  readonly kind: 'message_edited';
  /** Empty when the message was deleted since. */
  readonly text: string;
  readonly version: number;
}
interface MessageDeleted extends ChangeBase {
  readonly kind: 'message_deleted';
}
/** `isOn`: `authorId` reacted, or took the reaction back. `count` is that of the emoji after it. */
interface ReactionChanged extends ChangeBase {
  readonly kind: 'reaction_changed';
  readonly emoji: string;
  readonly isOn: boolean;
  readonly count: number;
}

/** `authorId` has read the chat up to an id. `isShown`: the other members are told of it. */
export interface ChatRead extends ChatBase {
  readonly kind: 'chat_read';
  readonly readId: number;
  readonly isShown: boolean;
}

/** A change of a message that was sent before. */
export type MessageChange = MessageEdited | MessageDeleted | ReactionChanged;

/** An entry that a chat's sockets may hear of. */
export type ChatEntry = Message | MessageChange;

/** A change of a group that its members may hear of. */
export type GroupChange = Extract<
  Entry,
  { readonly kind: 'group_changed' | 'members_added' | 'members_removed' }
>;

export function isGroupChange(entry: Entry): entry is GroupChange {
  return entry.kind === 'group_changed' || entry.kind === 'members_added' || entry.kind === 'members_removed';
}

export function isChatEntry(entry: Entry): entry is ChatEntry {
  switch (entry.kind) {
    case 'message':
    case 'message_edited':
    case 'message_deleted':
    case 'reaction_changed':
      return true;
    default:
      return false;
  }
}

/** A message as it is now, in the place of its newest change, by which a client that resumes is told of it. */
export interface ChangedMessage extends ChatBase {
  readonly kind: 'message_changed';
  readonly message: Message;
}

/** What a page of a chat has. */
export type PageEntry = Message | ChangedMessage;

/** Ends a switch over all kinds, so that a kind that is left out does not compile. */
export function assertNever(entry: never): never {
  throw new Error(`an entry of an unhandled kind: ${JSON.stringify(entry)}`);
}
