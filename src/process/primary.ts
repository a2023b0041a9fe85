import { isatty } from 'node:tty';
import { type Config, isRunByNpmStart } from '../config.js';
import { assertRoom, prepareDataFolder } from '../data-folder/prepare.js';
import { createLogger } from '../log.js';
import { warnOfOldNames } from '../renamed-settings.js';
import { secretFile } from '../server/auth/secret.js';
import { workerForker } from './fork.js';
import { exitOnUnexpectedError, onParentGone, onStop } from './lifecycle.js';
import { portToServe } from './port.js';
import { ProcessTree } from './process-tree.js';

const STDIN = 0;

/**
 * Runs the ledger and the workers: SIGTERM, SIGINT and the end of the `npm start` around it stop them in order, SIGHUP
 * replaces them one after the other. This process serves no clients and holds no state.
 */
export async function runPrimary(config: Config): Promise<void> {
  const log = createLogger(config.logLevel, 'primary', { sync: true });
  exitOnUnexpectedError(log);
  // The server goes on when the reader of its output has ended.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  warnOfOldNames(log, config.oldNames);
  const hadTerminal = isatty(STDIN);
  const port = await portToServe(config);
  prepareDataFolder(config.dataDir);
  assertRoom(config.dataDir);
  const processes = new ProcessTree(log, workerForker(port));
  onStop(() => void processes.stop(0));
  // npm passes these two on, but a SIGHUP or a SIGKILL ends npm alone.
  if (isRunByNpmStart()) onParentGone(() => void processes.stop(0));
  // A terminal that is closed sends SIGHUP as well.
  process.on(
    'SIGHUP',
    () => void (hadTerminal && !isatty(STDIN) ? processes.stop('SIGHUP') : processes.restart()),
  );

  if (!(await processes.start(config.workers))) return;

  if (config.jwt.key === undefined) {
    log.info(
      { file: secretFile(config.dataDir) },
      'no JWT key is configured: tokens are checked with the generated secret; mint one with: npm run token -- --sub 1',
    );
  }
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  const scheme = config.tls === undefined ? 'http' : 'https';
  console.log(`parley listening on ${scheme}://${host}:${port} (workers: ${config.workers})`);
  processes.enableRestarts();
}
