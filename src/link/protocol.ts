import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command, Outcome } from '../chat/commands.js';
import type { Typing } from './bus.js';
import type { Charges, QuotaChanges, QuotaKey, SharedRate } from './limits.js';

/**
 * The version of the link: newline-delimited JSON over a unix socket between each worker and the ledger. Fields and
 * types of messages may be added within a version, because both ends ignore what they do not know. Any other change
 * needs a new number. A worker and a ledger with different numbers do not work together: the ledger answers the hello
 * with its own number and ends the connection, the worker ends itself, and its supervisor starts it again from the new
 * files. Therefore an update that changes the number restarts all workers at once instead of one after the other.
 */
export const LINK_VERSION = 3;

/** Batches of one worker that may be unanswered at once. The next batch grows meanwhile. */
export const BATCHES_UNANSWERED_MAX = 8;
/** Commands of one batch at most. The bound keeps a commit of several workers' batches a few milliseconds long. */
export const BATCH_COMMANDS_MAX = 500;
/** Commands without an outcome that one worker may have. It refuses more. */
export const COMMANDS_PENDING_MAX = 10_000;
/** A batch that was first sent longer ago is not redelivered. The ledger keeps outcomes for twice as long. */
export const REDELIVERY_MS_MAX = 30 * 60_000;
/** How often a worker reports how far it has followed the log. */
export const REPORT_EVERY_MS = 250;
/** With more bytes than this unread by a worker, hints and typing for it are dropped. Answers are never dropped. */
export const LINK_BUFFER_BYTES_MAX = 8 * 1024 * 1024;

export type ToLedger =
  | { readonly type: 'hello'; readonly version: number; readonly worker: string }
  | BatchMessage
  | { readonly type: 'subscribe' | 'unsubscribe'; readonly chatId: number }
  /** How far the worker has followed the log. */
  | { readonly type: 'position'; readonly position: number }
  | { readonly type: 'typing'; readonly typing: Typing }
  | ChargesMessage
  /** Changes of the worker's numbers of open sockets. After each hello it counts all of them. */
  | { readonly type: 'sockets'; readonly counts: QuotaChanges }
  /** Asks whether one more socket may count for each of the keys. */
  | { readonly type: 'admit'; readonly number: number; readonly keys: readonly QuotaKey[] };

export interface BatchMessage {
  readonly type: 'batch';
  readonly number: number;
  /** Batches up to this number are answered: their outcomes may be forgotten. */
  readonly confirmed: number;
  /** How many ledgers had begun to apply this batch when they died. */
  readonly crashes: number;
  /** An earlier ledger got this batch and did not answer. This ledger sends `applying` before it applies the batch. */
  readonly redelivered?: boolean;
  readonly commands: readonly Command[];
}

/** What a rate limit let pass at one worker. The other workers count it too. */
export interface ChargesMessage {
  readonly type: 'charges';
  readonly of: SharedRate;
  readonly charges: Charges;
}

/** How a ledger introduces itself. A worker accepts only the ledger of its own database. */
export interface Greeting {
  /** The schema version of the database. */
  readonly schema: number;
  readonly incarnation: string;
  /** The newest id of the log. */
  readonly newest: number;
}

export type ToWorker =
  | ({ readonly type: 'hello'; readonly version: number } & Greeting)
  | { readonly type: 'newest'; readonly id: number }
  /** A redelivered batch is about to be applied. If the ledger dies then, the batch may be the cause. */
  | { readonly type: 'applying'; readonly number: number }
  | { readonly type: 'outcomes'; readonly number: number; readonly outcomes: readonly Outcome[] }
  /** All commands of a batch stored new messages, at `time`, with consecutive ids from `first` on. */
  | {
      readonly type: 'posted';
      readonly number: number;
      readonly first: number;
      readonly count: number;
      readonly time: number;
    }
  | { readonly type: 'typing'; readonly typing: Typing }
  | ChargesMessage
  /** `full` is the key that is at its limit. Without it, the socket is counted for every key. */
  | { readonly type: 'admitted'; readonly number: number; readonly full?: QuotaKey | undefined }
  /** While a key is crowded, workers ask for each of its sockets. */
  | { readonly type: 'crowded'; readonly key: QuotaKey; readonly crowded: boolean };

/** Linux takes 107 bytes of a socket's path and silently cuts the rest. */
const SOCKET_PATH_BYTES_MAX = 100;

/** The path of the socket on which the ledger of a data folder listens. */
export function linkPath(dataDir: string): string {
  const path = join(resolve(dataDir), 'ledger.sock');
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return path;
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 24);
  return join(tmpdir(), `parley-${hash}.sock`);
}

/** The answer to a batch, in the short form when all its commands stored new messages, as in most batches. */
export function answerTo(number: number, outcomes: readonly Outcome[]): ToWorker {
  const head = outcomes[0];
  if (head === undefined || !('ok' in head) || !('time' in head.ok))
    return { type: 'outcomes', number, outcomes };
  const { id: first, time } = head.ok;
  const isRun = outcomes.every(
    (outcome, index) =>
      'ok' in outcome && 'time' in outcome.ok && outcome.ok.id === first + index && outcome.ok.time === time,
  );
  return isRun
    ? { type: 'posted', number, first, count: outcomes.length, time }
    : { type: 'outcomes', number, outcomes };
}

/** A message as one line. */
export function encode(message: ToLedger | ToWorker): string {
  return `${JSON.stringify(message)}\n`;
}

/** Returns a function that takes chunks of text and calls `handle` with the message of each complete line. */
export function lineReader<T>(handle: (message: T) => void): (chunk: string) => void {
  let rest = '';
  return (chunk) => {
    if (!chunk.includes('\n')) {
      rest += chunk; // A long line comes in many chunks, and is split only once, at its end.
      return;
    }
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) handle(JSON.parse(line) as T);
  };
}
