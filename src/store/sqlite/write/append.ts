import type { Connection } from '../database.js';
import { type NewEntry, rowOf } from '../entry-rows.js';

/** Makes the function that adds an entry to the log which is no message, and returns its id. */
export function appender(db: Connection): (entry: NewEntry) => number {
  const insert = db.prepare(
    `INSERT INTO entry (chat_id, kind, author_id, text, time, payload, visibility, target_id, client_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return (entry) => {
    const { chatId, kind, authorId, text, payload, visibility, targetId, clientId } = rowOf(entry);
    const { time } = entry;
    const added = insert.run(chatId, kind, authorId, text, time, payload, visibility, targetId, clientId);
    return Number(added.lastInsertRowid);
  };
}
