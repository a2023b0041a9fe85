import type { Connection } from '../database.js';
import { Visibility, withVisibility } from '../entry-rows.js';

const SLICE_ROWS_MAX = 1000;
/** Messages of a deleted group and superseded changes stay for a while, because a worker that is behind still shows them. */
const PURGE_AFTER_MS = 60_000;
/** No worker asks again for the outcomes of a batch that is this old. */
const BATCH_KEPT_MS = 3_600_000;

/**
 * Makes the function that removes one slice of what is not needed any more: reactions, messages and changes, then members
 * of deleted groups, changes that newer ones superseded, and outcomes of batches whose worker is gone. It returns true
 * when there may be more to do. `dropped` is called for each batch whose outcomes were removed.
 */
export function purger(db: Connection, dropped: (worker: string, number: number) => void) {
  const next = db
    .prepare<[number], number>('SELECT chat_id FROM purge WHERE deleted_at <= ? ORDER BY chat_id LIMIT 1')
    .pluck();
  const { history, sockets, tombstone } = Visibility;
  const nextIds = (visibility: 1 | 2 | 4) =>
    `SELECT id FROM entry WHERE chat_id = ? AND ${withVisibility(visibility)} ORDER BY id LIMIT ${SLICE_ROWS_MAX}`;
  // Reactions to the very messages that go next.
  const deleteReactions = db.prepare(
    `DELETE FROM reaction WHERE (message_id, emoji, user_id) IN (
       SELECT message_id, emoji, user_id FROM (${nextIds(history)}) CROSS JOIN reaction ON message_id = id
       LIMIT ${SLICE_ROWS_MAX})`,
  );
  const deleteEntries = [history, sockets, tombstone].map((visibility) =>
    db.prepare(`DELETE FROM entry WHERE id IN (${nextIds(visibility)})`),
  );
  const superseded = db.prepare<[number], { id: number; time: number }>(
    'SELECT id, time FROM superseded ORDER BY id LIMIT ?',
  );
  const deleteSuperseded = ['entry', 'superseded'].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE id = ?`),
  );
  const deleteTombstones = db.prepare(
    `DELETE FROM tombstone WHERE chat_id = ? AND n IN (
       SELECT n FROM tombstone WHERE chat_id = ? ORDER BY n LIMIT ?)`,
  );
  const deleteMentions = db.prepare(
    `DELETE FROM mention WHERE chat_id = ? AND (user_id, message_id) IN (
       SELECT user_id, message_id FROM mention WHERE chat_id = ? LIMIT ?)`,
  );
  const departed = db.prepare(
    `INSERT OR REPLACE INTO departure (user_id, chat_id, entry_id)
     SELECT m.user_id, m.chat_id, c.deleted_id FROM member m JOIN chat c ON c.id = m.chat_id
     WHERE m.chat_id = ? ORDER BY m.user_id LIMIT ?`,
  );
  const slice = 'FROM member WHERE chat_id = ? ORDER BY user_id LIMIT ?';
  const deleteMarkers = db.prepare(`DELETE FROM entry WHERE id IN (SELECT read_entry_id ${slice})`);
  const deleteMembers = db.prepare(
    `DELETE FROM member WHERE chat_id = ? AND user_id IN (SELECT user_id ${slice})`,
  );
  const done = db.prepare('DELETE FROM purge WHERE chat_id = ?');
  const oldBatches = db.prepare<[number, number], { worker: string; number: number }>(
    'SELECT worker, number FROM batch WHERE applied_at <= ? LIMIT ?',
  );
  const deleteBatch = db.prepare('DELETE FROM batch WHERE worker = ? AND number = ?');

  return (now: number): boolean => {
    const chatId = next.get(now - PURGE_AFTER_MS);
    const old = oldBatches.all(now - BATCH_KEPT_MS, SLICE_ROWS_MAX);
    const changes = superseded.all(SLICE_ROWS_MAX).filter(({ time }) => time <= now - PURGE_AFTER_MS);
    if (chatId === undefined && old.length === 0 && changes.length === 0) return false;
    const purgeSlice = db.transaction(() => {
      for (const { worker, number } of old) deleteBatch.run(worker, number);
      for (const { id } of changes) for (const from of deleteSuperseded) from.run(id);
      if (chatId === undefined) return;
      if (deleteReactions.run(chatId).changes > 0) return;
      for (const entries of deleteEntries) if (entries.run(chatId).changes > 0) return;
      if (deleteTombstones.run(chatId, chatId, SLICE_ROWS_MAX).changes > 0) return;
      if (deleteMentions.run(chatId, chatId, SLICE_ROWS_MAX).changes > 0) return;
      departed.run(chatId, SLICE_ROWS_MAX);
      deleteMarkers.run(chatId, SLICE_ROWS_MAX);
      if (deleteMembers.run(chatId, chatId, SLICE_ROWS_MAX).changes > 0) return;
      done.run(chatId);
    });
    purgeSlice.immediate();
    for (const { worker, number } of old) dropped(worker, number);
    return true;
  };
}
