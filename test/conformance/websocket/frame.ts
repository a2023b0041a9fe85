/** Frames of a client, as RFC 6455, 5.2 draws them, and wrong in any way that a test wants. */
export const Op = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameParts {
  readonly fin?: boolean;
  /** RSV1, RSV2 and RSV3 as the bits of one number: 4, 2, 1. */
  readonly rsv?: number;
  readonly opcode?: number;
  readonly payload?: string | Uint8Array;
  readonly key?: readonly number[];
  /** False clears the mask bit alone: the key and the masked payload are still there. */
  readonly maskBit?: boolean;
  /** The form of the length; the shortest that holds it unless given. */
  readonly lengthBits?: 7 | 16 | 64;
  /** What the length says; the payload's length unless given. */
  readonly length?: number | bigint;
}

export const MASK_KEY = [0x37, 0xfa, 0x21, 0x3d]; // RFC 6455, 5.7

export function frame(parts: FrameParts = {}): Buffer {
  const { fin = true, rsv = 0, opcode = Op.text, key = MASK_KEY, maskBit = true } = parts;
  const payload = Buffer.from(parts.payload ?? '');
  const length = BigInt(parts.length ?? payload.length);
  const bits = parts.lengthBits ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64);
  const short = bits === 7 ? Number(length) : bits === 16 ? 126 : 127;
  const head = Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode, (maskBit ? 0x80 : 0) | short]);
  return Buffer.concat([head, longLength(bits, length), Buffer.from(key), masked(payload, key)]);
}

function longLength(bits: 7 | 16 | 64, length: bigint): Buffer {
  const bytes = Buffer.alloc(bits === 7 ? 0 : bits / 8);
  if (bits === 16) bytes.writeUInt16BE(Number(length));
  if (bits === 64) bytes.writeBigUInt64BE(length);
  return bytes;
}

function masked(payload: Buffer, key: readonly number[]): Buffer {
  return Buffer.from(payload.map((byte, index) => byte ^ (key[index % 4] ?? 0)));
}

export function text(payload: string | Uint8Array, parts: FrameParts = {}): Buffer {
  return frame({ ...parts, opcode: Op.text, payload });
}

export function binary(payload: string | Uint8Array, parts: FrameParts = {}): Buffer {
  return frame({ ...parts, opcode: Op.binary, payload });
}

export function continuation(payload: string | Uint8Array, parts: FrameParts = {}): Buffer {
  return frame({ ...parts, opcode: Op.continuation, payload });
}

export function ping(payload: string | Uint8Array = '', parts: FrameParts = {}): Buffer {
  return frame({ ...parts, opcode: Op.ping, payload });
}

export function pong(payload: string | Uint8Array = '', parts: FrameParts = {}): Buffer {
  return frame({ ...parts, opcode: Op.pong, payload });
}

/** Without a code the frame is empty. */
export function close(code?: number, reason: string | Uint8Array = '', parts: FrameParts = {}): Buffer {
  const head = Buffer.alloc(code === undefined ? 0 : 2);
  if (code !== undefined) head.writeUInt16BE(code);
  return frame({ ...parts, opcode: Op.close, payload: Buffer.concat([head, Buffer.from(reason)]) });
}

export const NO_FIN = { fin: false } as const;

/** One message in frames that begin at these bytes of it; a place that is named twice gives an empty one. */
export function fragments(
  message: string | Uint8Array,
  places: readonly number[],
  opcode: number = Op.text,
): Buffer[] {
  const bytes = Buffer.from(message);
  const ends = [...places, bytes.length];
  return ends.map((end, index) =>
    frame({
      opcode: index === 0 ? opcode : Op.continuation,
      fin: index === ends.length - 1,
      payload: bytes.subarray(ends[index - 1] ?? 0, end),
    }),
  );
}

/** The application's own: a message that must be echoed. */
export function say(words: string): string {
  return JSON.stringify({ type: 'message', text: words });
}

/** A message in exactly this many bytes, of which most are a field that is ignored. */
export function sayIn(bytes: number, words: string): string {
  const padded = (padding: string) => JSON.stringify({ type: 'message', text: words, padding });
  return padded('x'.repeat(bytes - padded('').length));
}
