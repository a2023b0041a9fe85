import type { Chat } from '../chat/chats.js';
import type { ChatEntry, Entry, GroupChange, PageEntry } from '../chat/entries.js';
import type { Message, Quote, Reaction, View } from '../chat/messages.js';
import type { User } from '../chat/users.js';
import type { MaybePromise } from '../maybe-promise.js';

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
  /** The private chats of a user who changed. */
  partners(): boolean;
}

/** Another user with whom a user has a private chat. */
export interface Partner {
  readonly chatId: number;
  readonly userId: number;
  /** The entry that opened the chat. */
  readonly since: number;
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
  /** The partners of each user who changed, when they are lacking. */
  readonly partners: ReadonlyMap<number, readonly Partner[]>;
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
  /** Whether there are more, or may be: not all is looked at where the member has written very much since. */
  readonly more: boolean;
  /** How many of the unread messages mention the member, at most UNREAD_MAX. */
  readonly mentions: number;
}

/** A chat of a user, as lists show it. */
export interface Room {
  readonly chat: Chat;
  readonly newest: Message | undefined;
}

/** Picks a page of the chats of a user, and puts it in order. */
export type Page = (rooms: readonly Room[]) => readonly Room[];

/** A page of the chats of a user. */
export interface RoomList extends Omit<Rooms, 'rooms'> {
  /** In the order of the page. */
  readonly rooms: readonly (Room & { readonly unread: Unread })[];
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

/** How much one page of a replay has. */
export interface ReplayBounds {
  readonly max: number;
  /** About as many as are sent. One item always fits. */
  readonly maxBytes: number;
  /** A chat in which more happened comes as its newest page instead. */
  readonly perChatMax: number;
  /** How many messages a newest page has. */
  readonly newest: number;
}

/** A chat with its newest messages, oldest first. */
interface WithNewestPage {
  readonly chat: Chat;
  readonly messages: readonly Message[];
  /** Older ones exist. */
  readonly more: boolean;
  readonly unread: Unread;
}

/** What happened in the chats of a user, each under the id of the entry by which it takes its place. */
export type ReplayItem = { readonly id: number } & (
  | { readonly kind: 'entry'; readonly entry: PageEntry }
  /** The user is in the chat since. */
  | ({ readonly kind: 'added' } & WithNewestPage)
  /** More happened than `perChatMax`. */
  | ({ readonly kind: 'limited' } & WithNewestPage)
  | { readonly kind: 'removed'; readonly chatId: number }
  /** A group's name, description, photo or members changed. */
  | { readonly kind: 'chat'; readonly chat: Chat }
  /** The user's own profile changed, or that of the other user of a private chat. */
  | { readonly kind: 'profile'; readonly user: User; readonly chatId: number | undefined }
);

/** A page of everything that happened in the chats of a user after a position. */
export interface Replay {
  /** In the order of their ids. */
  readonly items: readonly ReplayItem[];
  /** The next page is what follows after this id … */
  readonly last: number;
  /** … whose entry has this time, in milliseconds since the epoch; undefined when the entry was removed. */
  readonly time: number | undefined;
  /** Whether nothing is left up to the position. */
  readonly isWhole: boolean;
  /** The groups of the user. */
  readonly groups: readonly number[];
  /** The chats with something unread, when nothing is left. */
  readonly unread: readonly (readonly [chatId: number, unread: Unread])[];
  /** Authors whom the caller does not know, and the users of private chats. */
  readonly users: Users;
  readonly quotes: Quotes;
  readonly own: OwnReactions;
}
