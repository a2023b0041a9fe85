import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';

const STOP_MS_MAX = 10_000;

interface Question {
  readonly ask: string;
  readonly value: unknown;
}

type Answer = { readonly value: unknown } | { readonly error: string };

/** A program in a process of its own, which is asked one thing after the other. */
export class Part {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  #ended: string | undefined;

  /** `niceness` is that of nice(1): a process with a lower one goes first. */
  constructor(program: URL, niceness = 0) {
    this.#name = program.pathname.split('/').at(-1) ?? '';
    this.#child = fork(program, { serialization: 'advanced' });
    if (niceness !== 0 && this.#child.pid !== undefined) setPriority(this.#child.pid, niceness);
    this.#child.on('message', (answer: Answer) => {
      const asker = this.#waiting.shift();
      if ('error' in answer) asker?.reject(new Error(`${this.#name}: ${answer.error}`));
      else asker?.resolve(answer.value);
    });
    this.#child.on('exit', (code, signal) => this.#end(`ended with ${code ?? signal}`));
    this.#child.on('error', (error) => this.#end(error.message));
  }

  ask<T>(ask: string, value?: unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#ended !== undefined) return reject(new Error(`${this.#name} ${this.#ended}`));
      this.#waiting.push({ resolve: resolve as (value: unknown) => void, reject });
      this.#child.send({ ask, value } satisfies Question);
    });
  }

  async stop(): Promise<void> {
    if (this.#ended !== undefined) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS_MAX);
    this.#child.disconnect();
    await ended;
    clearTimeout(timer);
  }

  #end(why: string): void {
    this.#ended = why;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${this.#name} ${why}`));
  }
}

/** Such a program's own end: it does what it is asked, one after the other, and ends with whoever asks. */
export function answer(answers: Readonly<Record<string, (value: never) => unknown>>): void {
  let before: Promise<void> = Promise.resolve();
  process.on('message', ({ ask, value }: Question) => {
    before = before.then(async () => {
      try {
        const act = answers[ask];
        if (act === undefined) throw new Error(`it cannot ${ask}`);
        process.send?.({ value: await act(value as never) } satisfies Answer);
      } catch (error) {
        process.send?.({ error: String(error) } satisfies Answer);
      }
    });
  });
  process.on('disconnect', () => process.exit(0));
}
