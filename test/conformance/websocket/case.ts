import type { DeviationName } from './deviations.js';

/** How the bytes of a case reach the server. */
export type Manner =
  /** All frames in one write. */
  | 'in one write'
  /** Each frame in a write of its own. */
  | 'frame by frame'
  /** Each frame when there is an answer to the one before. */
  | 'answer by answer'
  | 'byte by byte'
  /** In two writes: at every place between two bytes, each on a connection of its own. */
  | 'cut at every place';

export interface Case {
  /** What the client sends, in words. */
  readonly what: string;
  /** Of RFC 6455. */
  readonly section: string;
  readonly sends: readonly Buffer[];
  /** One after the other; in one write unless given. */
  readonly manners?: readonly Manner[];
  /** The client then ends its side of the connection. */
  readonly leaves?: true;
  /**
   * What the RFC, and the contract for what is an application's frame, have the server do. Unless the last step is
   * an end (`close …`, `cut`, `fails …`) the connection stays, and takes a message.
   */
  readonly gets: readonly string[];
  /** Messages that were taken although nobody was left to hear the echo; those of `gets` unless given. */
  readonly stored?: readonly string[];
  /** What the server does instead, and under which name that is known. */
  readonly deviates?: { readonly as: DeviationName; readonly gets: readonly string[] };
}

/** What is to be seen of this server, when nothing has changed. */
export function pinned({ gets, deviates }: Case): readonly string[] {
  if (deviates !== undefined) return deviates.gets;
  return gets.map((step) => (step.startsWith('fails ') ? 'cut' : step)); // See `cut instead of closed`.
}

export function isEnd(step: string | undefined): boolean {
  return step !== undefined && /^(close|cut|fails)\b/.test(step);
}

export function titleOf({ what, section, gets, deviates }: Case): string {
  const result = (deviates?.gets ?? gets).map((step) => (step.length > 40 ? `${step.slice(0, 40)}…` : step));
  const outcome = result.length > 4 ? `${result.length} answers` : result.join(', ') || 'nothing';
  return `${what} → ${outcome} (${section}${deviates === undefined ? '' : `; deviates: ${deviates.as}`})`;
}

/** The writes of a case in one manner, for each connection that it takes. */
export function writesOf(frames: readonly Buffer[], manner: Manner): (readonly Buffer[])[] {
  const bytes = Buffer.concat(frames);
  switch (manner) {
    case 'in one write':
      return [[bytes]];
    case 'frame by frame':
    case 'answer by answer':
      return [frames];
    case 'byte by byte':
      return [Array.from(bytes, (byte) => Buffer.from([byte]))];
    case 'cut at every place':
      return Array.from({ length: bytes.length - 1 }, (_, n) => [
        bytes.subarray(0, n + 1),
        bytes.subarray(n + 1),
      ]);
  }
}
