import type { Chat } from '../chat/chats.js';
import type { User } from '../chat/users.js';
import type { MaybePromise } from '../maybe-promise.js';
import type {
  ChatPage,
  Known,
  Lacks,
  Loaded,
  LogPage,
  Members,
  MessageInChat,
  MessagePage,
  Page,
  PageBounds,
  PageFor,
  Place,
  PlacedMessages,
  Reactors,
  Reader,
  Replay,
  ReplayBounds,
  Revocation,
  RoomList,
  Rooms,
  Unread,
  Users,
} from './answers.js';

export * from './answers.js';

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
   * The time of the entry with this id, in milliseconds since the epoch; null when the entry was removed, with its group or
   * because a newer one superseded it; undefined when this database never gave the id.
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
  /** The chats that the user is a member of: all, or those among `only`. */
  roomsOf(userId: number, known: Known, only?: readonly number[]): Loaded<Rooms>;
  /** A page of all the chats of a user, with what is unread. What `page` throws refuses the question. */
  listOf(userId: number, known: Known, page: Page): Loaded<RoomList>;
  /** What a member has not read of a chat. */
  unreadFor(chatId: number, userId: number): Loaded<Unread | undefined>;
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

  close(): void;
}
