import cluster from 'node:cluster';
import type { Logger } from './log.js';

/** What a child of the primary says, and hears. */
export type FromChild = { readonly type: 'ready' };
export type ToChild = { readonly type: 'drain' };

/** Whatever nobody caught is told to the log, and ends the process: the next one begins in a known state. */
export function dieLoudly(log: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, `${event}: this process ends`);
      process.exit(1);
    });
  }
}

/** Exit code of a process that storage failed under; the ledger checks the database at its next start. */
export const EXIT_STORAGE = 70;

/** Tells the parent process, when there is one that listens, that this one can serve. */
export function tellReady(): void {
  process.send?.({ type: 'ready' } satisfies FromChild);
}

/**
 * Runs `drain` once when this process is to stop: the primary says so, or SIGTERM comes. SIGINT and SIGHUP
 * reach the whole process group and are the primary's to act on. A child without its primary has no reason
 * to live: it drains too, with exit code 1.
 */
export function onDrain(drain: () => Promise<void>): void {
  let draining = false;
  const begin = (exitCode: number) => {
    if (draining) return;
    draining = true;
    drain().then(
      () => process.exit(exitCode),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', () => begin(0));
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  process.on('message', (message: ToChild) => {
    if (message.type === 'drain') begin(0);
  });
  if (!cluster.isWorker) process.on('disconnect', () => begin(1));
}
