import type { Finding } from './sockets.js';
import type { Late, Watch } from './stage.js';

const BLOCKED_MS_MAX = 50;
/** When the idle control was late itself by this much, the machine stood still. */
const CONTROL_LATE_MS = 20;
const MEMORY_MAX = 64 * 1024 * 1024;

/** What was sent. */
export interface Counts {
  readonly frames: number;
  readonly requests: number;
  readonly uploads: number;
}

export interface Outcome {
  readonly seed: number;
  readonly counts: Counts;
  readonly seconds: number;
  readonly findings: readonly Finding[];
  /** What was left behind, or stood still: each a sentence. */
  readonly problems: readonly string[];
  readonly rows: number;
  /** Rows of inputs whose answer the client did not wait for. */
  readonly unheard: number;
  /** Times that a worker's event loop was late while the machine stood still. */
  readonly setAside: number;
  readonly warm: readonly Watch[];
  readonly during: readonly Watch[];
  readonly after: readonly Watch[];
}

/** How long a process held its own event loop: what it was late by, without what it had no processor for. */
function heldMs({ delay, waited, stolen }: Late): number {
  return delay - waited - stolen;
}

function blockedMs({ late }: Watch): number {
  return Math.max(0, ...late.map(heldMs));
}

/**
 * The workers' event loops, by the watch inside them. Being late counts in full, but for the time in which the thread
 * was ready and the system gave it no processor, or the host the system. What overlaps with a time in which the idle control was late too is
 * set aside: the machine stood still.
 */
export function blocksOf(watches: readonly Watch[]): { blocks: string[]; setAside: number } {
  const still = watches
    .filter(({ role }) => role === 'control')
    .flatMap(({ late }) => late)
    .filter(({ delay }) => delay > CONTROL_LATE_MS);
  const long = watches
    .filter(({ role }) => role === 'worker')
    .flatMap(({ late }) => late)
    .filter((turn) => heldMs(turn) > BLOCKED_MS_MAX);
  const own = long.filter(
    ({ at, delay }) => !still.some((other) => other.at - other.delay < at && at - delay < other.at),
  );
  const blocks = own.map(
    (turn) =>
      `a worker's event loop was blocked for ${round(heldMs(turn))} ms (${round(turn.ran)} ms of them on a processor)`,
  );
  return { blocks, setAside: long.length - own.length };
}

/** What does not go back to where it was after the warm-up. */
export function growthOf(before: readonly Watch[], after: readonly Watch[]): string[] {
  return after.flatMap((watch, index) => {
    const first = before[index];
    if (first === undefined || watch.role === 'control') return [];
    const grown = watch.rss - first.rss;
    const opened = watch.descriptors - first.descriptors;
    return [
      ...(grown > MEMORY_MAX ? [`a ${watch.role} holds ${round(grown / 1024 / 1024)} MiB more`] : []),
      ...(opened > 0 ? [`a ${watch.role} has ${opened} more files open`] : []),
    ];
  });
}

export function markdown({
  seed,
  counts,
  seconds,
  findings,
  problems,
  rows,
  unheard,
  setAside,
  warm,
  during,
  after,
}: Outcome): string {
  const mib = (bytes: number | undefined) => String(round((bytes ?? 0) / 1024 / 1024));
  const processes = during.map((watch, index) => {
    const cells = [
      watch.role,
      String(round(blockedMs(watch))),
      String(round(watch.max)),
      String(round(watch.p99)),
      mib(warm[index]?.rss),
      mib(after[index]?.rss),
      `${warm[index]?.descriptors} → ${after[index]?.descriptors}`,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return `${[
    '# Fuzz',
    '',
    `Seed ${seed}: ${n(counts.frames)} frames, ${n(counts.requests)} requests and ${n(counts.uploads)} multipart bodies in ${Math.round(seconds)} s, on Node ${process.version}.`,
    '',
    `${n(rows)} rows are stored, each of a valid input (${unheard} of inputs whose answer was not waited for); findings: ${findings.length}; other problems: ${problems.length}.`,
    '',
    ...findings.map(({ kind, number, what }) => `- ${kind}, number ${number}: ${what}`),
    ...problems.map((problem) => `- ${problem}`),
    '',
    '| process | event loop blocked, ms at most | late, ms at most | late, ms p99 | MiB after the warm-up | MiB after all | files |',
    '|---|---|---|---|---|---|---|',
    ...processes,
    '',
    '`blocked` is `late` without the time in which the thread was ready and had no processor, or the machine had none of its host. The control is a process that does nothing beside them.',
    `A worker was late by more than ${BLOCKED_MS_MAX} ms ${setAside} times while the control was late too, which does not count.`,
  ].join('\n')}\n`;
}

function n(count: number): string {
  return count.toLocaleString('en');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
