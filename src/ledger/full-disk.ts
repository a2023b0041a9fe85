import type { Outcome } from '../chat/commands.js';

const REFUSAL: Outcome = { error: 'storage_full' };

/** What is written: a commit, or the write-ahead log into the database. */
export type WriteKind = 'commit' | 'checkpoint';

export interface FullDiskEvents {
  /** The disk became full. */
  full(): void;
  /** Everything that found no space was written since. */
  space(): void;
}

/** Knows whether the disk is full, and reports each change once. */
export class FullDisk {
  readonly #events: FullDiskEvents;
  readonly #failing = new Set<WriteKind>();

  constructor(events: FullDiskEvents) {
    this.#events = events;
  }

  /** What commands are answered with while commits find no space. Without checkpoints, commits still fit. */
  get refusal(): Outcome | undefined {
    return this.#failing.has('commit') ? REFUSAL : undefined;
  }

  /** A write found no space. Returns what its commands are answered with. */
  failed(kind: WriteKind): Outcome {
    if (this.#failing.size === 0) this.#events.full();
    this.#failing.add(kind);
    return REFUSAL;
  }

  succeeded(kind: WriteKind): void {
    if (this.#failing.delete(kind) && this.#failing.size === 0) this.#events.space();
  }
}
