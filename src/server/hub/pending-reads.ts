import type { At, Loaded } from '../../store/read-store.js';

/** A log that grows faster than the store answers makes every answer old; after so many the position stays for one. */
const OLD_ANSWERS_MAX = 2;

/** One read: `load` asks the store, and `act` gets the answer when the position is the one that it is true at. */
export interface Read<V = unknown> {
  load(): Loaded<V>;
  act(value: V): void;
  /** Gets what `load` or `act` throws, or why the read is given up. */
  failed(error: unknown): void;
}

/** The log as far as its follower has applied it. */
export interface FollowedLog {
  position(): number;
  /** Nothing may be acted on, since an entry is being applied, or a page of them is on its way. */
  isBusy(): boolean;
  /** Runs an act of a read. */
  whileBusy<T>(act: () => T): T;
  /** Follows the log in a later tick. */
  schedule(): void;
}

interface PendingRead extends Read {
  /** How many of its answers were true at a position that had passed when they came. */
  oldAnswers: number;
}

/** An answer that is true at a position further on. */
interface AnswerAhead extends At<unknown> {
  readonly read: PendingRead;
}

/** The reads that wait: for the log's end, for the store's answer, or for the position that the answer is true at. */
export class PendingReads {
  readonly #log: FollowedLog;
  /** They load when the log's end, as it was when they came, is reached. */
  readonly #waiting: PendingRead[] = [];
  /** In ascending order of their positions. */
  readonly #ahead: AnswerAhead[] = [];
  #holding = 0;
  /** Why no read is answered any more. */
  #ended: { readonly reason: unknown } | undefined;

  constructor(log: FollowedLog) {
    this.#log = log;
  }

  /** How many wait to load. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether the log has to be followed for any of them. */
  get needLog(): boolean {
    return this.#waiting.length > 0 || this.#ahead.length > 0;
  }

  /** Whether an answer is on its way for which the position has to stay where it is. */
  get holdLog(): boolean {
    return this.#holding > 0;
  }

  add({ load, act, failed }: Read): void {
    this.#wait({ load, act, failed, oldAnswers: 0 });
  }

  /** Takes a read that has loaded, and whose answer is on its way. */
  addLoaded({ load, act, failed }: Read, answer: Promise<At<unknown>>): void {
    this.#await({ load, act, failed, oldAnswers: 0 }, answer);
  }

  /** Asks the store for the first `count` that wait. */
  load(count: number): void {
    for (const read of this.#waiting.splice(0, count)) this.#load(read);
  }

  /** Acts on the answers that are true at a position up to this one. Returns whether there was any. */
  actUpTo(position: number): boolean {
    let next = this.#ahead[0];
    if (next === undefined || next.position > position) return false;
    for (; next !== undefined && next.position <= position; next = this.#ahead[0]) {
      this.#ahead.shift();
      this.#act(next.read, next.value);
    }
    return true;
  }

  /** Refuses those that wait and all that come. */
  end(reason: unknown): void {
    this.#ended = { reason };
    for (const read of this.#waiting.splice(0)) read.failed(reason);
    for (const { read } of this.#ahead.splice(0)) read.failed(reason);
  }

  #wait(read: PendingRead): void {
    if (this.#ended !== undefined) return read.failed(this.#ended.reason);
    this.#waiting.push(read);
    this.#log.schedule();
  }

  #load(read: PendingRead): void {
    let answer: Loaded<unknown>;
    try {
      answer = read.load();
    } catch (error) {
      return read.failed(error);
    }
    if (answer instanceof Promise) this.#await(read, answer);
    else this.#answered(read, answer);
  }

  #await(read: PendingRead, answer: Promise<At<unknown>>): void {
    const hold = read.oldAnswers < OLD_ANSWERS_MAX ? 0 : 1;
    this.#holding += hold;
    const came = () => {
      this.#holding -= hold;
      if (hold > 0) this.#log.schedule();
    };
    answer.then(
      (at) => {
        came();
        this.#answered(read, at);
      },
      (error: unknown) => {
        came();
        read.failed(error);
      },
    );
  }

  #answered(read: PendingRead, { value, position }: At<unknown>): void {
    if (this.#ended !== undefined) return read.failed(this.#ended.reason);
    if (position < this.#log.position()) {
      read.oldAnswers += 1;
      return this.#wait(read);
    }
    if (position === this.#log.position() && !this.#log.isBusy()) return this.#act(read, value);
    const index = this.#ahead.findLastIndex((other) => other.position <= position);
    this.#ahead.splice(index + 1, 0, { read, value, position });
    if (!this.#log.isBusy()) this.#log.schedule();
  }

  #act(read: PendingRead, value: unknown): void {
    try {
      this.#log.whileBusy(() => read.act(value));
    } catch (error) {
      read.failed(error);
    }
  }
}
