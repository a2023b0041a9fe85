import { chatNotFound, pairOf } from '../../../chat/chats.js';
import { ChatError } from '../../../chat/errors.js';
import { SQL } from '../read/sql.js';
import type { WriterContext, Writers } from './writers.js';

export function chatWriters({
  db,
  profiles,
  append,
  supersede,
  nextId,
  overloaded,
  typingMembersMax,
}: WriterContext): Writers<'open_chat' | 'mark_read'> {
  const chatOfPair = db
    .prepare<[number, number], number>(
      "SELECT id FROM chat WHERE type = 'private' AND user_a = ? AND user_b = ?",
    )
    .pluck();
  const insert = db.prepare(
    `INSERT INTO chat (id, type, name, description, owner_id, user_a, user_b, members_count, created_at)
     VALUES (?, 'private', '', '', ?, ?, ?, 2, ?)`,
  );
  const newest = db.prepare<[], number>(SQL.newest).pluck();
  const marker = db.prepare<[number, number], { readId: number; entryId: number | null }>(
    'SELECT read_id AS readId, read_entry_id AS entryId FROM member WHERE chat_id = ? AND user_id = ?',
  );
  const moveMarker = db.prepare(
    'UPDATE member SET read_id = ?, read_entry_id = ? WHERE chat_id = ? AND user_id = ?',
  );
  const insertMember = db.prepare('INSERT INTO member (chat_id, user_id, joined_id) VALUES (?, ?, ?)');

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
      const entryId = append({ kind: 'chat_opened', chatId: id, authorId: actor, time: now, users: pair });
      for (const user of pair) insertMember.run(id, user, entryId);
      return { id };
    },

    mark_read({ actor, chatId, type, id }, now) {
      const user = profiles.user(actor);
      if (user === undefined) throw new ChatError('profile_required');
      const chat = profiles.chatFor(chatId, actor);
      const before = marker.get(chatId, actor);
      const isOfType = chat !== undefined && (type === undefined || chat.type === type);
      if (!isOfType || before === undefined) throw chatNotFound(type);
      if (id > (newest.get() ?? 0)) throw new ChatError('message_not_found');
      if (id <= before.readId) return { readId: before.readId };
      if (overloaded()) throw new ChatError('overloaded');

      const isSmall = typingMembersMax === 0 || chat.membersCount <= typingMembersMax;
      const isShown = user.readReceipts && (chat.type === 'private' || isSmall);
      const entryId = append({ kind: 'chat_read', chatId, authorId: actor, time: now, readId: id, isShown });
      if (before.entryId !== null) supersede(before.entryId);
      moveMarker.run(id, entryId, chatId, actor);
      return { readId: id };
    },
  };
}
