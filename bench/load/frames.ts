import { randomBytes } from 'node:crypto';

const TEXT = 0x81;
const MASKED = 0x80;
const PING = 0x9;

/** A client's text frame. The mask is zero, which costs the server as much as any and the client nothing. */
export function textFrame(payload: Buffer): Buffer {
  return Buffer.concat([head(payload.length), payload]);
}

function head(length: number): Buffer {
  if (length < 126) return Buffer.from([TEXT, MASKED | length, 0, 0, 0, 0]);
  if (length > 0xffff) throw new Error('no client here sends frames over 64 KiB');
  return Buffer.from([TEXT, MASKED | 126, length >> 8, length & 0xff, 0, 0, 0, 0]);
}

export function upgradeRequest(path: string, token: string | undefined): string {
  const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
  return (
    `GET ${path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${authorization}\r\n`
  );
}

/** Where a frame's payload lies in a chunk. */
export type OnPayload = (chunk: Buffer, start: number, end: number) => void;

/**
 * Finds the frames in what a server sends, without looking into them. A frame that is cut by the end of a chunk
 * is kept for the next; in the loads here that is rare.
 */
export class FrameScanner {
  #rest: Buffer | undefined;

  /** Calls `onPayload` for each whole text frame. Returns the number of pings. */
  scan(received: Buffer, length: number, onPayload: OnPayload): number {
    const fresh = received.subarray(0, length);
    const chunk = this.#rest === undefined ? fresh : Buffer.concat([this.#rest, fresh]);
    this.#rest = undefined;
    let pings = 0;
    let at = 0;
    for (;;) {
      const second = chunk[at + 1] ?? 0;
      let start = at + 2;
      let size = second;
      if (second === 126) {
        size = ((chunk[at + 2] ?? 0) << 8) | (chunk[at + 3] ?? 0);
        start = at + 4;
      } else if (second === 127) {
        size = at + 10 <= chunk.length ? Number(chunk.readBigUInt64BE(at + 2)) : 0;
        start = at + 10;
      }
      const end = start + size;
      if (end > chunk.length || start > chunk.length) break;
      const opcode = (chunk[at] ?? 0) & 0xf;
      if (opcode === PING) pings += 1;
      else if (opcode === 1) onPayload(chunk, start, end);
      at = end;
    }
    if (at < chunk.length) this.#rest = Buffer.from(chunk.subarray(at));
    return pings;
  }
}
