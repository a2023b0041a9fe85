import type { FileHandle } from 'node:fs/promises';

const PIECE_BYTES = 64 * 1024;
/** Images have some hundred boxes or blocks. A file with more steps to its size is made to cost time. */
const STEPS_MAX = 20_000;

/**
 * Resolves to what the file has from a position on: at most 64 KiB, and at least `bytes` unless the file ends before.
 * After 20,000 steps there is nothing more.
 */
export type Pieces = (at: number, bytes: number) => Promise<Buffer>;

/**
 * Reads a file piece by piece, for whoever walks through it by the lengths that stand in it. Only the newest piece is
 * kept, so a walk forward reads each part of the file at most once, and lets other work run between the pieces.
 */
export function piecesOf(file: FileHandle): Pieces {
  let piece: Buffer = Buffer.alloc(0);
  let begin = 0;
  let steps = 0;
  return async (at, bytes) => {
    steps += 1;
    if (steps > STEPS_MAX) return Buffer.alloc(0);
    const end = begin + piece.length;
    if (at >= begin && at + bytes <= end) return piece.subarray(at - begin);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES, at);
    piece = buffer.subarray(0, bytesRead);
    begin = at;
    return piece;
  };
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Returns the size that a file says it has; undefined when it is not of this format, or breaks off. */
export type Format = (pieces: Pieces) => Promise<Size | undefined>;
