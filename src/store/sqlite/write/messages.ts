import { ChatError, rateLimited } from '../../../chat/errors.js';
import type { Message } from '../../../chat/messages.js';
import { MESSAGE_KIND, Visibility } from '../entry-rows.js';
import type { WriterContext, Writers } from './writers.js';

export function messageWriters({ db, writeCache, overloaded, rate }: WriterContext): Writers<'post_message'> {
  const insert = db.prepare(
    `INSERT INTO entry (chat_id, kind, author_id, text, time, client_id, n, visibility)
     VALUES (?, ${MESSAGE_KIND}, ?, ?, ?, ?, ?, ${Visibility.history})`,
  );
  const message = db.prepare<[number], Message>(
    `SELECT 'message' AS kind, id, chat_id AS chatId, author_id AS authorId, text, time, client_id AS clientId
     FROM entry WHERE id = ?`,
  );

  return {
    post_message({ chatId, authorId, text, clientId }, now) {
      const author = writeCache.authorIn(chatId, authorId);
      if (author === undefined) throw new ChatError('chat_not_found');
      // Repeats are counted too, because each costs as much.
      const waitMs = rate.take(authorId, now);
      if (waitMs > 0) throw rateLimited('messages', waitMs);
      const repeated = clientId === undefined ? undefined : writeCache.repeatOf(author, clientId);
      if (repeated !== undefined) {
        const first = message.get(repeated);
        if (first !== undefined) return { id: repeated, duplicate: first };
      }
      if (overloaded()) throw new ChatError('overloaded');
      const n = writeCache.nextNumber(author);
      const id = Number(insert.run(chatId, authorId, text, now, clientId ?? null, n).lastInsertRowid);
      writeCache.addMessage(author, clientId, id);
      return { id, time: now };
    },
  };
}
