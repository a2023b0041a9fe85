import type { Format } from './pieces.js';

/** Reads the first chunk, which must be IHDR (PNG, W3C, 5.6). What follows it does not matter, however long it is. */
export const png: Format = async (pieces) => {
  const bytes = await pieces(0, 24);
  if (bytes.length < 24 || bytes.toString('latin1', 0, 8) !== '\x89PNG\r\n\x1a\n') return undefined;
  if (bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined;
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
};
