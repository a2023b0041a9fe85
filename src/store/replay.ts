import type { Chat } from '../chat/chats.js';
import type { PageEntry } from '../chat/entries.js';
import type { Message } from '../chat/messages.js';
import type { User } from '../chat/users.js';
import type { OwnReactions, Quotes, Unread, Users } from './read-store.js';

/** How much one page of a replay has. */
export interface ReplayBounds {
  readonly max: number;
  /** Counts the texts alone, in UTF-8. One item always fits. */
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
  /** The user's own profile, or that of the other user of a private chat, changed. */
  | { readonly kind: 'profile'; readonly user: User }
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
