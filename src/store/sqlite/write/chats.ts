import { pairOf } from '../../../chat/chats.js';
import { ChatError } from '../../../chat/errors.js';
import type { WriterContext, Writers } from './writers.js';

export function chatWriters({ db, profiles, append, nextId }: WriterContext): Writers<'open_chat'> {
  const chatOfPair = db
    .prepare<[number, number], number>(
      "SELECT id FROM chat WHERE type = 'private' AND user_a = ? AND user_b = ?",
    )
    .pluck();
  const insert = db.prepare(
    `INSERT INTO chat (id, type, name, description, owner_id, user_a, user_b, members_count, created_at)
     VALUES (?, 'private', '', '', ?, ?, ?, 2, ?)`,
  );
  const insertMember = db.prepare('INSERT INTO member (chat_id, user_id) VALUES (?, ?)');

  return {
    open_chat({ actor, other }, now) {
      if (profiles.user(actor) === undefined) throw new ChatError('profile_required');
      if (actor === other) throw new ChatError('self_chat');
      if (profiles.user(other) === undefined)
        throw new ChatError('user_unknown', { details: { users: [other] } });
      const pair = pairOf(actor, other);
      const existing = chatOfPair.get(...pair);
      if (existing !== undefined) return { id: existing };

      const id = nextId('chat');
      insert.run(id, actor, ...pair, now);
      for (const user of pair) insertMember.run(id, user);
      append({ kind: 'chat_opened', chatId: id, authorId: actor, time: now, users: pair });
      return { id };
    },
  };
}
