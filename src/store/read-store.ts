import type { Chat } from '../chat/chats.js';
import type { Entry } from '../chat/entries.js';
import type { Message } from '../chat/messages.js';
import type { User } from '../chat/users.js';

/**
 * Reading, for workers. Every read happens in a view of one moment: `snapshot` hands one out for the length
 * of one synchronous call, so that what it shows and the log's end belong together.
 */
export interface ReadStore {
  /** Random, made with the database and the same for good: no other database has it. */
  readonly databaseId: string;
  snapshot<T>(use: (view: ReadView) => T): T;
  /** True when this store is the one that the ledger of that incarnation writes. */
  hasIncarnation(incarnation: string): boolean;
  close(): void;
}

export interface ReadView {
  /** The newest id of the log, 0 when it is empty. */
  newest(): number;
  /** Entries after `position` in order, at most `max` and about `maxBytes`; `more` when there are others. */
  entriesAfter(position: number, max: number, maxBytes: number): { entries: Entry[]; more: boolean };

  user(id: number): User | undefined;
  /** The id that a subject was mapped to when its profile was created. */
  userOfSubject(subject: string): number | undefined;

  /** Every claim whose older tokens are void, with the time, in seconds, that theirs must not be issued before. */
  revocations(): Revocation[];
  revokedBefore(claim: string): number | undefined;

  /** A chat that is not deleted. */
  chat(id: number): Chat | undefined;
  isMember(chatId: number, userId: number): boolean;
  /** Members in ascending order of their ids. */
  members(chatId: number): { id: number; name: string }[];
  /** Ids of the chats that a user is in, deleted ones left out. */
  chatsOf(userId: number): number[];
  groupsOf(userId: number): number[];

  newestMessage(chatId: number): Message | undefined;
  hasMessageAfter(chatId: number, authorId: number, after: number): boolean;
  /**
   * The page that ends `offset` messages before the newest, oldest first, at most `limit`. `fits` is asked
   * newest first whether one more message has room; `more` says that it once said no.
   */
  messagesBefore(chatId: number, offset: number, limit: number, fits: Fits): MessagePage;
  /** The messages after an id, oldest first; `more` when others follow, also when `fits` said no. */
  messagesAfter(chatId: number, after: number, limit: number, fits: Fits): MessagePage;
}

export interface Revocation {
  readonly claim: string;
  readonly before: number;
}

export type Fits = (message: Message) => boolean;
export interface MessagePage {
  readonly messages: Message[];
  readonly more: boolean;
}
