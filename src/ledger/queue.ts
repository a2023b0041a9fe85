import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Outcome } from '../chat/commands.js';
import type { Frame, WriteStore } from '../chat/ports.js';

const BATCH_COMMANDS_MAX = 2000;
const PURGE_EVERY_MS = 1000;
const PURGE_SOON_MS = 10;

type Answer = (outcomes: readonly Outcome[]) => void;

interface Waiting {
  readonly frame: Frame;
  readonly answer: Answer;
  readonly began: (() => void) | undefined;
}

export interface QueueEvents {
  /** A batch is on disk; called before its answers. */
  committed(newest: number): void;
  /** A batch could not be stored. Return what to answer its frames with, or exit. */
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
 * Group commit: whatever arrives while one batch is being written forms the next, in one transaction with one
 * sync. Frames of one worker stay in order. Between batches, slices of old rows are removed, and a storage that
 * takes nothing is probed.
 */
export class Queue {
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
   * `answer` is called once, with an outcome for each of the frame's commands. A frame that may be what killed
   * a ledger comes with `began`, which is called, and has a turn to be heard, before it is applied.
   */
  push(frame: Frame, answer: Answer, began?: () => void): void {
    this.#waiting.push({ frame, answer, began });
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
    const batch = this.#takeBatch();
    if (batch.length > 0) await this.#apply(batch);
    if (this.#purgeDue) await this.#purge();
    this.#running = false;
    if (this.#waiting.length > 0 || this.#purgeDue) return this.#schedule();
    this.#events.idle();
    this.#drained?.();
  }

  async #apply(batch: Waiting[]): Promise<void> {
    const refusal = this.#events.refusal();
    if (refusal !== undefined) return this.#refuse(batch, refusal);
    if (batch.some(({ began }) => began !== undefined)) {
      for (const { began } of batch) began?.();
      await nextTurn();
    }
    let applied: Awaited<ReturnType<WriteStore['apply']>>;
    try {
      applied = await this.#store.apply(
        batch.map(({ frame }) => frame),
        this.#now(),
        this.#events.overloaded(),
      );
    } catch (error) {
      return this.#refuse(batch, this.#events.failed(error));
    }
    const { outcomes, newest } = applied;
    this.#waiting.unshift(...batch.splice(outcomes.length));
    this.#events.committed(newest);
    batch.forEach(({ answer }, index) => {
      answer(outcomes[index] ?? []);
    });
  }

  /** A frame that an earlier ledger has applied is no less applied for that: it keeps its outcomes. */
  #refuse(batch: readonly Waiting[], refusal: Outcome): void {
    for (const { frame, answer } of batch) {
      answer(this.#store.outcomesOf(frame) ?? frame.commands.map(() => refusal));
    }
  }

  /** A frame that a ledger died over comes alone, so that it takes no other with it again. */
  #takeBatch(): Waiting[] {
    let commands = 0;
    let count = 0;
    for (const { frame } of this.#waiting) {
      commands += frame.commands.length;
      const alone = frame.met > 0 || (this.#waiting[0]?.frame.met ?? 0) > 0;
      if (count > 0 && (alone || commands > BATCH_COMMANDS_MAX)) break;
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
