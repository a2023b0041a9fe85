import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceSynced } from './fsync.js';

const FILE = 'given-ids.json';

const Id = z.number().int().nonnegative();

/** The content of the file. */
const GivenIds = z.object({
  /** The database that gave the ids, and the incarnation of the ledger that wrote this. */
  databaseId: z.string(),
  incarnation: z.string(),
  /** No id above these was ever given: of entries of the log, of chats, and of users whose token has a subject. */
  upTo: z.object({ entry: Id, chat: Id, user: Id }),
  /** The ids were given exactly up to there, as the ledger wrote when it stopped. */
  exact: z.boolean(),
});

/** How far the ids of a data folder were given, which the folder keeps beside its database. */
export type GivenIds = Readonly<z.infer<typeof GivenIds>>;
export type IdMarks = GivenIds['upTo'];
export const ID_KINDS = ['entry', 'chat', 'user'] as const;

/** Returns undefined when the folder has no record that can be used. Errors: those of the file system. */
export function readGivenIds(dataDir: string): GivenIds | undefined {
  try {
    return GivenIds.parse(JSON.parse(readFileSync(join(dataDir, FILE), 'utf8')));
  } catch (error) {
    const isUnusable = error instanceof SyntaxError || error instanceof z.ZodError;
    if (isUnusable || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The record is durable when this returns. Errors: those of the file system. */
export function writeGivenIds(dataDir: string, ids: GivenIds): void {
  replaceSynced(join(dataDir, FILE), `${JSON.stringify(ids)}\n`);
}
