import type { Command } from '../../src/chat/commands.js';
import { type Connection, openWriter as openDatabase, openReader } from '../../src/store/sqlite/database.js';
import { migrate } from '../../src/store/sqlite/upkeep/migrations.js';
import type { Metrics } from '../measure/measurement.js';
import { withDataDir } from '../targets/parley.js';
import { openWriter, populate, textOf } from '../targets/population.js';
import { alternate, type Effort, type Suite } from './suite.js';

const BATCH = 64;
const CHATS = 1000;
const MESSAGE_KIND = 1;
const INSERT =
  'INSERT INTO entry (chat_id, kind, author_id, text, time, client_id, n) VALUES (?, ?, ?, ?, ?, ?, ?)';

/** Writes a batch, durably, and returns or resolves then; `from` is the number of its first message. */
type WriteBatch = (from: number) => unknown;

/**
 * The ledger's way to the disk, with membership and repeats looked at, beside plain inserts into the same table:
 * what SQLite itself can do in batches of this size.
 */
export const inserts: Suite = async function* (effort) {
  const common = { suite: 'inserts', name: 'batches of 64', parameters: { chats: CHATS } };
  yield* await alternate(effort, [
    { ...common, target: 'parley', trial: () => withDataDir((dataDir) => parleyTrial(dataDir, effort)) },
    { ...common, target: 'sqlite', trial: () => withDataDir((dataDir) => sqliteTrial(dataDir, effort)) },
  ]);
};

async function parleyTrial(dataDir: string, effort: Effort): Promise<Metrics> {
  const pairs = Array.from({ length: CHATS }, (_, index) => [2 * index + 1, 2 * index + 2]);
  const { groups } = await populate(dataDir, 2 * CHATS, pairs);
  const writer = openWriter(dataDir);
  try {
    return await measure(dataDir, effort, (from) =>
      writer.write(
        Array.from({ length: BATCH }, (_, index): Command => {
          const { id = 0, members = [] } = groups[(from + index) % CHATS] ?? {};
          const clientId = String(from + index).padStart(16, '0');
          const [authorId = 0] = members;
          return { kind: 'post_message', chatId: id, authorId, text: textOf(0), clientId };
        }),
      ),
    );
  } finally {
    writer.close();
  }
}

async function sqliteTrial(dataDir: string, effort: Effort): Promise<Metrics> {
  const db = openDatabase(dataDir);
  try {
    migrate(db);
    return await measure(dataDir, effort, plainInserts(db));
  } finally {
    db.close();
  }
}

function plainInserts(db: Connection): WriteBatch {
  const insert = db.prepare(INSERT);
  return db.transaction((from: number) => {
    for (let number = from; number < from + BATCH; number++) {
      const chat = number % CHATS;
      const clientId = String(number).padStart(16, '0');
      insert.run(
        1 + chat,
        MESSAGE_KIND,
        1 + 2 * chat,
        textOf(0),
        Date.now(),
        clientId,
        1 + Math.floor(number / CHATS),
      );
    }
  });
}

/** One batch after the other. Rejects when not every message is in the database afterwards. */
async function measure(
  dataDir: string,
  { warmupSeconds, seconds }: Effort,
  write: WriteBatch,
): Promise<Metrics> {
  let number = 0;
  const during = async (duration: number) => {
    const [first, start] = [number, performance.now()];
    const end = start + duration * 1000;
    for (; performance.now() < end; number += BATCH) await write(number);
    return (number - first) / ((performance.now() - start) / 1000);
  };
  await during(warmupSeconds);
  const before = process.cpuUsage();
  const first = number;
  const perSecond = await during(seconds);
  const { user, system } = process.cpuUsage(before);
  const reader = openReader(dataDir);
  const stored = reader.prepare('SELECT count(*) FROM entry WHERE kind = ?').pluck().get(MESSAGE_KIND);
  reader.close();
  if (stored !== number) throw new Error(`${stored} messages are stored, not ${number}`);
  return { messages_per_s: perSecond, server_us_per_message: (user + system) / (number - first) };
}
