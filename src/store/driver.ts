import type { CommandName } from '../chat/commands.js';
import type { Limits } from '../chat/limits.js';
import type { ReadStore } from './read-store.js';
import type { WriteStore } from './write-store.js';

/**
 * What an error of the storage means. `full`: nothing was written, and it may be tried again. `damaged`: only a backup
 * helps. `newer`: a newer version made it, and nothing is wrong with it. `failed`: what is written is not known.
 */
export type StorageProblem = 'full' | 'damaged' | 'newer' | 'failed';

/** The limits that the ledger holds, since it sees all that is written. */
export type WriteLimits = Pick<
  Limits,
  'messagesPerSecondPerUserMax' | 'groupMembersMax' | 'editSecondsMax' | 'typingMembersMax'
>;

/**
 * Why a ledger leaves ids out. `killed`: the ledger before it did not stop in order, and may have given ids up to the end
 * of its range. `older`: the database is older than its folder, or comes from another one, so that nobody knows which ids
 * were given.
 */
export type IdsContinued = 'killed' | 'older';

export interface WriterOptions {
  readonly dataDir: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly limits?: WriteLimits;
  /** A command failed in a way that it should not; it was undone. */
  unexpected(error: unknown, command: CommandName): void;
  /** There is no space to begin in. This is called once; opening is tried again each second. */
  full(): void;
  /** There is space again, and the database is open. */
  space(): void;
  /** The ledger before this one ended because of this failure: the database is about to be checked. */
  checking(failure: string): void;
  /** The ids of the log do not go on with the next one, but with `first`. */
  idsContinued(why: IdsContinued, first: number): void;
}

/** What a copy of a database brought. */
export interface RestoredDatabase {
  readonly messages: number;
  /** The time of its newest entry, in milliseconds since the epoch; undefined when there is none. */
  readonly newest: number | undefined;
  /** Where the database is that was there before. */
  readonly replaced: string | undefined;
}

/** One kind of storage. Only storage.ts names the one that is in use. */
export interface StoreDriver {
  /** The schema that this version brings a database to. A newer schema may only add to it. */
  readonly schemaVersion: number;
  /** Whether there is a database in the folder. Errors: those of the file system when it may not be looked into. */
  exists(dataDir: string): boolean;
  /** Opens what a ledger has made. Errors: those of the storage. */
  openReader(dataDir: string): ReadStore;
  /**
   * Locks a folder's database exclusively until the process ends, in whatever way that is. Resolves to undefined when
   * another process holds the lock after `waitMs`.
   */
  lock(dataDir: string, waitMs: number): Promise<{ release(): void } | undefined>;
  /**
   * Opens the database for its ledger, which holds the lock: makes it or brings its schema up to date, after a failure
   * of the storage only when its checks hold. Errors: those of the storage; a newer schema.
   */
  openWriter(options: WriterOptions): Promise<WriteStore>;
  /**
   * Puts a copy of a database into a folder whose lock the caller holds, so that its next ledger gives no id that was
   * ever given. Errors: those of the storage, `damaged` for what is no database of parley.
   */
  restore(dataDir: string, copy: string, now: number): Promise<RestoredDatabase>;
  /** Undefined for errors that do not concern the storage. */
  classify(error: unknown): StorageProblem | undefined;
  /** Records for the next ledger that the storage failed. Returns whether that could be written. */
  markFailure(dataDir: string, error: unknown): boolean;
}
