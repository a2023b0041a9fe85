import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Outcome } from '../chat/commands.js';
import type { CommandBatch, WriteStore } from '../store/write-store.js';

const COMMIT_COMMANDS_MAX = 2000;
const PURGE_EVERY_MS = 1000;
const PURGE_SOON_MS = 10;

type Answer = (outcomes: readonly Outcome[]) => void;

interface Waiting {
  readonly batch: CommandBatch;
  readonly answer: Answer;
  readonly applying: (() => void) | undefined;
}

export interface QueueEvents {
  /** A commit is on disk; called before its answers. */
  committed(newest: number): void;
  /** A commit could not be stored. Return what to answer its batches with, or exit. */
  failed(error: unknown): Outcome;
  /** Whether workers are too far behind for new messages. */
  overloaded(): boolean;
  /** What to answer instead of trying to store; as long as there is something, each second is a probe. */
  refusal(): Outcome | undefined;
  /** A probe found space. */
  probed(): void;
  /** Nothing waits. */
  idle(): void;
}

/**
 * Group commit: whatever arrives while one commit is being written forms the next, in one transaction with one
 * sync. Batches of one worker stay in order. Between commits, slices of old rows are removed, and a storage that
 * takes nothing is probed.
 */
export class CommitQueue {
  readonly #store: WriteStore;
  readonly #now: () => number;
  readonly #events: QueueEvents;
  #waiting: Waiting[] = [];
  #running = false;
  #closing = false;
  #purgeDue = false;
  #purgeTimer: NodeJS.Timeout | undefined;
  #drained: (() => void) | undefined;

  constructor(store: WriteStore, now: () => number, events: QueueEvents) {
    this.#store = store;
    this.#now = now;
    this.#events = events;
    this.#schedulePurge(PURGE_EVERY_MS);
  }

  /**
   * `answer` is called once, with an outcome for each of the batch's commands. A batch that may be what killed
   * a ledger comes with `applying`, which is called, and has a turn to be heard, before it is applied.
   */
  push(batch: CommandBatch, answer: Answer, applying?: () => void): void {
    this.#waiting.push({ batch, answer, applying });
    this.#schedule();
  }

  /** Resolves when everything that was pushed is answered; then the queue writes nothing more. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#purgeTimer);
    if (!this.#running) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
  }

  #schedule(): void {
    if (this.#running) return;
    this.#running = true;
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    const commit = this.#takeCommit();
    if (commit.length > 0) await this.#apply(commit);
    if (this.#purgeDue) await this.#purge();
    this.#running = false;
    if (this.#waiting.length > 0 || this.#purgeDue) return this.#schedule();
    this.#events.idle();
    this.#drained?.();
  }

  async #apply(commit: Waiting[]): Promise<void> {
    const refusal = this.#events.refusal();
    if (refusal !== undefined) return this.#refuse(commit, refusal);
    if (commit.some(({ applying }) => applying !== undefined)) {
      for (const { applying } of commit) applying?.();
      await nextTurn();
    }
    let applied: Awaited<ReturnType<WriteStore['apply']>>;
    try {
      applied = await this.#store.apply(
        commit.map(({ batch }) => batch),
        this.#now(),
        this.#events.overloaded(),
      );
    } catch (error) {
      return this.#refuse(commit, this.#events.failed(error));
    }
    const { outcomes, newest } = applied;
    this.#waiting.unshift(...commit.splice(outcomes.length));
    this.#events.committed(newest);
    commit.forEach(({ answer }, index) => {
      answer(outcomes[index] ?? []);
    });
  }

  /** A batch that an earlier ledger has applied is no less applied for that: it keeps its outcomes. */
  #refuse(commit: readonly Waiting[], refusal: Outcome): void {
    for (const { batch, answer } of commit) {
      answer(this.#store.outcomesOf(batch) ?? batch.commands.map(() => refusal));
    }
  }

  /** A batch that a ledger died over comes alone, so that it takes no other with it again. */
  #takeCommit(): Waiting[] {
    let commands = 0;
    let count = 0;
    for (const { batch } of this.#waiting) {
      commands += batch.commands.length;
      const alone = batch.crashes > 0 || (this.#waiting[0]?.batch.crashes ?? 0) > 0;
      if (count > 0 && (alone || commands > COMMIT_COMMANDS_MAX)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #purge(): Promise<void> {
    this.#purgeDue = false;
    let more = false;
    try {
      if (this.#events.refusal() !== undefined) {
        await this.#store.probe();
        this.#events.probed();
      }
      more = await this.#store.purge(this.#now());
    } catch (error) {
      this.#events.failed(error);
    }
    this.#schedulePurge(more ? PURGE_SOON_MS : PURGE_EVERY_MS);
  }

  #schedulePurge(ms: number): void {
    if (this.#closing) return;
    this.#purgeTimer = setTimeout(() => {
      this.#purgeDue = true;
      this.#schedule();
    }, ms).unref();
  }
}
