import type { Command, Outcome } from '../chat/commands.js';
import type { PhotoOwner } from './photo-store.js';

/** Commands of a worker that travel together, and are applied together and once. */
export interface CommandBatch {
  /** The worker's incarnation, and the batch's number among its own. */
  readonly worker: string;
  readonly number: number;
  /** The worker has got the outcomes of its batches up to this number, so they can be removed. */
  readonly confirmed: number;
  /** How many ledgers died while they applied this batch. */
  readonly crashes: number;
  readonly commands: readonly Command[];
}

export interface MaintenanceEvents {
  /** The maintenance has done its work for this time. */
  done(): void;
  /** It failed, which does not concern what is committed. It is tried again in a second. */
  failed(error: unknown): void;
}

/** Work that a store does beside the commits, so that they stay fast. */
export interface Maintenance {
  /** The ledger calls this after each commit. */
  committed(): void;
  /** The ledger calls this when nothing waits to be written. */
  idle(): void;
  close(): Promise<void>;
}

/** Writes for the ledger. */
export interface WriteStore {
  /** Random, and made at each opening, so that it tells one ledger from the next. */
  readonly incarnation: string;
  /** As in ReadStore. */
  readonly databaseId: string;
  /**
   * Applies batches in order in one commit, which is on disk when the promise resolves. A batch that was applied before
   * gets its first outcomes and changes nothing. Batches at the end that have no outcomes were not applied, and are left
   * for the next call. When `overloaded`, a new message is refused for that. Rejects when nothing was stored.
   */
  apply(
    batches: readonly CommandBatch[],
    now: number,
    overloaded?: boolean,
  ): Promise<{ outcomes: Outcome[][]; newest: number }>;
  /** The first outcomes of a batch that was applied before. Writes nothing. */
  outcomesOf(batch: CommandBatch): readonly Outcome[] | undefined;
  /** After a commit found no space: resolves when there is enough to continue. Rejects as `apply` does. */
  probe(): Promise<void>;
  /** The newest id of the log, 0 when it is empty. */
  newest(): number;
  /** Removes a slice of what deleted groups and dead workers left. Resolves to true when there may be more. */
  purge(now: number): Promise<boolean>;
  /** The name of the photo's file, null without one, undefined when there is no such user or group. */
  photoOf(owner: PhotoOwner, id: number): string | null | undefined;
  /** Begins the maintenance, once. */
  maintain(events: MaintenanceEvents): Maintenance;
  close(): void;
}
