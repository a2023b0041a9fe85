import { type Logger, pino } from 'pino';

export type { Logger };

/**
 * One JSON line an event, to standard output. Never a token, a secret or a message's text. With `sync` a line has
 * left when the call returns; without, a process that serves does not wait for a slow reader of its log.
 */
export function createLogger(level: string, process: string, { sync = false } = {}): Logger {
  return pino(
    {
      level,
      base: { process },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['token', 'secret', 'authorization', '*.authorization', 'text'], censor: '…' },
    },
    pino.destination({ fd: 1, sync }),
  );
}
