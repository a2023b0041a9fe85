import type { Connection } from '../database.js';

/** An entry of any kind but a message. */
export interface NewEntry {
  readonly chatId: number;
  readonly kind: number;
  readonly authorId: number;
  readonly time: number;
  readonly text?: string;
  readonly users?: readonly number[];
}

/** Makes the function that adds to the log what is no message. */
export function appender(db: Connection): (entry: NewEntry) => void {
  const insert = db.prepare(
    'INSERT INTO entry (chat_id, kind, author_id, text, time, users) VALUES (?, ?, ?, ?, ?, ?)',
  );
  return ({ chatId, kind, authorId, text = '', time, users }) => {
    insert.run(chatId, kind, authorId, text, time, users === undefined ? null : JSON.stringify(users));
  };
}
