import { RedisHints } from './bus/redis/hints.js';
import type { Outcome } from './chat/commands.js';
import type { Config } from './config.js';
import { linkPath } from './ledger/protocol.js';
import { Queue } from './ledger/queue.js';
import { LinkServer } from './ledger/server.js';
import { createLogger } from './log.js';
import { dieLoudly, EXIT_STORAGE, onDrain, tellReady } from './process.js';
import { ensureSecret } from './secret.js';
import { sweepFiles } from './store/files/sweep.js';
import { isStorageFull, openWriteStore } from './store/sqlite/apply.js';
import { lockDataDir } from './store/sqlite/lock.js';
import { SCHEMA_VERSION } from './store/sqlite/migrations.js';

/** A predecessor that was told to stop has this long to let go of the data folder. */
const LOCK_WAIT_MS = 12_000;

/** The one process that writes. Resolves when workers can connect. */
export async function runLedger(config: Config): Promise<void> {
  const log = createLogger(config.logLevel, 'ledger');
  dieLoudly(log);
  const lock = await lockDataDir(config.dataDir, LOCK_WAIT_MS);
  if (lock === undefined) {
    console.error(`parley: the data folder ${config.dataDir} is in use by another parley`);
    process.exit(1);
  }
  if (config.jwt.key === undefined) ensureSecret(config.dataDir);

  const store = openWriteStore(config.dataDir, Date.now(), (error, command) => {
    log.error({ err: error, command }, 'a command failed; it was undone and refused');
  });
  /** Returns only when the storage may be better soon. */
  const storageFailed = (error: unknown): Outcome => {
    if (isStorageFull(error)) {
      log.error('the disk is full; writes are refused');
      return { error: 'storage_full' };
    }
    log.fatal({ err: error }, 'the storage failed; nothing that was not acknowledged will be');
    process.exit(EXIT_STORAGE);
  };
  const checkpoints = store.startCheckpoints(config.dataDir, storageFailed);
  const redis =
    config.redis && (await RedisHints.open({ ...config.redis, databaseId: store.databaseId, say: log }));
  const queue = new Queue(store, Date.now, {
    committed: (newest) => {
      server.hint(newest);
      redis?.hint(newest);
      checkpoints.committed();
    },
    failed: storageFailed,
    idle: () => checkpoints.idle(),
  });
  const server = new LinkServer({
    path: linkPath(config.dataDir),
    greeting: () => ({ schema: SCHEMA_VERSION, incarnation: store.incarnation, newest: store.newest() }),
    queue,
    warn: (message, error) => log.warn({ err: error }, message),
  });
  await server.listen();

  onDrain(async () => {
    await queue.close();
    redis?.close();
    await server.close();
    await checkpoints.close();
    store.close();
    lock.release();
    log.info('stopped');
  });
  log.info({ incarnation: store.incarnation, newest: store.newest() }, 'ready');
  tellReady();
  sweepFiles(config.dataDir, Date.now(), (owner, id) => store.photoOf(owner, id)).catch((error: unknown) =>
    log.warn({ err: error }, 'old files could not be swept'),
  );
}
