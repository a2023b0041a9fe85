import { EntryKind } from '../../chat/entries.js';
import { ChatError } from '../../chat/errors.js';
import type { Message } from '../../chat/messages.js';
import type { WriterContext, Writers } from './writers.js';

export function messageWriters({ db, append, heads, overloaded }: WriterContext): Writers<'post_message'> {
  const mayPost = db
    .prepare<[number, number], number>(
      `SELECT 1 FROM member m JOIN chat c ON c.id = m.chat_id
       WHERE m.chat_id = ? AND m.user_id = ? AND c.deleted_at IS NULL`,
    )
    .pluck();
  const message = db.prepare<[number], Message>(
    `SELECT id, chat_id AS chatId, author_id AS authorId, text, time, client_id AS clientId
     FROM entry WHERE id = ?`,
  );

  return {
    post_message({ chatId, authorId, text, clientId }, now) {
      if (mayPost.get(chatId, authorId) === undefined) throw new ChatError('chat_not_found');
      const repeated = clientId === undefined ? undefined : heads.repeatOf(chatId, authorId, clientId);
      if (repeated !== undefined) {
        const first = message.get(repeated);
        if (first !== undefined) return { id: repeated, duplicate: first };
      }
      if (overloaded()) throw new ChatError('overloaded');
      const n = heads.nextNumber(chatId);
      const id = append({ chatId, kind: EntryKind.message, authorId, text, time: now, clientId, n });
      heads.wrote(chatId, authorId, clientId, id);
      return { id, time: now };
    },
  };
}
