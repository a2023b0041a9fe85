/** The types of images that the server takes. */
export type ImageType = 'png' | 'jpeg' | 'webp' | 'gif';

export interface ImageHead {
  readonly type: ImageType;
  readonly width: number;
  readonly height: number;
}

const CONTENT_TYPES: Readonly<Record<ImageType, string>> = {
  png: 'image/png',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
};

/** The Content-Type of a stored photo, by the extension that its name was given. */
export function contentTypeOf(fileName: string): string {
  const type = fileName.slice(fileName.lastIndexOf('.') + 1);
  return CONTENT_TYPES[type as ImageType] ?? 'application/octet-stream';
}

/**
 * Reads type and size from the beginning of an image. Returns undefined for anything that is not one, and for an image
 * whose size is further on. Sources: PNG (W3C, 11.2.2), GIF89a (18), JPEG (T.81, B.2.2),
 * WebP (RFC 9649, 2).
 */
export function imageHead(bytes: Buffer): ImageHead | undefined {
  const head = png(bytes) ?? gif(bytes) ?? webp(bytes) ?? jpeg(bytes);
  return head !== undefined && head.width > 0 && head.height > 0 ? head : undefined;
}

function png(bytes: Buffer): ImageHead | undefined {
  if (bytes.length < 24 || bytes.toString('latin1', 0, 8) !== '\x89PNG\r\n\x1a\n') return undefined;
  if (bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined;
  return { type: 'png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

function gif(bytes: Buffer): ImageHead | undefined {
  if (bytes.length < 10 || !/^GIF8[79]a$/.test(bytes.toString('latin1', 0, 6))) return undefined;
  return { type: 'gif', width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
}

function webp(bytes: Buffer): ImageHead | undefined {
  if (bytes.length < 25 || bytes.toString('latin1', 0, 4) !== 'RIFF') return undefined;
  if (bytes.toString('latin1', 8, 12) !== 'WEBP') return undefined;
  const type = 'webp';
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8 ': // A key frame's start code, then 14 bits each.
      if (bytes.length < 30 || bytes.readUIntBE(23, 3) !== 0x9d012a) return undefined;
      return { type, width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
    case 'VP8L': {
      if (bytes[20] !== 0x2f) return undefined;
      const bits = bytes.readUInt32LE(21);
      return { type, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 'VP8X':
      if (bytes.length < 30) return undefined;
      return { type, width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
    default:
      return undefined;
  }
}

/** Walks from segment to segment until the frame header. */
function jpeg(bytes: Buffer): ImageHead | undefined {
  if (bytes.length < 4 || bytes.readUIntBE(0, 3) !== 0xffd8ff) return undefined;
  let at = 2;
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1; // Fill bytes may come before a marker.
      continue;
    }
    if (isFrameHeader(marker)) {
      return { type: 'jpeg', width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    }
    const standsAlone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    const length = standsAlone ? 0 : bytes.readUInt16BE(at + 2);
    if (!standsAlone && length < 2) return undefined;
    at += 2 + length;
  }
  return undefined;
}

/** SOF0–SOF15 without DHT (C4), JPG (C8) and DAC (CC). */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}
