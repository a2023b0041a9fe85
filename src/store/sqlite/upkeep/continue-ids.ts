import { dirname } from 'node:path';
import type { IdsContinued } from '../../driver.js';
import { type GivenIds, ID_KINDS, type IdMarks, readGivenIds, writeGivenIds } from '../../given-ids.js';
import { type Connection, databaseIdOf } from '../database.js';
import { storedIds } from '../write/id-ranges.js';

/** How far ids are raised when nobody knows which of them were given. */
export const IDS_RAISED_BY = 2 ** 40;
const INCARNATIONS_KEPT_MS = 30 * 24 * 3600 * 1000;

/**
 * Commits a new ledger's incarnation, and where its ids begin: after all that were ever given, also when an older copy of
 * the database was put in place. A ledger that was killed may have given ids up to the end of its range, so the next one
 * begins after that. When the database cannot be the one that the folder's record is about, or ends before the id with
 * which its last ledger stopped, ids begin `IDS_RAISED_BY` higher. Returns undefined when the next id is the first.
 */
export function continueIds(
  db: Connection,
  incarnation: string,
  now: number,
): { readonly why: IdsContinued; readonly first: number } | undefined {
  const dataDir = dirname(db.name);
  const { recorded, ...stored } = storedIds(db)();
  const found = readGivenIds(dataDir);
  const why = reasonToSkip(stored, recorded === 1, found, (id) => isOwn(db, id));
  const start = why === undefined ? stored : startAfter(stored, found, why);

  const commit = db.transaction(() => {
    db.prepare('INSERT INTO incarnation (id, started_at) VALUES (?, ?)').run(incarnation, now);
    // The record's database is recognised by the incarnation that wrote it, however long ago that was.
    const old = db.prepare('DELETE FROM incarnation WHERE started_at < ? AND id <> ?');
    old.run(now - INCARNATIONS_KEPT_MS, found?.incarnation ?? '');
    if (why !== undefined) skip(db, stored, start);
  });
  commit.immediate();
  if (why === undefined) return undefined;
  if (why === 'older')
    writeGivenIds(dataDir, { databaseId: databaseIdOf(db), incarnation, upTo: start, exact: true });
  return { why, first: start.entry + 1 };
}

function reasonToSkip(
  stored: IdMarks,
  isRecorded: boolean,
  found: GivenIds | undefined,
  isOwn: (record: GivenIds) => boolean,
): IdsContinued | undefined {
  if (found === undefined) return isRecorded ? 'older' : undefined;
  const isAhead = ID_KINDS.some((kind) => stored[kind] > found.upTo[kind]);
  if (!isOwn(found) || isAhead) return 'older';
  const isBehind = ID_KINDS.some((kind) => stored[kind] < found.upTo[kind]);
  if (!isBehind) return undefined;
  return found.exact ? 'older' : 'killed';
}

function startAfter(stored: IdMarks, found: GivenIds | undefined, why: IdsContinued): IdMarks {
  const by = why === 'older' ? IDS_RAISED_BY : 0;
  const after = (kind: keyof IdMarks) => Math.max(stored[kind], found?.upTo[kind] ?? 0) + by;
  return { entry: after('entry'), chat: after('chat'), user: after('user') };
}

function isOwn(db: Connection, { databaseId, incarnation }: GivenIds): boolean {
  const known = db.prepare('SELECT 1 FROM incarnation WHERE id = ?').get(incarnation);
  return databaseId === databaseIdOf(db) && known !== undefined;
}

function skip(db: Connection, stored: IdMarks, start: IdMarks): void {
  db.prepare("DELETE FROM sqlite_sequence WHERE name = 'entry'").run();
  db.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('entry', ?)").run(start.entry);
  const set = db.prepare('UPDATE sequence SET value = ? WHERE name = ?');
  for (const name of ['chat', 'user'] as const) set.run(start[name], name);
  if (start.entry > stored.entry)
    db.prepare('INSERT INTO id_gap (first, last) VALUES (?, ?)').run(stored.entry + 1, start.entry);
}
