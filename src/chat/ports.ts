import type { Chat } from './chats.js';
import type { Command, CommandName, Commands, Outcome } from './commands.js';
import type { Entry } from './entries.js';
import type { Message } from './messages.js';
import type { User } from './users.js';

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

export type PhotoOwner = 'users' | 'groups';

export interface Image {
  readonly contentType: string;
  readonly bytes: Buffer;
}

/** Lasting photos. A row names a photo by what `place` gave; which photos exist is for the rows to say. */
export interface PhotoStore {
  /**
   * Takes an uploaded file for a user or a group; the upload is gone after that. When it resolves, the photo
   * survives a power loss. Errors: photo_invalid (not an image that is taken, or too large a one), storage_full.
   */
  place(uploaded: string, owner: PhotoOwner, id: number): Promise<PlacedPhoto>;
  /** Errors: photo_not_found. */
  read(owner: PhotoOwner, id: number, name: string | null): Promise<Image>;
  /** Removes everything of one that is deleted. */
  removeAll(owner: PhotoOwner, id: number): Promise<void>;
}

/** A photo that was placed, and can be taken back as long as no row names it. */
export interface PlacedPhoto {
  readonly name: string;
  remove(): Promise<void>;
}

/** Commands that travel, and are applied, together: in one transaction, once. */
export interface Frame {
  /** The worker's incarnation, and the frame's number among its own. */
  readonly origin: string;
  readonly number: number;
  /** Frames of this worker up to here are answered and known to be: their outcomes can go. */
  readonly confirmed: number;
  /** How many ledgers had begun to apply this frame when they died. */
  readonly met: number;
  readonly commands: readonly Command[];
}

/** Writing, for the ledger. */
export interface WriteStore {
  /**
   * Applies frames in order in one durable transaction. When it resolves, everything is on disk. A frame seen
   * before gets its first outcomes and changes nothing. Frames that are not among the outcomes (the tail)
   * were left for the next call. When `overloaded`, a message that would be stored is refused for that. Rejects
   * when nothing of the batch was stored.
   */
  apply(
    frames: readonly Frame[],
    now: number,
    overloaded?: boolean,
  ): Promise<{ outcomes: Outcome[][]; newest: number }>;
  /** The first outcomes of a frame that was applied before, without writing anything. */
  outcomesOf(frame: Frame): readonly Outcome[] | undefined;
  /** After a batch found no space: resolves when there is enough to go on. Rejects as `apply` does. */
  probe(): Promise<void>;
  newest(): number;
  /** Removes a slice of what deleted groups and silent workers left. Resolves to true when there is more. */
  purge(now: number): Promise<boolean>;
  close(): void;
}

/**
 * The way of a command to the ledger and back. Resolves when the change is durable. Rejects with a ChatError:
 * the refusal of the ledger, `overloaded` when too many wait already, `timeout` when the outcome is not known.
 */
export type Submit = <K extends CommandName>(
  kind: K,
  command: Commands[K]['do'],
) => Promise<Commands[K]['ok']>;

/**
 * The same way for messages, which come by the ten thousand a second: `settle` is called once with what `Submit`
 * would resolve or reject with, perhaps at once. A promise and its reactions would cost 2 µs of a message's 30.
 */
export type Post = (
  message: Commands['post_message']['do'],
  settle: (outcome: Outcome<'post_message'>) => void,
) => void;
