import { type Logger, pino } from 'pino';

export type { Logger };

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
  };
  // Without a destination pino finds out by itself that a supervisor (pm2) has put its own in place of standard output.
  return sync ? pino(options, pino.destination({ fd: 1, sync })) : pino(options);
}
