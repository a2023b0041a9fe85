import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command, Outcome } from '../../src/chat/commands.js';
import { CommitQueue } from '../../src/ledger/commit-queue.js';
import { FullDisk } from '../../src/ledger/full-disk.js';
import { type Connection, openWriter } from '../../src/store/sqlite/database.js';
import { isStorageFull } from '../../src/store/sqlite/upkeep/failure.js';
import { migrate } from '../../src/store/sqlite/upkeep/migrations.js';
import { LedgerStore } from '../../src/store/sqlite/write/ledger-store.js';
import type { CommandBatch } from '../../src/store/write-store.js';
import { temporaryFolder } from '../support/ledger.js';
import { Ticks } from '../support/measure.js';
import { say } from '../support/store.js';
import { until } from '../support/wait.js';

/** After a refusal the disk is tried again this often. */
const PROBE_EVERY_MS = 1000;

describe('a full disk', () => {
  let said: string[];
  let disk: FullDisk;
  beforeEach(() => {
    said = [];
    disk = new FullDisk({ full: () => said.push('full'), space: () => said.push('space') });
  });

  it('is told once, and once that it is well again', () => {
    expect(disk.refusal).toBeUndefined();
    expect(disk.failed('commit')).toEqual({ error: 'storage_full' });
    disk.failed('commit');
    expect(disk.refusal).toEqual({ error: 'storage_full' });
    disk.succeeded('commit');
    disk.succeeded('commit');
    expect(disk.refusal).toBeUndefined();
    expect(said).toEqual(['full', 'space']);
  });

  it('refuses nothing as long as only a checkpoint finds no space', () => {
    disk.failed('checkpoint');
    expect(disk.refusal).toBeUndefined();
    disk.failed('commit');
    disk.succeeded('commit');
    expect(said).toEqual(['full']);
    disk.succeeded('checkpoint');
    expect(said).toEqual(['full', 'space']);
  });
});

describe('a ledger whose database may not grow', () => {
  const now = () => 1_700_000_000_000;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let db: Connection;
  let store: LedgerStore;
  let queue: CommitQueue;
  let said: string[];
  let writes: number;

  beforeEach(async () => {
    folder = await temporaryFolder();
    db = openWriter(folder.path);
    migrate(db);
    store = newStore();
    said = [];
    writes = 0;
    const disk = new FullDisk({ full: () => said.push('full'), space: () => said.push('space') });
    queue = new CommitQueue(store, now, {
      committed: () => {
        writes += 1;
      },
      failed: (error) => {
        if (!isStorageFull(error)) throw error;
        return disk.failed('commit');
      },
      overloaded: () => false,
      refusal: () => disk.refusal,
      probed: () => disk.succeeded('commit'),
      idle: () => undefined,
    });
    await run({ kind: 'create_user', caller: { id: 1 }, username: 'a', name: 'A', description: '' });
    await run({ kind: 'create_group', actor: 1, name: 'g', description: '', users: [] });
  });
  afterEach(async () => {
    await queue.close();
    db.close();
    await folder.remove();
  });

  function newStore(): LedgerStore {
    db.prepare("INSERT OR IGNORE INTO incarnation VALUES ('this', 0)").run();
    return new LedgerStore(db, 'this', (error) => {
      throw error;
    });
  }

  /** SQLite says the same of a bound of its own as of the disk's. */
  function fill(): void {
    db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true }))}`);
  }

  let number = 0;
  const batchOf = (...commands: Command[]): CommandBatch => {
    number += 1;
    return { worker: 'worker', number, confirmed: 0, crashes: 0, commands };
  };
  const push = (batch: CommandBatch) =>
    new Promise<readonly Outcome[]>((resolve) => queue.push(batch, resolve));
  const run = (...commands: Command[]) => push(batchOf(...commands));
  const long = (text: string) => say(1, 1, text.repeat(5000), text);

  it('refuses what it cannot store, whole batches, and takes it when there is space', async () => {
    fill();
    const refused = batchOf({ kind: 'reserve_id', of: 'user' }, long('a'), say(1, 1, 'short'));
    const no = { error: 'storage_full' };
    expect(await push(refused)).toEqual([no, no, no]);
    expect(await run(say(1, 1, 'short'))).toEqual([no]); // Not even tried.
    db.pragma('max_page_count = 1000000');
    const ticks = new Ticks(PROBE_EVERY_MS);
    await until(async () => 'ok' in ((await run(long('a')))[0] ?? no));
    ticks.stop();
    expect(ticks.count).toBeLessThanOrEqual(2);
    expect(said).toEqual(['full', 'space']);
    const texts = db.prepare('SELECT substr(text, 1, 5) FROM entry WHERE kind = 1').pluck().all();
    expect(texts.filter((text) => text === 'short')).toEqual([]);
    expect(texts.length).toBeGreaterThan(0);
    expect(db.prepare('SELECT max(n) = count(*) FROM entry WHERE kind = 1').pluck().get()).toBe(1);
  });

  it('still tells what became of a batch that was applied before', async () => {
    const known = batchOf(say(1, 1, 'stored', 'c'));
    const stored = await push(known);
    expect(stored).toMatchObject([{ ok: {} }]);
    const before = writes;
    fill();
    // Together with one that does not fit, and then without being tried.
    const answers = await Promise.all([push(known), run(long('a'))]);
    expect(answers).toEqual([stored, [{ error: 'storage_full' }]]);
    expect(await push(known)).toEqual(stored);
    expect(writes).toBe(before);
  });
});
