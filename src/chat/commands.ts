import type { Chat, ChatType } from './chats.js';
import type { ErrorCode, ErrorDetails } from './errors.js';
import type { Mention, Message } from './messages.js';
import type { Caller, User } from './users.js';

/**
 * What a worker asks of the ledger. The worker has checked shape, identity and size. What depends on stored state
 * (membership, ownership, uniqueness, a repeat) is decided in the ledger's transaction.
 */
export interface Commands {
  /**
   * Errors: chat_not_found (no such chat for the author, who may have no profile either), overloaded, rate_limited,
   * reply_unknown, not_a_member (a mention of one), not_owner (who mentions all).
   */
  post_message: {
    do: {
      chatId: number;
      authorId: number;
      text: string;
      clientId?: string | undefined;
      replyTo?: number | undefined;
      mentions?: readonly Mention[] | undefined;
    };
    /** `duplicate` holds the first message when the author used the same client id in this chat before. */
    ok: { id: number; time: number } | { id: number; duplicate: Message };
  };
  /**
   * Errors: profile_required, message_not_found (deleted, in another chat than `chatId`, or in none of the actor's),
   * not_author, edit_too_late, rate_limited, overloaded.
   */
  edit_message: { do: MessageCommand & { text: string }; ok: MessageChanged };
  /** The author's, or anybody's for the owner of the group. Errors: as edit_message, but for edit_too_late. */
  delete_message: { do: MessageCommand; ok: MessageChanged };
  /** Errors: as delete_message, but for not_author; too_many_reactions. */
  react: { do: MessageCommand & { emoji: string; isOn: boolean }; ok: MessageChanged };
  /**
   * Moves how far the actor has read a chat forward, and never back. Errors: profile_required, chat_not_found or
   * group_not_found, message_not_found (an id that was not given yet), overloaded.
   */
  mark_read: {
    /** `type`: what the chat must be, if the caller says so. */
    do: { actor: number; chatId: number; type?: ChatType; id: number };
    ok: { readId: number };
  };
  /** Errors: user_exists, username_taken. `id` is one from `reserve_id`, for a caller known by subject. */
  create_user: {
    do: { caller: Caller; id?: number; username: string; name: string; description: string; photo?: string };
    ok: { id: number };
  };
  /**
   * Errors: profile_required, username_taken. What is absent stays as it is; a photo that is null is removed.
   * `replaced` is the file of the photo before, when there was one and it is no longer the user's.
   */
  update_user: {
    do: {
      actor: number;
      username?: string | undefined;
      name?: string | undefined;
      description?: string | undefined;
      photo?: string | null | undefined;
      readReceipts?: boolean | undefined;
    };
    ok: { user: User; replaced?: string };
  };
  /** Errors: profile_required, self_chat, user_unknown. Opening the same chat again gives the same id. */
  open_chat: {
    do: { actor: number; other: number };
    ok: { id: number };
  };
  /**
   * Errors: profile_required, user_unknown. `id` is one from `reserve_id`. Repeating a `clientId` gives the
   * owner's first group back with `duplicate`, also when that was deleted meanwhile.
   */
  create_group: {
    do: {
      actor: number;
      id?: number;
      name: string;
      description: string;
      users: readonly number[];
      photo?: string;
      clientId?: string;
    };
    ok: { id: number; name: string; duplicate?: true };
  };
  /** Errors: profile_required, group_not_found, not_owner. As `update_user`. */
  update_group: {
    do: {
      actor: number;
      groupId: number;
      name?: string | undefined;
      description?: string | undefined;
      photo?: string | null | undefined;
    };
    ok: { group: Chat; replaced?: string };
  };
  /** Errors: profile_required, group_not_found, not_owner. */
  delete_group: { do: { actor: number; groupId: number }; ok: Record<never, never> };
  /**
   * Errors: as delete_group, user_unknown, group_too_large, already_member. With `ifNeeded` those who are in the group
   * already are passed over, and are `unchanged`.
   */
  add_members: { do: MembersChange; ok: MembersChanged };
  /**
   * Errors: as delete_group, owner_stays, not_a_member. With `ifNeeded` those who are not in the group are passed over,
   * and are `unchanged`.
   */
  remove_members: { do: MembersChange; ok: MembersChanged };
  /** Makes tokens for this claim (as `claimOf` gives it) void that were issued before a time, in seconds. */
  revoke_tokens: { do: { claim: string; before: number }; ok: Record<never, never> };
  /** Gives an id that nobody else gets, so that a photo can be in its folder before the row exists. */
  reserve_id: { do: { of: 'user' | 'chat' }; ok: { id: number } };
}

interface MessageCommand {
  actor: number;
  messageId: number;
  /** The chat that the message must be in, if the caller says so. */
  chatId?: number | undefined;
  clientId?: string | undefined;
}

interface MessageChanged {
  /** The message's newest change; 0 when it was never changed. */
  changeId: number;
  /** Nothing was to be done: the same was done before. */
  duplicate?: true;
}

interface MembersChange {
  actor: number;
  groupId: number;
  users: readonly number[];
  ifNeeded?: boolean | undefined;
}

interface MembersChanged {
  /** Those of the users for whom there was nothing to do, in the order of the command. */
  unchanged: readonly number[];
}

export type CommandName = keyof Commands;
export type Command = { [K in CommandName]: { readonly kind: K } & Readonly<Commands[K]['do']> }[CommandName];
export type Outcome<K extends CommandName = CommandName> =
  | { readonly ok: Commands[K]['ok'] }
  | { readonly error: ErrorCode; readonly details?: ErrorDetails | undefined };

/**
 * Sends a command to the ledger. Resolves when the change is durable. Rejects with a ChatError: the refusal of the
 * ledger, `overloaded` when too many commands wait already, `timeout` when the outcome is not known.
 */
export type Submit = <K extends CommandName>(
  kind: K,
  command: Commands[K]['do'],
) => Promise<Commands[K]['ok']>;

/**
 * Sends a message to the ledger, as `Submit` does. `settle` is called once with the outcome, perhaps at once: messages
 * come by the ten thousand a second, and a promise and its reactions would cost 2 µs of a message's 30.
 */
export type Post = (
  message: Commands['post_message']['do'],
  settle: (outcome: Outcome<'post_message'>) => void,
) => void;
