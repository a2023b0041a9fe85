import { z } from 'zod';
import { Id } from './ids.js';

/** A message of a chat, as it is now: an edit, a deletion or a reaction changes it in its place in the log. */
export interface Message {
  readonly kind: 'message';
  readonly id: number;
  readonly chatId: number;
  readonly authorId: number;
  /** Empty when the message was deleted. */
  readonly text: string;
  /** Milliseconds since the epoch, UTC. */
  readonly time: number;
  readonly clientId: string | null;
  /** Undefined for most messages, which have nothing of it. */
  readonly extra?: MessageExtra;
}

/** What a message may have beside its text. Times are in milliseconds since the epoch. */
export interface MessageExtra {
  /** The message of the same chat that it answers. */
  readonly replyTo?: number;
  readonly mentions?: readonly Mention[];
  /** Which text it has; absent for the first one. The next has version 2. */
  readonly version?: number;
  readonly editedAt?: number;
  /** In the order in which each emoji came first. */
  readonly reactions?: readonly Reaction[];
  /** The newest entry that changed the message. */
  readonly changeId?: number;
  readonly deletedAt?: number;
  readonly deletedBy?: number;
}

/** A user by id, or everybody in the group. */
export type Mention = number | 'all';

/** An emoji, and how many users reacted with it. */
export interface Reaction {
  readonly emoji: string;
  readonly count: number;
}

/** What a reply shows of the message that it answers, as that is now. */
export interface Quote {
  readonly authorId: number;
  readonly authorName: string;
  /** The beginning of its text. */
  readonly text: string;
}

/**
 * How much a reader of a chat is told. `plain`: who knows messages alone. `full`: who is also told that messages changed,
 * sees the places of deleted ones, and who reacted.
 */
export type View = 'plain' | 'full';

/** A quote has this many characters of the text. */
export const QUOTE_CHARACTERS_MAX = 100;
export const MENTIONS_MAX = 50;
/** Unread messages are counted up to this many. */
export const UNREAD_MAX = 1000;
/** How many different emoji a message may have. */
export const EMOJI_PER_MESSAGE_MAX = 20;

export function isDeleted({ extra }: Message): boolean {
  return extra?.deletedAt !== undefined;
}

/** Whom a message mentions: ids of members, or `"all"`, which the owner of a group may. Repeats are dropped. */
export const Mentions = z
  .union(
    [
      z.literal('all').transform((all) => [all]),
      z
        .array(z.union([Id, z.literal('all')]))
        .max(MENTIONS_MAX, { error: `must have at most ${MENTIONS_MAX}` }),
    ],
    { error: 'must be a list of user ids, or "all"' },
  )
  .transform((mentions): Mention[] => [...new Set(mentions)]);

/** How far a user has read: up to the message with this id. */
export const ReadMarker = z.object({ id: Id }, { error: 'must be an object' });
