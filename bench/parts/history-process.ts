import { openWriter } from '../../src/store/sqlite/database.js';
import { HISTORY_SQL, HISTORY_TEXT, type History, type HistoryPlan } from './history.js';
import { answerPlan } from './process.js';

const SLICE = 500_000;

answerPlan<HistoryPlan, History>(async ({ dataDir, messages }) => {
  const db = openWriter(dataDir);
  // Nobody needs this file after a crash; it is as the ledger would have left it at the end.
  db.pragma('journal_mode = DELETE');
  db.pragma('journal_mode = OFF');
  db.pragma('synchronous = OFF');
  const index = db.prepare("SELECT sql FROM sqlite_schema WHERE name = 'entry_message'").pluck().get();
  const firstId =
    1 + Number(db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").pluck().get());
  db.exec('DROP INDEX entry_message'); // Sorting at the end takes a quarter of the time.
  const { isBig, numberOfBig, smallChat, numberOfSmall } = HISTORY_SQL;
  const insert = db.prepare(
    `WITH RECURSIVE row (i) AS (SELECT CAST(? AS INTEGER) UNION ALL SELECT i + 1 FROM row WHERE i + 1 < ?)
     INSERT INTO entry (chat_id, kind, author_id, text, time, client_id, n)
     SELECT iif(${isBig}, 1, ${smallChat}), 1, 1 + i % 2, ?, 1700000000000 + i, printf('%016d', i),
            iif(${isBig}, ${numberOfBig}, ${numberOfSmall}) FROM row`,
  );
  for (let from = 0; from < messages; from += SLICE) {
    insert.run(from, Math.min(from + SLICE, messages), HISTORY_TEXT);
  }
  db.exec(String(index));
  db.pragma('journal_mode = WAL');
  db.close();
  return { messages, firstId };
});
