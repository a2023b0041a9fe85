import { QUOTE_CHARACTERS_MAX } from '../../../chat/messages.js';
import { CHANGE_KINDS, ENTRY_COLUMNS, MESSAGE_COLUMNS, withVisibility } from '../entry-rows.js';

/** Rows are read in pieces of this many, so that little is read beyond a bound in bytes. */
export const PIECE = 64;

/** Messages that were not deleted, and those that were: the place of each is kept. */
const message = (visibility: 1 | 4, columns: string) =>
  `SELECT ${columns} FROM entry WHERE chat_id = ? AND ${withVisibility(visibility)}`;
/** Both in one order. Each half is read from its own index, as far as it is needed. */
const anyMessage = (where: string, order: 'ASC' | 'DESC') =>
  `${message(1, MESSAGE_COLUMNS)} AND ${where} UNION ALL ${message(4, MESSAGE_COLUMNS)} AND ${where}
   ORDER BY id ${order} LIMIT +?`;

/** Changes of messages, the newest of each. */
const change = (columns: string) => `SELECT ${columns} FROM entry WHERE chat_id = ? AND visibility = 2`;

/** The columns by which repeats are recognised. */
const named = (isChange: 0 | 1) => `id, author_id AS author, client_id AS clientId, ${isChange} AS isChange`;

/**
 * The reads whose cost must not grow with the table: a test counts the rows that each visits. The plus in `LIMIT +?`
 * hides the parameter from SQLite, which would otherwise plan the statement again for each call (9 µs of 10).
 */
export const SQL = {
  newest: 'SELECT id FROM entry ORDER BY id DESC LIMIT 1',
  time: 'SELECT time FROM entry WHERE id = ?',
  gapUpTo: 'SELECT last FROM id_gap WHERE first <= ? ORDER BY first DESC LIMIT 1',
  entriesAfter: `SELECT ${ENTRY_COLUMNS} FROM entry WHERE id > ? ORDER BY id LIMIT +?`,
  entry: `SELECT ${ENTRY_COLUMNS} FROM entry WHERE id = ?`,
  newestMessage: `${message(1, MESSAGE_COLUMNS)} ORDER BY id DESC LIMIT 1`,
  newestMessageId: `${message(1, 'id')} ORDER BY id DESC LIMIT 1`,
  hasMessageAfter: `${message(1, '1')} AND id > ? AND author_id = ? LIMIT 1`,
  newestNumber: `${message(1, 'id, n')} ORDER BY id DESC LIMIT 1`,
  numberFrom: `${message(1, 'id, n')} AND id >= ? ORDER BY id LIMIT 1`,
  messagesDown: `${message(1, MESSAGE_COLUMNS)} AND id <= ? ORDER BY id DESC LIMIT +?`,
  messagesUp: `${message(1, MESSAGE_COLUMNS)} AND id > ? ORDER BY id LIMIT +?`,
  anyMessageDown: anyMessage('id <= ?', 'DESC'),
  anyMessageUp: anyMessage('id > ?', 'ASC'),
  newestTombstone: `${message(4, 'id, n')} ORDER BY id DESC LIMIT 1`,
  tombstonesNumbered: 'SELECT count(*) FROM tombstone WHERE chat_id = ? AND n >= ? AND n < ?',
  newestChange: `${change('id')} AND kind IN (${CHANGE_KINDS}) ORDER BY id DESC LIMIT 1`,
  changesUp: `SELECT c.id, c.author_id, c.time, m.id, m.author_id, m.text, m.time, m.client_id, m.payload
              FROM entry c CROSS JOIN entry m ON m.id = c.target_id
              WHERE c.chat_id = ? AND c.visibility = 2 AND c.id > ?
                AND c.kind IN (${CHANGE_KINDS})
              ORDER BY c.id LIMIT +?`,
  quote: `SELECT m.author_id AS authorId, u.name AS authorName, substr(m.text, 1, ${QUOTE_CHARACTERS_MAX + 1}) AS text
          FROM entry m JOIN user u ON u.id = m.author_id WHERE m.id = ? AND m.visibility = 1`,
  reactors: `SELECT u.id, u.name FROM reaction r CROSS JOIN user u ON u.id = r.user_id
             WHERE r.message_id = ? AND r.emoji = ? ORDER BY r.user_id LIMIT +? OFFSET +?`,
  hasReacted: 'SELECT 1 FROM reaction WHERE message_id = ? AND emoji = ? AND user_id = ?',
  clientIdsOfMessages: `${message(1, named(0))} ORDER BY id DESC LIMIT +?`,
  clientIdsOfTombstones: `${message(4, named(0))} ORDER BY id DESC LIMIT +?`,
  clientIdsOfChanges: `${change(named(1))} ORDER BY id DESC LIMIT +?`,
  clientIdsOfSuperseded: `SELECT ${named(1)} FROM entry
                          WHERE chat_id = ? AND ${withVisibility(3)} AND target_id IS NOT NULL ORDER BY id DESC LIMIT +?`,
  unread: `${message(1, 'count(*)')} AND id > ? AND id <= ? AND author_id <> ?`,
  unreadEnd: `${message(1, 'id')} AND id > ? ORDER BY id LIMIT 1 OFFSET +?`,
  mentioned: `SELECT count(nullif(author_id, ?)) FROM (SELECT author_id FROM mention
              WHERE chat_id = ? AND user_id = ? AND message_id > ? ORDER BY message_id LIMIT +?)`,
  readId: 'SELECT read_id FROM member WHERE chat_id = ? AND user_id = ?',
  reader: `SELECT u.id, u.name, m.read_id AS readId FROM member m CROSS JOIN user u ON u.id = m.user_id
           WHERE m.chat_id = ? AND m.user_id = ?`,
  readers: `SELECT u.id, u.name, m.read_id AS readId FROM member m CROSS JOIN user u ON u.id = m.user_id
            WHERE m.chat_id = ? AND (u.read_receipts = 1 OR u.id = ?) ORDER BY m.user_id`,
  /** The id of one of all the entries that sockets of the full view hear of, so many after the first. */
  entryId: `${message(1, 'id')} AND id > ? UNION ALL ${message(4, 'id')} AND id > ? UNION ALL
             ${change('id')} AND kind IN (${CHANGE_KINDS}) AND id > ? ORDER BY id LIMIT 1 OFFSET +?`,
  membershipsOf: `SELECT m.chat_id AS chatId, m.read_id AS readId, m.joined_id AS joinedId,
                    c.changed_id AS changedId, c.type, c.user_a AS userA, c.user_b AS userB
                  FROM member m JOIN chat c ON c.id = m.chat_id
                  WHERE m.user_id = ? AND c.deleted_at IS NULL ORDER BY m.chat_id`,
  departures: 'SELECT chat_id AS chatId, entry_id AS id FROM departure WHERE user_id = ? AND entry_id > ?',
  deletedGroups: `SELECT m.chat_id AS chatId, c.deleted_id AS id FROM member m JOIN chat c ON c.id = m.chat_id
                  WHERE m.user_id = ? AND c.deleted_at IS NOT NULL AND c.deleted_id > ?`,
  userChangedId: 'SELECT changed_id FROM user WHERE id = ?',
  partnersOf: `SELECT m.chat_id AS chatId, m.joined_id AS since,
                 iif(c.user_a = m.user_id, c.user_b, c.user_a) AS userId
               FROM member m JOIN chat c ON c.id = m.chat_id WHERE m.user_id = ? AND c.type = 'private'`,
  chatsOf: `SELECT m.chat_id FROM member m JOIN chat c ON c.id = m.chat_id
            WHERE m.user_id = ? AND c.deleted_at IS NULL ORDER BY m.chat_id`,
  groupsOf: `SELECT m.chat_id FROM member m JOIN chat c ON c.id = m.chat_id
             WHERE m.user_id = ? AND c.deleted_at IS NULL AND c.type = 'group' ORDER BY m.chat_id`,
} as const;
