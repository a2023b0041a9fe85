import { openFile, strings } from './trace.js';
import type { Post, Recording } from './workload.js';

const FRAME_HEADER_BYTES = 24;
/** In a frame's header: the database's size in pages when the frame ends a transaction, otherwise 0. */
const COMMIT_AT = 4;
const TOKEN = /#(\d+)#/g;

export interface Hasty {
  /** Answers that left before their message's transaction was synced, and hints at such messages. */
  acknowledgements: number;
  hints: number;
}

/**
 * Follows each message through the trace: the frame of the write-ahead log with its text, the end of the frame
 * that commits its transaction, a sync that begins after that; and only then an answer or a hint may begin.
 */
export function hasty({ calls, starts, acknowledged, hinted }: Recording): Hasty {
  const durableAt = durability(calls, starts);
  const since = (post: Post) => durableAt.get(tokenOf(post)) ?? Number.POSITIVE_INFINITY;
  const found = { acknowledgements: 0, hints: 0 };
  /** Of all messages up to an id, the last moment at which one became durable. */
  const all = new Map(acknowledged.map(({ id, post }) => [id, since(post)]));
  const ids = [...all.keys()].sort((a, b) => a - b);
  for (const { at, post } of acknowledged) if (since(post) >= at) found.acknowledgements += 1;
  for (const { at, newest } of hinted) {
    if (ids.some((id) => id <= newest && (all.get(id) ?? 0) >= at)) found.hints += 1;
  }
  return found;
}

/** The line at which the first sync that covers a message's transaction had returned, by the message's token. */
function durability(calls: Recording['calls'], starts: readonly number[]): Map<string, number> {
  const durable = new Map<string, number>();
  let written = new Set<string>();
  /** Committed, with the line at which the commit was in the file. */
  const committed = new Map<string, number>();
  let ending = false;
  let next = 1;
  for (const call of calls) {
    if (call.begun >= (starts[next] ?? Number.POSITIVE_INFINITY)) {
      next += 1;
      written = new Set(); // What the last ledger did not commit is gone, and comes again.
    }
    if (!openFile(call)?.endsWith('parley.db-wal')) continue;
    if (call.name === 'pwrite64' && call.result !== undefined) {
      const data = strings(call)[0] ?? Buffer.alloc(0);
      if (data.length === FRAME_HEADER_BYTES) {
        ending = data.readUInt32BE(COMMIT_AT) !== 0;
        continue;
      }
      for (const [, token = ''] of data.toString('latin1').matchAll(TOKEN)) {
        if (!durable.has(token) && !committed.has(token)) written.add(token);
      }
      if (!ending) continue;
      for (const token of written) committed.set(token, call.ended);
      written = new Set();
      ending = false;
    } else if ((call.name === 'fsync' || call.name === 'fdatasync') && call.result === 0) {
      for (const [token, end] of committed) {
        if (end >= call.begun) continue;
        durable.set(token, call.ended);
        committed.delete(token);
      }
    }
  }
  return durable;
}

function tokenOf({ text }: Post): string {
  return text.split('#', 2)[1] ?? '';
}
