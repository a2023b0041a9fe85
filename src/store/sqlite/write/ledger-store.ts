import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import type { Command, CommandName, Commands, Outcome } from '../../../chat/commands.js';
import { ChatError } from '../../../chat/errors.js';
import { MESSAGES_BURST_SECONDS, UNLIMITED } from '../../../chat/limits.js';
import { RateLimiter } from '../../../chat/rate-limiter.js';
import type { IdsContinued, WriteLimits } from '../../driver.js';
import { syncNameOf } from '../../fsync.js';
import type { PhotoOwner } from '../../photo-store.js';
import { assertSpace } from '../../space.js';
import type { CommandBatch, Maintenance, MaintenanceEvents, WriteStore } from '../../write-store.js';
import { type Connection, databaseIdOf, openWriter } from '../database.js';
import { type Profiles, profileQueries } from '../read/profiles.js';
import { SQL } from '../read/sql.js';
import { Checkpointer } from '../upkeep/checkpoint.js';
import { continueIds } from '../upkeep/continue-ids.js';
import { isStorageFailure } from '../upkeep/failure.js';
import { migrate } from '../upkeep/migrations.js';
import { purger } from '../upkeep/purge.js';
import { appender, superseder } from './append.js';
import { AppliedBatches } from './applied-batches.js';
import { ChatWriteCache } from './chat-write-cache.js';
import { chatWriters } from './chats.js';
import { groupWriters } from './groups.js';
import { IdRanges } from './id-ranges.js';
import { messageChangeWriters } from './message-changes.js';
import { messageWriters } from './messages.js';
import { userWriters } from './users.js';
import type { Writers } from './writers.js';

/** A commit takes no further batch when it has spent this much on loading chats' client ids. */
const LOAD_MS_MAX = 20;
/** A batch during which this many ledgers died is not tried again. */
const CRASHES_MAX = 3;
/** Commands of one statement need no savepoint, because SQLite undoes a failed statement by itself. */
function isSingleStatement(command: Command): boolean {
  return command.kind === 'reserve_id' || (command.kind === 'post_message' && !command.mentions);
}

type UnexpectedError = (error: unknown, command: CommandName) => void;

/**
 * Opens the write side: migrates, then commits this ledger's incarnation. Nothing is answered before that commit, because
 * its sync also makes durable what SQLite found in the write-ahead log and may never have been synced.
 */
export function openWriteStore(
  dataDir: string,
  now: number,
  unexpected: UnexpectedError,
  limits: WriteLimits = UNLIMITED,
  idsContinued: (why: IdsContinued, first: number) => void = () => undefined,
): LedgerStore {
  const db = openWriter(dataDir);
  try {
    syncNameOf(dataDir);
    migrate(db);
    const incarnation = randomUUID();
    const continued = continueIds(db, incarnation, now);
    if (continued !== undefined) idsContinued(continued.why, continued.first);
    return new LedgerStore(db, incarnation, unexpected, limits);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The write side of SQLite. */
export class LedgerStore implements WriteStore {
  readonly incarnation: string;
  readonly databaseId: string;
  readonly #db: Connection;
  readonly #profiles: Profiles;
  readonly #unexpected: UnexpectedError;
  readonly #writeCache: ChatWriteCache;
  readonly #writers: Writers;
  readonly #purge: (now: number) => boolean;
  readonly #sql;
  readonly #applied: AppliedBatches;
  readonly #ids: IdRanges;
  readonly #rate: RateLimiter<number>;
  #overloaded = false;

  constructor(
    db: Connection,
    incarnation: string,
    unexpected: UnexpectedError,
    limits: WriteLimits = UNLIMITED,
  ) {
    this.incarnation = incarnation;
    this.databaseId = databaseIdOf(db);
    this.#db = db;
    this.#ids = new IdRanges(db, incarnation);
    this.#unexpected = unexpected;
    this.#applied = new AppliedBatches(db);
    const max = limits.messagesPerSecondPerUserMax;
    this.#rate = new RateLimiter({ max, inMs: 1000, burst: max * MESSAGES_BURST_SECONDS });
    this.#profiles = profileQueries(db);
    this.#writeCache = new ChatWriteCache(db, this.#profiles);
    const nextId = db
      .prepare<[string], number>('UPDATE sequence SET value = value + 1 WHERE name = ? RETURNING value')
      .pluck();
    const context = {
      db,
      profiles: this.#profiles,
      append: appender(db),
      supersede: superseder(db),
      writeCache: this.#writeCache,
      nextId: (name: 'user' | 'chat') => nextId.get(name) ?? raise(`there is no sequence ${name}`),
      overloaded: () => this.#overloaded,
      rate: this.#rate,
      groupMembersMax: limits.groupMembersMax,
      editSecondsMax: limits.editSecondsMax,
      typingMembersMax: limits.typingMembersMax,
    };
    this.#writers = {
      ...userWriters(context),
      ...chatWriters(context),
      ...groupWriters(context),
      ...messageWriters(context),
      ...messageChangeWriters(context),
    };
    this.#purge = purger(db, (worker, number) => this.#applied.drop(worker, number));
    this.#sql = {
      begin: db.prepare('BEGIN IMMEDIATE'),
      commit: db.prepare('COMMIT'),
      rollback: db.prepare('ROLLBACK'),
      savepoint: db.prepare('SAVEPOINT command'),
      release: db.prepare('RELEASE command'),
      undo: db.prepare('ROLLBACK TO command'),
      newest: db.prepare<[], number>(SQL.newest).pluck(),
    };
  }

  async apply(
    batches: readonly CommandBatch[],
    now: number,
    overloaded = false,
  ): Promise<{ outcomes: Outcome[][]; newest: number }> {
    this.#overloaded = overloaded;
    const outcomes: Outcome[][] = [];
    const fresh = new Map<string, { batch: CommandBatch; outcomes: Outcome[] }>();
    let loadMs = 0;
    this.#sql.begin.run();
    try {
      for (const batch of batches) {
        const key = `${batch.worker} ${batch.number}`;
        const before = this.#applied.outcomesOf(batch) ?? fresh.get(key)?.outcomes;
        const own = before ?? this.#applyBatch(batch, now);
        if (before === undefined) fresh.set(key, { batch, outcomes: own });
        outcomes.push(own);
        loadMs += this.#writeCache.takeLoadMs();
        if (loadMs > LOAD_MS_MAX) break;
      }
      this.#ids.cover();
      this.#sql.commit.run();
    } catch (error) {
      this.#writeCache.clear();
      if (this.#db.inTransaction) this.#sql.rollback.run();
      throw error;
    }
    for (const { batch, outcomes: own } of fresh.values()) this.#applied.committed(batch, own);
    return { outcomes, newest: this.newest() };
  }

  outcomesOf(batch: CommandBatch): readonly Outcome[] | undefined {
    return this.#applied.outcomesOf(batch);
  }

  async probe(): Promise<void> {
    assertSpace(dirname(this.#db.name));
  }

  /** Keeps the write-ahead log short. */
  maintain(events: MaintenanceEvents): Maintenance {
    return new Checkpointer(dirname(this.#db.name), this.#db, events);
  }

  photoOf(owner: PhotoOwner, id: number): string | null | undefined {
    return owner === 'users' ? this.#profiles.user(id)?.photo : this.#profiles.chat(id)?.photo;
  }

  newest(): number {
    return this.#sql.newest.get() ?? 0;
  }

  async purge(now: number): Promise<boolean> {
    this.#rate.sweep(now);
    return this.#purge(now);
  }

  close(): void {
    try {
      this.#ids.close();
    } catch {
      // A full disk does not keep the ledger from stopping: the next one leaves out some ids, as after a kill.
    }
    this.#db.close();
  }

  #applyBatch(batch: CommandBatch, now: number): Outcome[] {
    const outcomes =
      batch.crashes >= CRASHES_MAX
        ? batch.commands.map((): Outcome => ({ error: 'timeout' }))
        : batch.commands.map((command) => this.#applyCommand(command, now));
    this.#applied.record(batch, outcomes, now);
    return outcomes;
  }

  #applyCommand(command: Command, now: number): Outcome {
    const guarded = !isSingleStatement(command);
    if (guarded) this.#sql.savepoint.run();
    try {
      const ok = this.#write(command, now);
      if (guarded) this.#sql.release.run();
      return { ok };
    } catch (error) {
      // Some errors end the transaction by themselves, and what follows would be outside of any.
      if (isStorageFailure(error) || !this.#db.inTransaction) throw error;
      if (guarded) {
        this.#sql.undo.run();
        this.#sql.release.run();
      }
      if (error instanceof ChatError) return { error: error.code, details: error.details };
      this.#unexpected(error, command.kind);
      return { error: 'internal' };
    }
  }

  #write(command: Command, now: number): Commands[CommandName]['ok'] {
    // The kind picks the writer that takes this very command, which TypeScript cannot see.
    const writer: unknown = this.#writers[command.kind];
    if (writer === undefined) throw new Error(`unknown command ${command.kind}`);
    return (writer as (command: Command, now: number) => Commands[CommandName]['ok'])(command, now);
  }
}

function raise(message: string): never {
  throw new Error(message);
}
