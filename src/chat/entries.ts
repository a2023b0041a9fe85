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
  /** Tokens for this claim (as `claimOf` gives it) that were issued before a time, in seconds, are void. */
  | (Base & { readonly kind: 'tokens_revoked'; readonly claim: string; readonly before: number })
  /** An entry of a newer version, after which anything that is cached may be wrong. */
  | (Base & { readonly kind: 'unknown' });

export type EntryKind = Entry['kind'];

/** An entry that a chat's sockets hear of: a message, or a change of what they were shown. */
export type ChatEntry = Extract<Entry, { readonly kind: 'message' | 'group_changed' }>;

/** Ends a switch over all kinds, so that a kind that is left out does not compile. */
export function assertNever(entry: never): never {
  throw new Error(`an entry of an unhandled kind: ${JSON.stringify(entry)}`);
}
