import type { Logger } from '../log.js';

/**
 * The argument that comes before the role when the primary starts a process: the primary then decides when it ends.
 * Without the argument, a supervisor such as pm2 started the process, and signals are meant for the process itself.
 */
export const STARTED_BY_PRIMARY = 'of-primary';

/** What a child sends to the primary, and the primary to a child. */
export type ChildMessage = { readonly type: 'ready' };
export type PrimaryMessage = { readonly type: 'drain' };

/** What a process sends to pm2 (`wait_ready`), and pm2 to a process (`shutdown_with_message`). */
const PM2_READY = 'ready';
const PM2_SHUTDOWN = 'shutdown';

/** The exit code of a ledger whose storage failed. */
export const EXIT_STORAGE_FAILED = 70;

/** After its parent died, a process frees port and data folder within this time, because the next parent may start at once. */
const ORPHAN_MS = 500;

/** The parent at the start. When it ends, another takes its place. */
const PARENT = process.ppid;
const PARENT_EVERY_MS = 250;

/** Runs before the process ends. */
let drain: () => Promise<void> = async () => undefined;
/** Runs at the signals that end a primary. */
let stop: () => void = () => process.exit(0);
let draining = false;
let readyMessage: unknown;

/**
 * Makes a ledger or worker drain before it ends. A child of the primary ends when the primary says so or, without a
 * primary, at SIGTERM; signals that reach the whole process group are the primary's to handle. A process that a
 * supervisor started ends at SIGTERM, SIGINT or SIGHUP. A process that loses its parent ends too: a ledger drains and
 * exits with code 1; Node ends a worker of a cluster at once, with code 0. Call this before anything else is loaded,
 * so that no signal or message is missed.
 */
export function drainOnStop(isChildOfPrimary: boolean): void {
  readyMessage = isChildOfPrimary ? ({ type: 'ready' } satisfies ChildMessage) : PM2_READY;
  process.on('SIGTERM', () => {
    if (!isChildOfPrimary || !process.connected) drainAndExit(0);
  });
  for (const signal of ['SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!isChildOfPrimary) drainAndExit(0);
    });
  }
  process.on('message', (message: PrimaryMessage | typeof PM2_SHUTDOWN) => {
    if (message === PM2_SHUTDOWN ? !isChildOfPrimary : message.type === 'drain') drainAndExit(0);
  });
  process.on('disconnect', () => {
    setTimeout(() => process.exit(1), ORPHAN_MS);
    drainAndExit(1);
  });
}

/**
 * Lets SIGTERM and SIGINT end a primary that has begun nothing yet. Process 1 of a container would not even see them.
 * Call this before anything else is loaded; `onStop` says what is to be done later.
 */
export function exitOnStop(): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop());
}

/** Sets what a primary does at SIGTERM and SIGINT. */
export function onStop(handler: () => void): void {
  stop = handler; // A listener that took the place of another would miss a signal that came before both.
}

/** Calls `gone` when the parent of this process has ended. */
export function onParentGone(gone: () => void): void {
  const timer = setInterval(() => {
    if (process.ppid === PARENT) return;
    clearInterval(timer);
    gone();
  }, PARENT_EVERY_MS).unref();
}

/** Sets what the process does before it ends. */
export function onDrain(handler: () => Promise<void>): void {
  drain = handler;
}

/** Tells the parent process, if there is one that listens, that this process can serve. */
export function notifyReady(): void {
  process.send?.(readyMessage);
}

/** Logs an error that nothing caught and ends the process, because the next one starts in a known state. */
export function exitOnUnexpectedError(log: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, `${event}: this process ends`);
      process.exit(1);
    });
  }
}

function drainAndExit(exitCode: number): void {
  if (draining) return;
  draining = true;
  drain().then(
    () => process.exit(exitCode),
    () => process.exit(1),
  );
}
