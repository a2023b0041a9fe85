import type { Logger } from './log.js';

/** What a child of the primary says, and hears. */
export type FromChild = { readonly type: 'ready' };
export type ToChild = { readonly type: 'drain' };

/** Exit code of a ledger whose storage failed. */
export const EXIT_STORAGE = 70;

/** What this process does before it ends. Until something is under way, nothing. */
let drain: () => Promise<void> = async () => undefined;
let draining = false;

/**
 * Makes this process end in order: when the primary says so, or, when there is none, at SIGTERM. Signals that
 * reach the whole process group are the primary's to act on. A child that loses its primary has no reason to
 * live: it drains too, with exit code 1. To be called before anything else is loaded, so that no word is lost.
 */
export function becomeChild(): void {
  process.on('SIGTERM', () => {
    if (!process.connected) end(0);
  });
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  process.on('message', (message: ToChild) => {
    if (message.type === 'drain') end(0);
  });
  process.on('disconnect', () => end(1));
}

/** Sets what to do before the end. */
export function onDrain(own: () => Promise<void>): void {
  drain = own;
}

/** Tells the parent process, when there is one that listens, that this one can serve. */
export function tellReady(): void {
  process.send?.({ type: 'ready' } satisfies FromChild);
}

/** Whatever nobody caught is told to the log, and ends the process: the next one begins in a known state. */
export function dieLoudly(log: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, `${event}: this process ends`);
      process.exit(1);
    });
  }
}

function end(exitCode: number): void {
  if (draining) return;
  draining = true;
  drain().then(
    () => process.exit(exitCode),
    () => process.exit(1),
  );
}
