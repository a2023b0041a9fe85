import type { HttpResponse } from 'uWebSockets.js';

/** A larger body is handed to the engine in pieces: one corked write can lose its tail on a full socket. */
export const PIECE_BYTES = 16 * 1024;

/**
 * Ends the answer to a HEAD. Engines that wait for a body of the length that they are told bear no other request on
 * the connection; so they are told it only where it is the last one. Such an engine ends the connection when something
 * more comes, or after its time.
 */
export function endHead(res: HttpResponse, bytes: number, close: boolean): void {
  if (close) res.endWithoutBody(bytes, true);
  else res.writeHeader('Content-Length', String(bytes)).endWithoutBody();
}

/** Sends a large body as the peer takes it. Calls `ended` when all is sent or the peer is gone. */
export function sendPieces(res: HttpResponse, body: Buffer, ended: () => void): void {
  let aborted = false;
  const send = (offset: number): boolean => {
    for (let from = offset; ; ) {
      const piece = body.subarray(from, from + PIECE_BYTES);
      const [ok, finished] = res.tryEnd(piece, body.length);
      if (aborted) return true; // The listener below has called `ended`.
      if (finished) {
        ended();
        return true;
      }
      if (!ok) return false;
      from += piece.length;
    }
  };
  res.onAborted(() => {
    aborted = true;
    ended();
  });
  res.onWritable((offset) => aborted || send(offset));
  send(0);
}
