import type { Connection } from './database.js';

export interface NewEntry {
  readonly chatId: number;
  readonly kind: number;
  readonly authorId: number;
  readonly time: number;
  readonly text?: string;
  readonly clientId?: string | undefined;
  /** The message's number within its chat. */
  readonly n?: number;
  readonly users?: readonly number[];
}

/** Makes the one function that adds to the log; it returns the new entry's id. */
export function appender(db: Connection): (entry: NewEntry) => number {
  const insert = db.prepare(
    'INSERT INTO entry (chat_id, kind, author_id, text, time, client_id, n, users) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  return (entry) => {
    const { lastInsertRowid } = insert.run(
      entry.chatId,
      entry.kind,
      entry.authorId,
      entry.text ?? '',
      entry.time,
      entry.clientId ?? null,
      entry.n ?? 0,
      entry.users === undefined ? null : JSON.stringify(entry.users),
    );
    return Number(lastInsertRowid);
  };
}
