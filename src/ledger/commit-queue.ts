import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Outcome } from '../chat/commands.js';
import type { CommandBatch, WriteStore } from '../store/write-store.js';

const COMMIT_COMMANDS_MAX = 2000;
const PURGE_EVERY_MS = 1000;
const PURGE_SOON_MS = 10;

/** What the queue needs of the store. */
type CommittingStore = Pick<WriteStore, 'apply' | 'outcomesOf' | 'probe' | 'purge'>;

type Answer = (outcomes: readonly Outcome[]) => void;

interface QueuedBatch {
  readonly batch: CommandBatch;
  readonly answer: Answer;
  readonly applying: (() => void) | undefined;
}

export interface QueueEvents {
  /** A commit is on disk; called before its answers. */
  committed(newest: number): void;
  /** A commit could not be stored. Returns what its commands are answered with, or ends the process. */
  failed(error: unknown): Outcome;
  /** Whether workers are so far behind that new messages are refused. */
  overloaded(): boolean;
  /** What commands are answered with instead of being stored. While there is a refusal, each purge begins with a probe. */
  refusal(): Outcome | undefined;
  /** A probe found space on the disk. */
  probed(): void;
  /** The queue is empty. */
  idle(): void;
}

/**
 * Group commit: the batches that arrive while one commit is being written form the next, which is one transaction
 * with one sync. Batches of one worker stay in order. Between commits the queue removes slices of old rows, and
 * probes a storage that refuses writes.
 */
export class CommitQueue {
  readonly #store: CommittingStore;
  readonly #now: () => number;
  readonly #events: QueueEvents;
  #queued: QueuedBatch[] = [];
  #running = false;
  #closing = false;
  #purgeDue = false;
  #purgeTimer: NodeJS.Timeout | undefined;
  #onIdle: (() => void) | undefined;

  constructor(store: CommittingStore, now: () => number, events: QueueEvents) {
    this.#store = store;
    this.#now = now;
    this.#events = events;
    this.#schedulePurge(PURGE_EVERY_MS);
  }

  /**
   * `answer` is called once, with an outcome for each of the batch's commands. A batch that may have killed a ledger
   * comes with `applying`: it is called a turn of the event loop before the batch is applied, so that the worker gets
   * to know even if this ledger dies as well.
   */
  push(batch: CommandBatch, answer: Answer, applying?: () => void): void {
    this.#queued.push({ batch, answer, applying });
    this.#schedule();
  }

  /** Resolves when everything that was pushed is answered. The queue writes nothing after that. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#purgeTimer);
    if (!this.#running) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
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
    if (this.#queued.length > 0 || this.#purgeDue) return this.#schedule();
    this.#events.idle();
    this.#onIdle?.();
  }

  async #apply(commit: QueuedBatch[]): Promise<void> {
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
    this.#queued.unshift(...commit.splice(outcomes.length));
    this.#events.committed(newest);
    commit.forEach(({ answer }, index) => {
      answer(outcomes[index] ?? []);
    });
  }

  /** Batches that an earlier ledger has applied are answered with the outcomes that they had. */
  #refuse(commit: readonly QueuedBatch[], refusal: Outcome): void {
    for (const { batch, answer } of commit) {
      answer(this.#store.outcomesOf(batch) ?? batch.commands.map(() => refusal));
    }
  }

  /** A batch that crashed a ledger is a commit of its own, so that others do not fail with it again. */
  #takeCommit(): QueuedBatch[] {
    let commands = 0;
    let count = 0;
    for (const { batch } of this.#queued) {
      commands += batch.commands.length;
      const alone = batch.crashes > 0 || (this.#queued[0]?.batch.crashes ?? 0) > 0;
      if (count > 0 && (alone || commands > COMMIT_COMMANDS_MAX)) break;
      count += 1;
    }
    return this.#queued.splice(0, count);
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
