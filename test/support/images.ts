/** The smallest heads of images, with the sizes that they say they have. */
export function png(width: number, height: number, tail: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(33);
  head.write('\x89PNG\r\n\x1a\n', 0, 'latin1');
  head.writeUInt32BE(13, 8);
  head.write('IHDR', 12, 'latin1');
  head.writeUInt32BE(width, 16);
  head.writeUInt32BE(height, 20);
  head.set([8, 2, 0, 0, 0], 24);
  return Buffer.concat([head, tail]);
}

export function gif(width: number, height: number, version: '87a' | '89a' = '89a'): Buffer {
  const head = Buffer.alloc(13);
  head.write(`GIF${version}`, 0, 'latin1');
  head.writeUInt16LE(width, 6);
  head.writeUInt16LE(height, 8);
  return head;
}

export function webpLossy(width: number, height: number): Buffer {
  const chunk = Buffer.alloc(10);
  chunk.set([0x30, 0x01, 0x00, 0x9d, 0x01, 0x2a], 0); // Frame tag of a key frame, start code.
  chunk.writeUInt16LE(width | (1 << 14), 6); // The upper two bits are a scaling hint.
  chunk.writeUInt16LE(height | (2 << 14), 8);
  return riff('VP8 ', chunk);
}

export function webpLossless(width: number, height: number, rest = 11): Buffer {
  const chunk = Buffer.alloc(5 + rest);
  chunk[0] = 0x2f;
  chunk.writeUInt32LE(((width - 1) | ((height - 1) << 14)) >>> 0, 1);
  return riff('VP8L', chunk);
}

export function webpExtended(width: number, height: number): Buffer {
  const chunk = Buffer.alloc(10);
  chunk.writeUIntLE(width - 1, 4, 3);
  chunk.writeUIntLE(height - 1, 7, 3);
  return riff('VP8X', chunk);
}

function riff(type: string, chunk: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(12 + chunk.length + (chunk.length % 2), 4);
  head.write(`WEBP${type}`, 8, 'latin1');
  head.writeUInt32LE(chunk.length, 16);
  return Buffer.concat([head, chunk, Buffer.alloc(chunk.length % 2)]);
}

/** A JPEG segment with its length. */
export function segment(marker: number, payload: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(payload.length + 2, 2);
  return Buffer.concat([head, payload]);
}

/** A JPEG up to its frame header: SOF0 is baseline, SOF2 progressive; `before` stands between SOI and SOF. */
export function jpeg(width: number, height: number, sof = 0xc0, before: readonly Buffer[] = []): Buffer {
  const frame = Buffer.from([8, 0, 0, 0, 0, 1, 1, 0x11, 0]);
  frame.writeUInt16BE(height, 1);
  frame.writeUInt16BE(width, 3);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), ...before, segment(sof, frame)]);
}
