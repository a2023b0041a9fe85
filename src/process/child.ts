import type { ChildProcess } from 'node:child_process';
import { EXIT_STORAGE, type FromChild, type ToChild } from './lifecycle.js';

const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 5000;
/** A disk that failed is not tried again at once. */
const RESTART_AFTER_STORAGE_FAILURE_MS = 1000;

const STORAGE_FAILED = `exit code ${EXIT_STORAGE}`;

/** Hears of every end that nobody asked for. `everReady`: whether any start of this child became ready. */
export type OnEnd = (child: Child, exit: string, everReady: boolean) => void;

/** One process of the primary's tree, started again whenever it ends. */
export class Child {
  readonly name: string;
  readonly #start: () => ChildProcess;
  readonly #onEnd: OnEnd;
  #process: ChildProcess | undefined;
  #stopping = false;
  #restarting = false;
  #ready = false;
  #everReady = false;
  /** Starts in a row that never became ready: only those are held back. */
  #failedStarts = 0;
  #waiting: (() => void)[] = [];

  constructor(name: string, start: () => ChildProcess, onEnd: OnEnd) {
    this.name = name;
    this.#start = start;
    this.#onEnd = onEnd;
  }

  /**
   * Resolves when the process is ready for the first time; it is started again for as long as it takes. Never
   * resolves once `stop` was called.
   */
  start(): Promise<void> {
    this.#launch();
    return this.#nextReady();
  }

  /** Asks the process to drain, and starts it anew when it has ended. Resolves when that one is ready. */
  async restart(deadlineMs: number): Promise<void> {
    this.#restarting = true;
    await this.#drain(deadlineMs);
    await this.#nextReady();
  }

  /** Asks the process to drain. Resolves when it has ended, by itself or, at the deadline, by SIGKILL. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    await this.#drain(deadlineMs);
  }

  #nextReady(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #drain(deadlineMs: number): Promise<void> {
    const child = this.#process;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      // One that is not ready has taken nothing yet.
      if (!this.#ready) child.kill('SIGKILL');
      else if (child.connected) child.send({ type: 'drain' } satisfies ToChild);
      else child.kill('SIGTERM');
    });
  }

  #launch(): void {
    const child = this.#start();
    this.#process = child;
    this.#ready = false;
    this.#restarting = false;
    child.on('message', (message: FromChild) => {
      // One that is being stopped may say so while SIGKILL is on its way.
      if (message.type !== 'ready' || this.#stopping) return;
      this.#ready = true;
      this.#everReady = true;
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
    child.on('exit', (code, signal) => this.#ended(signal ?? `exit code ${code}`));
    child.on('error', (error) => {
      if (child.pid === undefined) this.#ended(`not started: ${error.message}`); // Otherwise `exit` follows.
    });
  }

  #ended(exit: string): void {
    if (this.#stopping) return;
    if (this.#restarting) return this.#launch();
    this.#failedStarts = this.#ready ? 0 : this.#failedStarts + 1;
    this.#onEnd(this, exit, this.#everReady);
    if (this.#stopping) return;
    const backOff = this.#ready
      ? 0
      : Math.min(RESTART_MS_MIN * 2 ** (this.#failedStarts - 1), RESTART_MS_MAX);
    const wait = exit === STORAGE_FAILED ? Math.max(backOff, RESTART_AFTER_STORAGE_FAILURE_MS) : backOff;
    setTimeout(() => {
      if (!this.#stopping) this.#launch();
    }, wait);
  }
}
