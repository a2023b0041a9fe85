import type { Logger } from '../log.js';

/**
 * Comes before the role when the primary starts a process: its end is then the primary's business. Without it,
 * the process was started by a supervisor such as pm2, and its signals mean itself.
 */
export const OF_PRIMARY = 'of-primary';

/** What a child of the primary says, and hears. */
export type FromChild = { readonly type: 'ready' };
export type ToChild = { readonly type: 'drain' };

/** What pm2 hears (`wait_ready`), and says (`shutdown_with_message`). */
const PM2_READY = 'ready';
const PM2_SHUTDOWN = 'shutdown';

/** Exit code of a ledger whose storage failed. */
export const EXIT_STORAGE = 70;

/** One whose parent died lets go of port and data folder in this time: the next parent is about to start. */
const ORPHAN_MS = 500;

/** What this process does before it ends. Until something is under way, nothing. */
let drain: () => Promise<void> = async () => undefined;
let draining = false;
let ready: unknown;

/**
 * Makes a ledger or worker end in order. One of the primary's ends when the primary says so, or, when that is
 * gone, at SIGTERM; signals that reach the whole process group are the primary's to act on. One that a
 * supervisor started ends at SIGTERM, SIGINT or SIGHUP. Any that loses its parent has no reason to live: a ledger
 * ends in order, with code 1; a worker of a cluster at once, with code 0, which is Node's doing. To be called
 * before anything else is loaded, so that no word is lost.
 */
export function becomeChild(ofPrimary: boolean): void {
  ready = ofPrimary ? ({ type: 'ready' } satisfies FromChild) : PM2_READY;
  process.on('SIGTERM', () => {
    if (!ofPrimary || !process.connected) end(0);
  });
  for (const signal of ['SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!ofPrimary) end(0);
    });
  }
  process.on('message', (message: ToChild | typeof PM2_SHUTDOWN) => {
    if (message === PM2_SHUTDOWN ? !ofPrimary : message.type === 'drain') end(0);
  });
  process.on('disconnect', () => {
    setTimeout(() => process.exit(1), ORPHAN_MS);
    end(1);
  });
}

/** Sets what to do before the end. */
export function onDrain(own: () => Promise<void>): void {
  drain = own;
}

/** Tells the parent process, when there is one that listens, that this one can serve. */
export function tellReady(): void {
  process.send?.(ready);
}

/** Whatever nobody caught is told to the log, and ends the process: the next one begins in a known state. */
export function exitOnUnexpectedError(log: Logger): void {
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
