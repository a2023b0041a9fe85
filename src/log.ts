import { type Logger, pino } from 'pino';

export type { Logger };

/**
 * Characters that JSON leaves unescaped although terminals or readers of lines may act upon them: C1 controls (such as
 * CSI), DEL, the line and paragraph separators of Unicode, and format characters, which are invisible or change the
 * direction of text.
 */
const UNSAFE = /[\u007f-\u009f\p{Zl}\p{Zp}\p{Cf}]/gu;

/**
 * Writes one JSON line for each event to standard output, without tokens, secrets and texts of messages. With `sync`
 * a line is written when the call returns; without it, a process does not wait for a slow reader of its log.
 */
export function createLogger(level: string, process: string, { sync = false } = {}): Logger {
  const options = {
    level,
    base: { process },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: ['token', 'secret', 'authorization', '*.authorization', 'text'], censor: '…' },
    hooks: { streamWrite: (line: string) => line.replace(UNSAFE, jsonEscapes) },
  };
  // Without a destination, pino detects that a supervisor such as pm2 has replaced standard output.
  return sync ? pino(options, pino.destination({ fd: 1, sync })) : pino(options);
}

/** The character as JSON escapes. They stand within a string, because JSON allows such characters nowhere else. */
function jsonEscapes(character: string): string {
  let text = '';
  for (let index = 0; index < character.length; index++) {
    text += `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
  }
  return text;
}
