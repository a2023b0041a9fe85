import type { ChildProcess } from 'node:child_process';
import { type ChildMessage, EXIT_STORAGE_FAILED, type PrimaryMessage } from './lifecycle.js';

const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 5000;
/** A ledger whose storage failed is started again after this time at the earliest. */
const RESTART_AFTER_STORAGE_FAILURE_MS = 1000;

const STORAGE_FAILED = `exit code ${EXIT_STORAGE_FAILED}`;

/** Is called when a process ends unasked. `everReady`: whether any process of this child became ready. */
export type OnUnexpectedExit = (child: Child, exit: string, everReady: boolean) => void;

/** Supervises one process of the primary's tree: starts it again whenever it ends. */
export class Child {
  readonly name: string;
  readonly #start: () => ChildProcess;
  readonly #onUnexpectedExit: OnUnexpectedExit;
  #process: ChildProcess | undefined;
  #stopping = false;
  #restarting = false;
  #ready = false;
  #everReady = false;
  /** Starts in a row that did not become ready. Only after these the next start is delayed. */
  #failedStarts = 0;
  #awaitingReady: (() => void)[] = [];

  constructor(name: string, start: () => ChildProcess, onUnexpectedExit: OnUnexpectedExit) {
    this.name = name;
    this.#start = start;
    this.#onUnexpectedExit = onUnexpectedExit;
  }

  /**
   * Resolves when the process is ready, after as many starts as it takes. Never resolves after `stop` was called.
   */
  start(): Promise<void> {
    this.#launch();
    return this.#nextReady();
  }

  /** Asks the process to drain, and starts the next when it has ended. Resolves when the next is ready. */
  async restart(deadlineMs: number): Promise<void> {
    this.#restarting = true;
    await this.#drain(deadlineMs);
    await this.#nextReady();
  }

  /** Asks the process to drain, and kills it at the deadline. Resolves when it has ended. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    await this.#drain(deadlineMs);
  }

  #nextReady(): Promise<void> {
    return new Promise((resolve) => this.#awaitingReady.push(resolve));
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
      // A process that is not ready has no work to finish.
      if (!this.#ready) child.kill('SIGKILL');
      else if (child.connected) child.send({ type: 'drain' } satisfies PrimaryMessage);
      else child.kill('SIGTERM');
    });
  }

  #launch(): void {
    const child = this.#start();
    this.#process = child;
    this.#ready = false;
    this.#restarting = false;
    child.on('message', (message: ChildMessage) => {
      // A process may become ready while SIGKILL is on its way.
      if (message.type !== 'ready' || this.#stopping) return;
      this.#ready = true;
      this.#everReady = true;
      for (const resolve of this.#awaitingReady.splice(0)) resolve();
    });
    child.on('exit', (code, signal) => this.#onExit(signal ?? `exit code ${code}`));
    child.on('error', (error) => {
      if (child.pid === undefined) this.#onExit(`not started: ${error.message}`); // Otherwise `exit` follows.
    });
  }

  #onExit(exit: string): void {
    if (this.#stopping) return;
    if (this.#restarting) return this.#launch();
    this.#failedStarts = this.#ready ? 0 : this.#failedStarts + 1;
    this.#onUnexpectedExit(this, exit, this.#everReady);
    if (this.#stopping) return;
    const backOff = this.#ready
      ? 0
      : Math.min(RESTART_MS_MIN * 2 ** (this.#failedStarts - 1), RESTART_MS_MAX);
    const delay = exit === STORAGE_FAILED ? Math.max(backOff, RESTART_AFTER_STORAGE_FAILURE_MS) : backOff;
    setTimeout(() => {
      if (!this.#stopping) this.#launch();
    }, delay);
  }
}
