import type { Command, Outcome } from '../chat/commands.js';

/** Commands that travel, and are applied, together: in one transaction, once. */
export interface CommandBatch {
  /** The worker's incarnation, and the frame's number among its own. */
  readonly worker: string;
  readonly number: number;
  /** Frames of this worker up to here are answered and known to be: their outcomes can go. */
  readonly confirmed: number;
  /** How many ledgers had begun to apply this frame when they died. */
  readonly crashes: number;
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
    frames: readonly CommandBatch[],
    now: number,
    overloaded?: boolean,
  ): Promise<{ outcomes: Outcome[][]; newest: number }>;
  /** The first outcomes of a frame that was applied before, without writing anything. */
  outcomesOf(frame: CommandBatch): readonly Outcome[] | undefined;
  /** After a batch found no space: resolves when there is enough to go on. Rejects as `apply` does. */
  probe(): Promise<void>;
  newest(): number;
  /** Removes a slice of what deleted groups and silent workers left. Resolves to true when there is more. */
  purge(now: number): Promise<boolean>;
  close(): void;
}
