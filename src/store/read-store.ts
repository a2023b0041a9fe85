import type { Chat } from '../chat/chats.js';
import type { ChatEntry, Entry, GroupChange, PageEntry } from '../chat/entries.js';
import type { Message, Quote, Reaction, View } from '../chat/messages.js';
import type { User } from '../chat/users.js';
import type { MaybePromise } from '../maybe-promise.js';
import type { Replay, ReplayBounds } from './replay.js';

/** A value, and the newest id of the log at the moment that the value is true at. */
export interface At<T> {
  readonly value: T;
  readonly position: number;
}

/** An answer to a question of a worker; a promise of it where the store has to wait for one. SQLite never does. */
export type Loaded<T> = MaybePromise<At<T>>;

/**
 * What the caller has at hand. The store leaves it out of its answer where it may, and brings everything else that the
 * answer refers to. It may ask at any time until it has answered.
 */
export interface Known {
  hasUser(id: number): boolean;
  chat(id: number): Chat | undefined;
  newestMessage(chatId: number): Message | undefined;
}

/** Bounds of one page. `maxBytes` counts the text alone, in UTF-8. One entry always fits. */
export interface PageBounds {
  readonly max: number;
  readonly maxBytes: number;
}

/** Users by their ids. */
export type Users = ReadonlyMap<number, User>;

/** Messages that others quote, by their ids. Those that were deleted are not among them. */
export type Quotes = ReadonlyMap<number, Quote>;

/** Says what the caller does not have at hand, and needs to apply an entry. */
export interface Lacks {
  author(entry: ChatEntry): boolean;
  chat(entry: ChatEntry | GroupChange): boolean;
}

/** Entries with what applying them needs. */
export interface LogPage {
  readonly entries: readonly Entry[];
  /** Entries after these exist. */
  readonly more: boolean;
  /** The authors that are lacking, and every user who changed in one of the entries. */
  readonly users: Users;
  /** The chats that are lacking, by their ids; undefined for one that was deleted since. */
  readonly chats: ReadonlyMap<number, Chat | undefined>;
  /** What the messages quote. */
  readonly quotes: Quotes;
}

/** A message with reactions. */
export interface Reacted {
  readonly messageId: number;
  readonly reactions: readonly Reaction[];
}

/** The reactions of one user, each as `reactionKey` gives it. */
export type OwnReactions = ReadonlySet<string>;

export function reactionKey(messageId: number, emoji: string): string {
  return `${messageId} ${emoji}`;
}

/** Whom a page is for; for a full one, messages that the caller has at hand, and wants the user's own reactions of. */
export interface PageFor {
  readonly view: View;
  readonly reacted: readonly Reacted[];
}

/** Messages and the authors among them that the caller does not know. */
export interface MessagePage {
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** Messages that were asked for are left out, for their bytes. */
  readonly more: boolean;
  readonly users: Users;
  readonly quotes: Quotes;
  /** To the messages of a full page, and to those in the question. */
  readonly own: OwnReactions;
  /** How far the user has read; 0 for a plain page. */
  readonly readId: number;
}

/** A place in the order of a chat's messages. The id need not be that of a message. */
export interface Place {
  /** `around`: half of the messages before the id, the others from it on. */
  readonly side: 'before' | 'after' | 'around';
  readonly id: number;
}

/** The messages at a place of a chat, deleted ones too. */
export interface PlacedMessages {
  readonly chat: Chat;
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** How many of them are before the place. */
  readonly older: number;
  /** Whether there are others before the first of them, and after the last. */
  readonly moreBefore: boolean;
  readonly moreAfter: boolean;
  readonly users: Users;
  readonly quotes: Quotes;
  /** To these messages. */
  readonly own: OwnReactions;
}

/** Who reacted to a message with an emoji. */
export interface Reactors {
  readonly message: Message;
  /** A page of them, in ascending order of their ids. */
  readonly users: readonly { readonly id: number; readonly name: string }[];
}

/** What follows in a chat after a position. The next page is what follows after the last entry. */
export interface ChatPage {
  readonly chat: Chat;
  /** Messages, and in a full page messages of before that changed, in the order of the log. */
  readonly entries: readonly PageEntry[];
  /** Whether nothing follows after the last entry. */
  readonly isWhole: boolean;
  /** The newest id that sockets of the view are to hear of; 0 when there is none. */
  readonly newest: number;
  /** The authors of the entries whom the caller does not know. */
  readonly users: Users;
  readonly quotes: Quotes;
  /** As in MessagePage. */
  readonly own: OwnReactions;
  readonly readId: number;
}

/** A message in its chat. */
export interface MessageInChat {
  readonly chat: Chat;
  readonly message: Message;
  /** Its author, when the caller does not know that user. */
  readonly users: Users;
  readonly quotes: Quotes;
  readonly own: OwnReactions;
}

/** What a member has not read of a chat. Messages that were deleted, and the member's own, do not count. */
export interface Unread {
  /** Messages with a higher id are unread. */
  readonly readId: number;
  /** At most UNREAD_MAX. */
  readonly messages: number;
  /** Whether there are more. */
  readonly more: boolean;
  /** How many of the unread messages mention the member, at most UNREAD_MAX. */
  readonly mentions: number;
}

/** A chat of a user, as lists show it. */
export interface Room {
  readonly chat: Chat;
  readonly newest: Message | undefined;
  /** When it was asked for. */
  readonly unread?: Unread;
}

/** How far a member has read, for those who may know. */
export interface Reader {
  readonly id: number;
  readonly name: string;
  readonly readId: number;
}

export interface Rooms {
  /** In ascending order of their ids. */
  readonly rooms: readonly Room[];
  /** The chats among them that the caller does not know. */
  readonly chats: readonly Chat[];
  /** Authors of the newest messages and members of private chats whom the caller does not know. */
  readonly users: Users;
}

export interface Members {
  readonly chat: Chat;
  /** In ascending order of their ids. */
  readonly members: readonly { readonly id: number; readonly name: string }[];
}

export interface Revocation {
  readonly claim: string;
  /** Seconds since the epoch. */
  readonly before: number;
}

/**
 * Reads for workers. Every method is one question about one moment, and its answer says at which position of the log it
 * is true: none that is before the log's end at the moment of asking. Answers may come in another order than the
 * questions. Chats that are deleted do not exist. A user who is not a member gets the same answer, after the same reads,
 * as for a chat that does not exist.
 */
export interface ReadStore {
  /** Random, made with the database and the same for good: no other database has it. */
  readonly databaseId: string;
  /** 32 random bytes that links to photos are signed with, the same for good. Nobody but the servers may know them. */
  readonly photoKey: Buffer;
  /** Whether this store is the one that the ledger of that incarnation writes. */
  hasIncarnation(incarnation: string): MaybePromise<boolean>;

  /** The newest id of the log, 0 when it is empty. */
  newest(): MaybePromise<number>;
  /**
   * The time of the entry with this id, in milliseconds since the epoch; null when the entry was removed with its group;
   * undefined when this database never gave the id.
   */
  timeOf(id: number): Loaded<number | null | undefined>;
  /** The entries after a position, in order. */
  log(after: number, bounds: PageBounds, lacks: Lacks): MaybePromise<LogPage>;

  user(id: number): Loaded<User | undefined>;
  /** The users with these ids who exist. */
  users(ids: readonly number[]): Loaded<Users>;
  /** The id that a subject was mapped to when its profile was created. */
  userOfSubject(subject: string): Loaded<number | undefined>;
  /** Every claim whose older tokens are void. */
  revocations(): Loaded<readonly Revocation[]>;

  /** The chat, when the user is a member. */
  chatFor(chatId: number, userId: number): Loaded<Chat | undefined>;
  /** A chat with all its members, when the user is one. */
  membersFor(chatId: number, userId: number): Loaded<Members | undefined>;
  /** The chats that the user is a member of: all, or those among `only`; when it is asked for, with what is unread. */
  roomsOf(userId: number, known: Known, only?: readonly number[], withUnread?: boolean): Loaded<Rooms>;
  /** How many chats a user has. */
  chatsCount(userId: number): Loaded<number>;
  /**
   * How far a member has read and, `withOthers`, those who let others know, in the order of their ids. Undefined when the
   * user is no member.
   */
  readersFor(chatId: number, userId: number, withOthers: boolean): Loaded<readonly Reader[] | undefined>;
  groupsOf(userId: number): Loaded<readonly number[]>;
  /** A member's profile, and whether the member wrote a message after a position. */
  memberFor(
    chatId: number,
    userId: number,
    after: number,
  ): Loaded<{ readonly user: User; readonly wrote: boolean } | undefined>;

  /** A member's page of a chat: without the newest `offset` messages, the newest ones within the bounds. Deleted ones do not count. */
  newestFor(
    chatId: number,
    userId: number,
    offset: number,
    bounds: PageBounds,
    known: Known,
    pageFor?: PageFor,
  ): Loaded<(MessagePage & { readonly chat: Chat }) | undefined>;
  /** What a member's socket is to be told of after a position. `max` 0 asks for no entries. */
  entriesFor(
    chatId: number,
    userId: number,
    after: number,
    bounds: PageBounds,
    known: Known,
    pageFor?: PageFor,
  ): Loaded<ChatPage | undefined>;
  /** A member's page of a chat at a place. The bounds are those of each side of the place. */
  messagesAt(
    chatId: number,
    userId: number,
    place: Place,
    bounds: PageBounds,
    known: Known,
  ): Loaded<PlacedMessages | undefined>;
  /** Who reacted with an emoji to a message of a chat that the user is in: `limit` users after the first `offset`. */
  reactorsFor(
    messageId: number,
    userId: number,
    emoji: string,
    page: { readonly limit: number; readonly offset: number },
  ): Loaded<Reactors | undefined>;
  /** A message of a chat that the user is in, also one that was deleted. */
  messageFor(messageId: number, userId: number, known: Known): Loaded<MessageInChat | undefined>;

  /**
   * What happened in the chats of a user after a position. `sent` has the chats that came with their newest page already,
   * and the position that those pages were true at.
   */
  replayFor(
    userId: number,
    after: number,
    sent: ReadonlyMap<number, number>,
    bounds: ReplayBounds,
    known: Known,
  ): Loaded<Replay>;
  /** The other users of a user's private chats. */
  partnersOf(userId: number): Loaded<readonly number[]>;

  close(): void;
}
