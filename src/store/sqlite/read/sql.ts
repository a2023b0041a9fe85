import { CHANGE_KINDS, ENTRY_COLUMNS } from '../entry-rows.js';

/** Rows are read in pieces of this many, so that little is read beyond a bound in bytes. */
export const PIECE = 64;

const MESSAGE = 'id, author_id, text, time, client_id';

/**
 * The reads whose cost must not grow with the table: a test counts the rows that each visits. The plus in `LIMIT +?`
 * hides the parameter from SQLite, which would otherwise plan the statement again for each call (9 µs of 10).
 */
export const SQL = {
  newest: 'SELECT id FROM entry ORDER BY id DESC LIMIT 1',
  time: 'SELECT time FROM entry WHERE id = ?',
  gapUpTo: 'SELECT last FROM id_gap WHERE first <= ? ORDER BY first DESC LIMIT 1',
  entriesAfter: `SELECT ${ENTRY_COLUMNS} FROM entry WHERE id > ? ORDER BY id LIMIT +?`,
  newestMessage: `SELECT ${MESSAGE} FROM entry WHERE chat_id = ? AND visibility = 1 ORDER BY id DESC LIMIT 1`,
  newestMessageId: 'SELECT id FROM entry WHERE chat_id = ? AND visibility = 1 ORDER BY id DESC LIMIT 1',
  hasMessageAfter:
    'SELECT 1 FROM entry WHERE chat_id = ? AND visibility = 1 AND id > ? AND author_id = ? LIMIT 1',
  newestNumber: 'SELECT id, n FROM entry WHERE chat_id = ? AND visibility = 1 ORDER BY id DESC LIMIT 1',
  numberFrom: 'SELECT id, n FROM entry WHERE chat_id = ? AND visibility = 1 AND id >= ? ORDER BY id LIMIT 1',
  messagesDown: `SELECT ${MESSAGE} FROM entry WHERE chat_id = ? AND visibility = 1 AND id <= ? ORDER BY id DESC LIMIT +?`,
  messagesUp: `SELECT ${MESSAGE} FROM entry WHERE chat_id = ? AND visibility = 1 AND id > ? ORDER BY id LIMIT +?`,
  newestChange: `SELECT id FROM entry WHERE chat_id = ? AND visibility = 2 AND kind IN (${CHANGE_KINDS})
                 ORDER BY id DESC LIMIT 1`,
  changesUp: `SELECT ${ENTRY_COLUMNS} FROM entry
              WHERE chat_id = ? AND visibility = 2 AND kind IN (${CHANGE_KINDS}) AND id > ?
              ORDER BY id LIMIT +?`,
  chatsOf: `SELECT m.chat_id FROM member m JOIN chat c ON c.id = m.chat_id
            WHERE m.user_id = ? AND c.deleted_at IS NULL ORDER BY m.chat_id`,
  groupsOf: `SELECT m.chat_id FROM member m JOIN chat c ON c.id = m.chat_id
             WHERE m.user_id = ? AND c.deleted_at IS NULL AND c.type = 'group' ORDER BY m.chat_id`,
} as const;

/** A row of MESSAGE. The chat is not among the columns, as each of them costs about 0.2 µs on Node 20. */
export type MessageRow = readonly [
  id: number,
  authorId: number,
  text: string,
  time: number,
  clientId: string | null,
];
