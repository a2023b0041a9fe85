import { type Logger, pino } from 'pino';

export type { Logger };

/**
 * What a terminal or a reader of lines may act upon although JSON lets it stand for itself: C1 controls (CSI is one),
 * DEL, the line ends of Unicode, and what turns the direction of text or is not seen.
 */
const UNSAFE = /[\u007f-\u009f\p{Zl}\p{Zp}\p{Cf}]/gu;

/**
 * One JSON line an event, to standard output. Never a token, a secret or a message's text. With `sync` a line has
 * left when the call returns; without, a process that serves does not wait for a slow reader of its log.
 */
export function createLogger(level: string, process: string, { sync = false } = {}): Logger {
  const options = {
    level,
    base: { process },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: ['token', 'secret', 'authorization', '*.authorization', 'text'], censor: '…' },
    hooks: { streamWrite: (line: string) => line.replace(UNSAFE, escaped) },
  };
  // Without a destination pino finds out by itself that a supervisor (pm2) has put its own in place of standard output.
  return sync ? pino(options, pino.destination({ fd: 1, sync })) : pino(options);
}

/** Wherever it may stand in a JSON line, within a string, an escape means the same. */
function escaped(character: string): string {
  let text = '';
  for (let at = 0; at < character.length; at++) {
    text += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return text;
}
