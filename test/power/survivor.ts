import { existsSync } from 'node:fs';
import { type Connection, databaseFile, openWriter } from '../../src/store/sqlite/database.js';
import { lockDataDir } from '../../src/store/sqlite/upkeep/lock.js';
import { openWriteStore } from '../../src/store/sqlite/write/ledger-store.js';
import type { CommandBatch } from '../../src/store/write-store.js';
import type { Acknowledged } from './workload.js';

/** What an image must hold. */
export interface Expected {
  readonly acknowledged: readonly Acknowledged[];
  /** The highest entry that a worker was pointed to. */
  readonly newest: number;
}

export interface Survivor {
  /** What is wrong with the image itself: it does not open, it is damaged, no ledger starts on it. */
  readonly damage: readonly string[];
  /** Acknowledged messages that it does not hold as they were posted. */
  readonly lost: number;
}

/** Opens what a power cut left as a ledger does, and looks. */
export async function examine(dataDir: string, expected: Expected): Promise<Survivor> {
  const all = new Set(expected.acknowledged.map(({ id }) => id)).size;
  if (!existsSync(databaseFile(dataDir))) return { damage: [], lost: all };
  const damage: string[] = [];
  let lost = all;
  try {
    const db = openWriter(dataDir);
    try {
      db.pragma('synchronous = OFF'); // The image is looked at and thrown away.
      const verdict = String(db.pragma('integrity_check', { simple: true }));
      if (verdict !== 'ok') damage.push(verdict);
      const entries = hasLog(db) ? newestOf(db) : 0;
      lost = hasLog(db) ? lostOf(db, expected.acknowledged) : all;
      if (lost === 0 && entries < expected.newest) {
        damage.push(`workers were pointed to entry ${expected.newest}, the newest is ${entries}`);
      }
    } finally {
      db.close();
    }
    damage.push(...(await start(dataDir)));
  } catch (error) {
    damage.push(String(error));
  }
  return { damage, lost };
}

function hasLog(db: Connection): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'entry'").get() !== undefined;
}

function newestOf(db: Connection): number {
  return Number(db.prepare('SELECT max(id) FROM entry').pluck().get() ?? 0);
}

function lostOf(db: Connection, acknowledged: readonly Acknowledged[]): number {
  const row = db
    .prepare<[number, number, number, string, string | null], number>(
      'SELECT 1 FROM entry WHERE id = ? AND chat_id = ? AND author_id = ? AND text = ? AND client_id IS ?',
    )
    .pluck();
  const lost = new Set<number>();
  for (const { id, post } of acknowledged) {
    const found = row.get(id, post.chatId, post.authorId, post.text, post.clientId ?? null);
    if (found === undefined) lost.add(id);
  }
  return lost.size;
}

/** A ledger's start, and one command. */
async function start(dataDir: string): Promise<string[]> {
  const lock = await lockDataDir(dataDir, 0);
  if (lock === undefined) return ['the lock is held by nobody and cannot be taken'];
  const problems: string[] = [];
  const fail = (error: unknown) => {
    throw error;
  };
  const store = openWriteStore(dataDir, Date.now(), fail, undefined, (why) => {
    if (why === 'older') problems.push('the database has ids that the record of given ids does not cover');
  });
  try {
    const batch: CommandBatch = {
      worker: 'after the cut',
      number: 1,
      confirmed: 0,
      crashes: 0,
      commands: [{ kind: 'create_user', caller: { id: 4 }, username: 'new', name: 'New', description: '' }],
    };
    const { outcomes } = await store.apply([batch], Date.now());
    if (!outcomes[0]?.every((outcome) => 'ok' in outcome)) problems.push(JSON.stringify(outcomes));
    return problems;
  } finally {
    store.close();
    lock.release();
  }
}
