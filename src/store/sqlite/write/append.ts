import type { Connection } from '../database.js';
import { type NewEntry, rowOf, Visibility } from '../entry-rows.js';

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

/**
 * Makes the function that marks an entry as superseded by a newer one, in the same transaction. The purge removes it when no
 * worker can be behind it.
 */
export function superseder(db: Connection): (id: number) => void {
  const mark = db
    .prepare<[number], number>(
      `UPDATE entry SET visibility = ${Visibility.superseded} WHERE id = ? RETURNING time`,
    )
    .pluck();
  const note = db.prepare('INSERT OR IGNORE INTO superseded (id, time) VALUES (?, ?)');
  return (id) => {
    const time = mark.get(id);
    if (time !== undefined) note.run(id, time);
  };
}
