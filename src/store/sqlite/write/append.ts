import type { Connection } from '../database.js';
import { type NewEntry, rowOf } from '../entry-rows.js';

/** Makes the function that adds an entry to the log which is no message. */
export function appender(db: Connection): (entry: NewEntry) => void {
  const insert = db.prepare(
    `INSERT INTO entry (chat_id, kind, author_id, text, time, payload, visibility)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  return (entry) => {
    const { chatId, kind, authorId, text, payload, visibility } = rowOf(entry);
    insert.run(chatId, kind, authorId, text, entry.time, payload, visibility);
  };
}
