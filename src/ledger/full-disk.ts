import type { Outcome } from '../chat/commands.js';

const REFUSAL: Outcome = { error: 'storage_full' };

/** What found no space: commits, or the copying of the write-ahead log into the database. */
export type Writing = 'commit' | 'checkpoint';

/** Whether the disk is full, told once when it becomes so and once when it is well again. */
export class FullDisk {
  readonly #told: { full(): void; space(): void };
  readonly #without = new Set<Writing>();

  constructor(told: { full(): void; space(): void }) {
    this.#told = told;
  }

  /** What batches are answered with while commits find no space. Checkpoints can wait: commits still fit. */
  get refusal(): Outcome | undefined {
    return this.#without.has('commit') ? REFUSAL : undefined;
  }

  /** There was no space for it. Returns what to answer. */
  full(writing: Writing): Outcome {
    if (this.#without.size === 0) this.#told.full();
    this.#without.add(writing);
    return REFUSAL;
  }

  /** It was written. */
  wrote(writing: Writing): void {
    if (this.#without.delete(writing) && this.#without.size === 0) this.#told.space();
  }
}
