import { type Logger, pino } from 'pino';

export type { Logger };

/** One JSON line an event, to standard output. Never a token, a secret or a message's text. */
export function createLogger(level: string, process: string): Logger {
  return pino({
    level,
    base: { process },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: ['token', 'secret', 'authorization', '*.authorization', 'text'], censor: '…' },
  });
}
