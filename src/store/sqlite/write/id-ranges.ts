import { dirname } from 'node:path';
import { ID_KINDS, type IdMarks, writeGivenIds } from '../../given-ids.js';
import { type Connection, databaseIdOf } from '../database.js';

/** So many ids are taken at once, since each range costs a sync of its own. A ledger that is killed leaves the rest. */
const RANGE = { entry: 65_536, chat: 256, user: 256 } as const satisfies IdMarks;

interface StoredIds extends IdMarks {
  /** The data folder has a record of the ids of this database. */
  readonly recorded: 0 | 1;
}

/** Makes the question how far the database gave ids. */
export function storedIds(db: Connection): () => StoredIds {
  const read = db.prepare<[], StoredIds>(
    `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'entry'), 0) AS entry,
            (SELECT value FROM sequence WHERE name = 'chat') AS chat,
            (SELECT value FROM sequence WHERE name = 'user') AS user,
            (SELECT ids_recorded FROM identity) AS recorded`,
  );
  return () => {
    const stored = read.get();
    if (stored === undefined) throw new Error('the database does not say how far it gave ids');
    return stored;
  };
}

/**
 * Takes care that the data folder says, beside the database, how far ids may have been given: durably, and before a
 * commit gives ids of a new range.
 */
export class IdRanges {
  readonly #db: Connection;
  readonly #incarnation: string;
  readonly #databaseId: string;
  readonly #stored: () => StoredIds;
  #upTo: IdMarks;
  /** This ledger has written a record that covers more than what was given. */
  #isOpen = false;

  constructor(db: Connection, incarnation: string) {
    this.#db = db;
    this.#incarnation = incarnation;
    this.#databaseId = databaseIdOf(db);
    this.#stored = storedIds(db);
    this.#upTo = this.#stored();
  }

  /**
   * To be called in each transaction that gives ids, before its commit. Errors: those of the file system, after which it
   * must not be committed.
   */
  cover(): void {
    const { entry, chat, user, recorded } = this.#stored();
    const given = { entry, chat, user };
    if (ID_KINDS.every((kind) => given[kind] <= this.#upTo[kind])) return;
    const upTo = { entry: entry + RANGE.entry, chat: chat + RANGE.chat, user: user + RANGE.user };
    this.#write(upTo, false);
    if (recorded === 0) this.#db.prepare('UPDATE identity SET ids_recorded = 1').run();
  }

  /** Writes how far ids were given by a ledger that stops in order. Without that the next one leaves some out. */
  close(): void {
    if (!this.#isOpen) return;
    const { entry, chat, user } = this.#stored();
    this.#write({ entry, chat, user }, true);
  }

  #write(upTo: IdMarks, exact: boolean): void {
    writeGivenIds(dirname(this.#db.name), {
      databaseId: this.#databaseId,
      incarnation: this.#incarnation,
      upTo,
      exact,
    });
    this.#upTo = upTo;
    this.#isOpen = !exact;
  }
}
