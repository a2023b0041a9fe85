import Database from 'better-sqlite3';

const BUSY_MS_MAX = 5000;

export interface StoredMessage {
  readonly room: number;
  readonly author: number;
  readonly text: string;
  readonly clientId: string;
  readonly time: string;
}

/**
 * Messages in one SQLite file, which the processes of a cluster share; each is on disk when `insert` returns, to its
 * id. As fast as inserts one by one are: WAL, a prepared statement, one index, which reading a room's history needs.
 */
export function openMessageTable(file: string): { insert(message: StoredMessage): number } {
  const database = new Database(file, { timeout: BUSY_MS_MAX });
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec(`
    CREATE TABLE IF NOT EXISTS message (
      id INTEGER PRIMARY KEY,
      room INTEGER NOT NULL,
      author INTEGER NOT NULL,
      text TEXT NOT NULL,
      client_id TEXT NOT NULL,
      time TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS message_room ON message (room, id);
  `);
  const insert = database.prepare<[number, number, string, string, string]>(
    'INSERT INTO message (room, author, text, client_id, time) VALUES (?, ?, ?, ?, ?)',
  );
  return {
    insert: ({ room, author, text, clientId, time }) =>
      Number(insert.run(room, author, text, clientId, time).lastInsertRowid),
  };
}
