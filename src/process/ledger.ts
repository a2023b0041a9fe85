import type { Config } from '../config.js';
import { lockDataFolder } from '../data-folder/lock.js';
import { shown } from '../data-folder/problem.js';
import { CommitQueue } from '../ledger/commit-queue.js';
import { FullDisk, type WriteKind } from '../ledger/full-disk.js';
import { Overload } from '../ledger/overload.js';
import { linkPath } from '../link/protocol.js';
import { RedisHints } from '../link/redis/hints.js';
import { LinkServer } from '../link/server.js';
import { createLogger } from '../log.js';
import { OperatorError } from '../operator-error.js';
import { warnOfOldNames } from '../renamed-settings.js';
import { ensureSecret } from '../server/auth/secret.js';
import { storage } from '../storage.js';
import { sweepFiles } from '../store/files/sweep.js';
import { EXIT_STORAGE_FAILED, exitOnUnexpectedError, notifyReady, onDrain } from './lifecycle.js';

/** How long to wait for a predecessor that is stopping to release the data folder. */
const LOCK_WAIT_MS = 12_000;

const IDS_RAISED =
  'the database is older than its folder, or comes from another one: ids continue 2^40 higher, so that none is given twice, and clients that kept newer messages are told history_changed';

/**
 * Runs the ledger, the one process that writes. Resolves when workers can connect. Where there is a primary, that one
 * has warned of settings under old names.
 */
export async function runLedger(config: Config, { hasPrimary }: { hasPrimary: boolean }): Promise<void> {
  const log = createLogger(config.logLevel, 'ledger');
  exitOnUnexpectedError(log);
  if (!hasPrimary) warnOfOldNames(log, config.oldNames);
  const lock = await lockDataFolder(config.dataDir, LOCK_WAIT_MS);
  if (lock === undefined)
    throw new OperatorError(`the data folder ${shown(config.dataDir)} is in use by another parley`);
  if (config.jwt.key === undefined) ensureSecret(config.dataDir);

  const diskEvents = {
    full: () =>
      log.error(
        'the disk is full: writes that do not fit are refused, reads go on; writing is tried again each second',
      ),
    space: () => log.info('the disk has space again: writes are accepted'),
  };
  const disk = new FullDisk(diskEvents);
  const fail = (error: unknown): never => {
    const marked = storage.classify(error) !== undefined && storage.markFailure(config.dataDir, error);
    log.fatal({ err: error, marked }, 'the storage failed: this ledger ends, and acknowledges nothing more');
    process.exit(EXIT_STORAGE_FAILED);
  };
  /** Returns what commands are answered with when the disk is full, and ends the process after any other failure. */
  const failed = (kind: WriteKind) => (error: unknown) =>
    storage.classify(error) === 'full' ? disk.failed(kind) : fail(error);

  const store = await storage
    .openWriter({
      dataDir: config.dataDir,
      now: Date.now,
      limits: config.limits,
      ...diskEvents,
      unexpected: (error, command) =>
        log.error({ err: error, command }, 'a command failed; it was undone and refused'),
      idsContinued: (why, first) => {
        if (why === 'killed')
          log.info({ first }, 'the ledger before this one was killed: some ids are left out');
        else log.warn({ first }, IDS_RAISED);
      },
      checking: (failure) =>
        log.warn({ failure }, 'the storage failed before this start: the database is checked first'),
    })
    .catch((error: unknown) => {
      const problem = storage.classify(error);
      const refused = (why: string) =>
        new OperatorError(`the database in ${shown(config.dataDir)} is ${why}: ${(error as Error).message}`);
      if (problem === undefined) throw error;
      if (problem === 'newer') throw refused('from a newer parley, start that one or restore a backup');
      if (problem !== 'damaged') return fail(error);
      storage.markFailure(config.dataDir, error);
      console.error(`parley: ${refused('damaged, restore a backup').message}`);
      process.exit(EXIT_STORAGE_FAILED);
    });
  const maintenance = store.maintain({
    done: () => disk.succeeded('checkpoint'),
    failed: failed('checkpoint'),
  });
  const redis =
    config.redis && (await RedisHints.open({ ...config.redis, databaseId: store.databaseId, logger: log }));
  const overload = new Overload();
  const queue = new CommitQueue(store, Date.now, {
    committed: (newest) => {
      overload.committed(newest, performance.now());
      server.hint(newest);
      redis?.hint(newest);
      maintenance.committed();
    },
    failed: failed('commit'),
    overloaded: () => overload.refuses(performance.now()),
    refusal: () => disk.refusal,
    probed: () => disk.succeeded('commit'),
    idle: () => maintenance.idle(),
  });
  const server = new LinkServer({
    path: linkPath(config.dataDir),
    greeting: () => ({
      schema: storage.schemaVersion,
      incarnation: store.incarnation,
      newest: store.newest(),
    }),
    queue,
    limits: config.limits,
    onPosition: (worker, position) => overload.report(worker, position, performance.now()),
    onDisconnect: (worker) => overload.forget(worker),
    warn: (message, error) => log.warn({ err: error }, message),
  });
  await server.listen().catch((error: Error) => {
    throw new OperatorError(
      `the socket ${linkPath(config.dataDir)}, which links the processes, cannot be made (${error.message})`,
    );
  });

  onDrain(async () => {
    await queue.close();
    await server.close();
    await queue.close(); // Batches may have come while the connections were ending.
    redis?.close();
    await maintenance.close();
    store.close();
    lock.release();
    log.info('stopped');
  });
  const { socketsPerAddressMax, failedLoginsPerMinutePerAddressMax } = config.limits;
  if (config.trustProxy.length === 0 && socketsPerAddressMax + failedLoginsPerMinutePerAddressMax > 0) {
    log.warn(
      'limits per address do not apply to peers on loopback and private addresses, because such a peer may be a proxy for many clients; name your proxies in TRUST_PROXY',
    );
  }
  log.info({ incarnation: store.incarnation, newest: store.newest() }, 'ready');
  notifyReady();
  sweepFiles(config.dataDir, Date.now(), (owner, id) => store.photoOf(owner, id)).catch((error: unknown) =>
    log.warn({ err: error }, 'unused files could not be removed'),
  );
}
