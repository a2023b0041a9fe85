import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command, Outcome } from '../chat/commands.js';
import type { Typing } from './bus.js';
import type { Charges, QuotaChanges, QuotaKey, SharedRate } from './limits.js';

/**
 * The link: newline-delimited JSON over a unix socket between each worker and the ledger. Two versions
 * understand each other when their numbers are equal. Within one, fields and types of messages are only ever
 * added, and what an end does not know it ignores.
 */
export const LINK_VERSION = 3;

/** Batches of a worker that may be without an answer at once; the next one grows meanwhile. */
export const BATCHES_UNANSWERED_MAX = 8;
/** Commands of one batch at most: a batch of several workers stays a few milliseconds long. */
export const BATCH_COMMANDS_MAX = 500;
/** Commands that may wait in one worker; past that it refuses. */
export const COMMANDS_WAITING_MAX = 10_000;
/** A batch that was first sent longer ago is not sent again: the ledger keeps its outcomes for twice as long. */
export const REDELIVERY_MS_MAX = 30 * 60_000;
/** How often a worker says how far it has followed the log. */
export const REPORT_EVERY_MS = 250;
/** Bytes waiting towards one worker past which hints and typing are dropped; answers never are. */
export const LINK_BUFFER_BYTES_MAX = 8 * 1024 * 1024;

export type ToLedger =
  | { readonly type: 'hello'; readonly version: number; readonly worker: string }
  | {
      readonly type: 'batch';
      readonly number: number;
      /** Batches up to this number are answered: their outcomes may be forgotten. */
      readonly confirmed: number;
      /** How many ledgers had begun to apply this batch when they died. */
      readonly crashes: number;
      /** A ledger before this one took it, and died for whatever reason: this one is to say when it begins. */
      readonly redelivered?: boolean;
      readonly commands: readonly Command[];
    }
  | { readonly type: 'subscribe' | 'unsubscribe'; readonly chatId: number }
  /** How far the worker has followed the log. */
  | { readonly type: 'position'; readonly position: number }
  | { readonly type: 'typing'; readonly typing: Typing }
  | ChargesMessage
  /** The worker's sockets, all of them after each hello. */
  | { readonly type: 'sockets'; readonly counts: QuotaChanges }
  /** The worker asks for a permit of each quota for one more socket. */
  | { readonly type: 'admit'; readonly number: number; readonly keys: readonly QuotaKey[] };

/** What passed at one worker, which the others count too. */
type ChargesMessage = { readonly type: 'charges'; readonly of: SharedRate; readonly charges: Charges };

/** What a ledger says of itself: a worker works only with one whose database is its own. */
export interface Greeting {
  /** Of the database. */
  readonly schema: number;
  readonly incarnation: string;
  readonly newest: number;
}

export type ToWorker =
  | ({ readonly type: 'hello'; readonly version: number } & Greeting)
  | { readonly type: 'newest'; readonly id: number }
  /** A batch that came again is about to be applied. What kills the ledger then may be the batch. */
  | { readonly type: 'applying'; readonly number: number }
  | { readonly type: 'outcomes'; readonly number: number; readonly outcomes: readonly Outcome[] }
  /** All of a batch were new messages: so many, stored at `time` as `first` and the ids after it. */
  | {
      readonly type: 'posted';
      readonly number: number;
      readonly first: number;
      readonly count: number;
      readonly time: number;
    }
  | { readonly type: 'typing'; readonly typing: Typing }
  | ChargesMessage
  /** Without a `full` quota, the permits are given. */
  | { readonly type: 'admitted'; readonly number: number; readonly full?: QuotaKey | undefined }
  /** Workers are to ask for each permit of a crowded quota. */
  | { readonly type: 'crowded'; readonly key: QuotaKey; readonly crowded: boolean };

/** Linux takes 107 bytes for a socket's path and cuts the rest without a word. */
const SOCKET_PATH_BYTES_MAX = 100;

/** Where the ledger of a data folder listens. */
export function linkPath(dataDir: string): string {
  const path = join(resolve(dataDir), 'ledger.sock');
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return path;
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 24);
  return join(tmpdir(), `parley-${hash}.sock`);
}

/** What a batch is answered with: in short, when all of it are new messages, as they are in most batches. */
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

/** One line. */
export function encode(message: ToLedger | ToWorker): string {
  return `${JSON.stringify(message)}\n`;
}

/** Makes a reader of chunks that calls `handle` with each whole line's message. */
export function lineReader<T>(handle: (message: T) => void): (chunk: string) => void {
  let rest = '';
  return (chunk) => {
    if (!chunk.includes('\n')) {
      rest += chunk; // A long line comes in many chunks: it is looked through once, at its end.
      return;
    }
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) handle(JSON.parse(line) as T);
  };
}
