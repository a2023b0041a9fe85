/**
 * The log: one table, one order, followed by every worker. An entry is a message or a change that others
 * must hear of. The number is what is stored; an unknown one makes a worker drop all its caches.
 */
export const EntryKind = {
  message: 1,
  userCreated: 2,
  chatOpened: 3,
  groupCreated: 4,
  membersAdded: 5,
  membersRemoved: 6,
  groupDeleted: 7,
  tokensRevoked: 8,
} as const;

/** One row of the log. `chatId` is 0 for entries about a user; `authorId` is who made the change, 0 for the operator. */
export interface Entry {
  readonly id: number;
  readonly chatId: number;
  readonly kind: number;
  readonly authorId: number;
  /** The text of a message; the claim whose tokens were revoked; else ''. */
  readonly text: string;
  /** Milliseconds since the epoch, UTC. */
  readonly time: number;
  readonly clientId: string | null;
  /** The users that a change is about (added, removed, first members), else empty. */
  readonly users: readonly number[];
}
