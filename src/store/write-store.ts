import type { Command, Outcome } from '../chat/commands.js';
import type { PhotoOwner } from './photo-store.js';

/** Commands that travel, and are applied, together: in one transaction, once. */
export interface CommandBatch {
  /** The worker's incarnation, and the batch's number among its own. */
  readonly worker: string;
  readonly number: number;
  /** Batches of this worker up to this number are answered, and the worker knows it: their outcomes can go. */
  readonly confirmed: number;
  /** How many ledgers had begun to apply this batch when they died. */
  readonly crashes: number;
  readonly commands: readonly Command[];
}

export interface MaintenanceEvents {
  /** What was to be written beside the commits is written. */
  done(): void;
  /** It could not be, which takes nothing back of what is committed. It is tried again in a second. */
  failed(error: unknown): void;
}

/** What a store does beside the commits, so that they stay fast. */
export interface Maintenance {
  /** The ledger calls this after each commit. */
  committed(): void;
  /** The ledger calls this when nothing waits to be written. */
  idle(): void;
  close(): Promise<void>;
}

/** Writing, for the ledger. */
export interface WriteStore {
  /** Random, made at this opening: tells one ledger from the next. */
  readonly incarnation: string;
  /** As in ReadStore. */
  readonly databaseId: string;
  /**
   * Applies batches in order in one durable transaction. When it resolves, everything is on disk. A batch that was
   * seen before gets its first outcomes and changes nothing. Batches that are not among the outcomes (the tail)
   * were left for the next call. When `overloaded`, a message that would be stored is refused for that. Rejects
   * when nothing of it was stored.
   */
  apply(
    batches: readonly CommandBatch[],
    now: number,
    overloaded?: boolean,
  ): Promise<{ outcomes: Outcome[][]; newest: number }>;
  /** The first outcomes of a batch that was applied before, without writing anything. */
  outcomesOf(batch: CommandBatch): readonly Outcome[] | undefined;
  /** After a commit found no space: resolves when there is enough to go on. Rejects as `apply` does. */
  probe(): Promise<void>;
  /** The newest id of the log, 0 when it is empty. */
  newest(): number;
  /** Removes a slice of what deleted groups and silent workers left. Resolves to true when there is more. */
  purge(now: number): Promise<boolean>;
  /** The name of the photo's file, null without one, undefined when there is no such user or group. */
  photoOf(owner: PhotoOwner, id: number): string | null | undefined;
  /** Begins the maintenance, once. */
  maintain(events: MaintenanceEvents): Maintenance;
  close(): void;
}
