import type { ChildProcess } from 'node:child_process';
import type { Logger } from '../log.js';
import { Child } from './child.js';
import { forkLedger } from './fork.js';
import { EXIT_STORAGE_FAILED } from './lifecycle.js';
import { DRAIN_MS, RollingRestart } from './rolling-restart.js';

/** The ledger has at least this much of the time to drain, however long the workers took. */
const LEDGER_DRAIN_MS = 500;
/** A child that ends like this has printed its reason. */
const EXITS_EXPLAINED = ['exit code 1', `exit code ${EXIT_STORAGE_FAILED}`];

/** The ledger and the workers. The primary starts them, keeps them running, replaces them, and stops them in order. */
export class ProcessTree {
  readonly #log: Logger;
  readonly #forkWorker: () => ChildProcess;
  readonly #ledger: Child;
  /** In the order of their numbers, except while a worker and its replacement both run. */
  readonly #workers = new Set<Child>();
  readonly #rollingRestart: RollingRestart;
  #stopping = false;

  constructor(log: Logger, forkWorker: () => ChildProcess) {
    this.#log = log;
    this.#forkWorker = forkWorker;
    this.#ledger = new Child('ledger', forkLedger, this.#onUnexpectedExit);
    this.#rollingRestart = new RollingRestart(log, {
      ledger: this.#ledger,
      workers: this.#workers,
      forkWorker,
      onUnexpectedExit: this.#onUnexpectedExit,
      isStopping: () => this.#stopping,
    });
  }

  /** Resolves when all processes are ready: to false when they are being stopped already. */
  async start(workers: number): Promise<boolean> {
    await this.#ledger.start();
    if (this.#stopping) return false;
    for (let number = 1; number <= workers; number++) {
      this.#workers.add(new Child(`worker ${number}`, this.#forkWorker, this.#onUnexpectedExit));
    }
    await Promise.all([...this.#workers].map((worker) => worker.start()));
    return !this.#stopping;
  }

  /** Lets requests for a rolling restart, past and future, take effect. */
  enableRestarts(): void {
    this.#rollingRestart.enable();
  }

  restart(): void {
    void this.#rollingRestart.request();
  }

  /** Stops the workers, then the ledger, and ends this process with an exit code or by a signal. */
  async stop(exit: number | 'SIGHUP'): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const deadline = performance.now() + DRAIN_MS - LEDGER_DRAIN_MS;
    const left = () => Math.max(0, deadline - performance.now());
    await Promise.all([...this.#workers].map((worker) => worker.stop(left())));
    await this.#ledger.stop(Math.max(left(), LEDGER_DRAIN_MS));
    if (typeof exit === 'number') process.exit(exit);
    // Node aborts when it exits by itself after its terminal was closed. The signal ends it cleanly.
    process.removeAllListeners(exit).kill(process.pid, exit);
  }

  readonly #onUnexpectedExit = (child: Child, exit: string, everReady: boolean): void => {
    if (this.#stopping) return;
    const isExplained = !everReady && EXITS_EXPLAINED.includes(exit);
    if (!isExplained) this.#log.error({ child: child.name, exit }, 'a process ended unexpectedly');
    // A process that never became ready would fail in the same way again.
    if (!everReady) void this.stop(1);
  };
}
