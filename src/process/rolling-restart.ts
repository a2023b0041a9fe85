import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../log.js';
import { Child, type OnUnexpectedExit } from './child.js';

export const DRAIN_MS = 10_000;
/** A replacement that is not ready after this time is given up. A ledger may have to check its database first. */
const READY_MS = 30_000;

export interface RestartedProcesses {
  readonly ledger: Child;
  /** While a worker is replaced, its replacement is in the set as well. */
  readonly workers: Set<Child>;
  readonly forkWorker: () => ChildProcess;
  /** Handles the end of a replacement that had become ready. */
  readonly onUnexpectedExit: OnUnexpectedExit;
  /** Whether all processes are being stopped, which ends a rolling restart. */
  readonly isStopping: () => boolean;
}

/** Replaces the ledger and then each worker with a new process of the build that is on disk. */
export class RollingRestart {
  readonly #log: Logger;
  readonly #processes: RestartedProcesses;
  #enabled = false;
  #requested = false;
  #running = false;

  constructor(log: Logger, processes: RestartedProcesses) {
    this.#log = log;
    this.#processes = processes;
  }

  /** All processes are started. A request that came before is served. */
  enable(): void {
    this.#enabled = true;
    if (this.#requested) void this.request();
  }

  /** Starts a rolling restart. Requests during one lead to one more after it. */
  async request(): Promise<void> {
    this.#requested = true;
    if (!this.#enabled || this.#running) return;
    this.#running = true;
    while (this.#requested && !this.#processes.isStopping()) {
      this.#requested = false;
      this.#log.info('replacing the processes, one after the other');
      const began = performance.now();
      const done = await this.#replaceAll();
      const ms = Math.round(performance.now() - began);
      if (this.#processes.isStopping()) break;
      this.#log.info({ ms }, done ? 'every process is replaced' : 'the replacement was given up');
    }
    this.#running = false;
  }

  /** The ledger is first, because a worker may rely on what the ledger of its version does. */
  async #replaceAll(): Promise<boolean> {
    const { ledger, workers, isStopping } = this.#processes;
    const ready = ledger.restart(DRAIN_MS).then(() => true);
    if (!(await Promise.race([ready, sleep(READY_MS).then(() => false)]))) {
      this.#log.error(
        { child: ledger.name },
        'the new ledger is not ready; the workers wait for it and are not replaced',
      );
      return false;
    }
    for (const worker of [...workers]) {
      if (isStopping() || !(await this.#replaceWorker(worker))) return false;
    }
    return true;
  }

  /** Starts a new worker, and stops the old one when the new one is ready. Otherwise the old one stays: false. */
  async #replaceWorker(old: Child): Promise<boolean> {
    const { workers, forkWorker, onUnexpectedExit } = this.#processes;
    const why = await new Promise<string | undefined>((resolve) => {
      const replacement = new Child(old.name, forkWorker, (child, exit, everReady) => {
        if (everReady) onUnexpectedExit(child, exit, everReady);
        else giveUp(exit);
      });
      const giveUp = (reason: string) => {
        clearTimeout(timer);
        workers.delete(replacement);
        void replacement.stop(0).then(() => resolve(reason));
      };
      const timer = setTimeout(giveUp, READY_MS, `not ready within ${READY_MS} ms`);
      workers.add(replacement);
      void replacement.start().then(() => {
        clearTimeout(timer);
        resolve(undefined);
      });
    });
    if (why !== undefined) {
      this.#log.error({ child: old.name, why }, 'a replacement did not become ready; the old process stays');
      return false;
    }
    await old.stop(DRAIN_MS);
    workers.delete(old);
    return true;
  }
}
