import type { MaybePromise } from '../../src/maybe-promise.js';
import type { ReadStore } from '../../src/store/read-store.js';
import { overStore } from './over-store.js';
import { turns } from './wait.js';

type Question =
  | 'log'
  | 'user'
  | 'chatFor'
  | 'memberFor'
  | 'newestFor'
  | 'entriesFor'
  | 'roomsOf'
  | 'groupsOf';

/** A store whose answers are as of the question, and come when the test says so. Other questions are answered at once. */
export class HeldStore {
  readonly read: ReadStore;
  /** The questions that were asked, in their order. */
  readonly asked: Question[] = [];
  readonly #held = new Map<Question, (() => void)[]>();

  constructor(read: ReadStore, questions: readonly Question[]) {
    const hold =
      <A extends unknown[], T>(question: Question, ask: (...args: A) => MaybePromise<T>) =>
      (...args: A): Promise<T> => {
        this.asked.push(question);
        const answer = ask.apply(read, args);
        return new Promise((resolve) => {
          const held = this.#held.get(question) ?? [];
          this.#held.set(question, held);
          held.push(() => resolve(answer));
        });
      };
    const answers = questions.map((question) => [question, hold(question, read[question] as never)]);
    this.read = overStore(read, Object.fromEntries(answers));
  }

  /** Gives the answers to all such questions that were asked until now, and lets everybody go on. */
  async answer(question: Question): Promise<void> {
    for (const give of this.#held.get(question)?.splice(0) ?? []) give();
    await turns();
  }
}
