import { ChatError, rateLimited } from '../../../chat/errors.js';
import type { Mention, Message } from '../../../chat/messages.js';
import {
  ENTRY_COLUMNS,
  type EntryRow,
  EVERYBODY,
  MESSAGE_KIND,
  messageOf,
  Visibility,
} from '../entry-rows.js';
import type { WriterContext, Writers } from './writers.js';

/** Makes the query for a message of any chat, deleted or not. */
export function messageById(db: WriterContext['db']): (id: number) => Message | undefined {
  const row = db
    .prepare<[number], EntryRow>(`SELECT ${ENTRY_COLUMNS} FROM entry WHERE id = ? AND kind = ${MESSAGE_KIND}`)
    .raw();
  return (messageId) => {
    const found = row.get(messageId);
    if (found === undefined) return undefined;
    const [id, chatId, , authorId, text, time, clientId, extra] = found;
    return messageOf(chatId, [id, authorId, text, time, clientId, extra]);
  };
}

/** The users under whom mentions are stored: who mentions everybody mentions each once. */
export function mentionedUsers(mentions: readonly Mention[]): number[] {
  return mentions.includes('all') ? [EVERYBODY] : mentions.filter((user) => user !== 'all');
}

export function messageWriters(context: WriterContext): Writers<'post_message'> {
  const { db, profiles, writeCache, overloaded, rate } = context;
  const insertInto = (columns: string, values: string) =>
    db.prepare(
      `INSERT INTO entry (chat_id, kind, author_id, text, time, client_id, n, visibility${columns})
       VALUES (?, ${MESSAGE_KIND}, ?, ?, ?, ?, ?, ${Visibility.history}${values})`,
    );
  // Most messages have nothing beside their text.
  const insert = insertInto('', '');
  const insertWith = insertInto(', payload', ', ?');
  const message = messageById(db);
  const insertMention = db.prepare(
    'INSERT INTO mention (chat_id, user_id, message_id, author_id) VALUES (?, ?, ?, ?)',
  );

  /** Errors: reply_unknown. */
  function assertMayReply(chatId: number, replyTo: number): void {
    const answered = message(replyTo);
    if (answered?.chatId !== chatId || answered.extra?.deletedAt !== undefined)
      throw new ChatError('reply_unknown');
  }

  /** Errors: not_a_member, not_owner. */
  function assertMayMention(chatId: number, authorId: number, mentions: readonly Mention[]): void {
    if (mentions.includes('all')) {
      const chat = profiles.chat(chatId);
      if (chat?.type !== 'group' || chat.ownerId !== authorId) throw new ChatError('not_owner');
    }
    const strangers = mentions.filter((user) => user !== 'all' && !profiles.isMember(chatId, user));
    if (strangers.length > 0) throw new ChatError('not_a_member', { details: { users: strangers } });
  }

  return {
    post_message({ chatId, authorId, text, clientId, replyTo, mentions = NOBODY }, now) {
      const author = writeCache.authorIn(chatId, authorId);
      if (author === undefined) throw new ChatError('chat_not_found');
      // Repeats are counted too, because each costs as much.
      const waitMs = rate.take(authorId, now);
      if (waitMs > 0) throw rateLimited('messages', waitMs);
      const repeated = clientId === undefined ? undefined : writeCache.repeatOf(author, clientId);
      if (repeated !== undefined) {
        const first = message(repeated);
        // One that was deleted since is not sent again.
        if (first?.extra?.deletedAt !== undefined) throw new ChatError('message_not_found');
        if (first !== undefined) return { id: repeated, duplicate: first };
      }
      if (overloaded()) throw new ChatError('overloaded');
      if (replyTo !== undefined) assertMayReply(chatId, replyTo);
      if (mentions.length > 0) assertMayMention(chatId, authorId, mentions);
      const payload = payloadOf(replyTo, mentions);
      const n = writeCache.nextNumber(author);
      const name = clientId ?? null;
      const added =
        payload === undefined
          ? insert.run(chatId, authorId, text, now, name, n)
          : insertWith.run(chatId, authorId, text, now, name, n, payload);
      const id = Number(added.lastInsertRowid);
      if (mentions.length > 0)
        for (const user of mentionedUsers(mentions)) insertMention.run(chatId, user, id, authorId);
      writeCache.addMessage(author, clientId, id);
      return { id, time: now };
    },
  };
}

const NOBODY: readonly Mention[] = [];

function payloadOf(replyTo: number | undefined, mentions: readonly Mention[]): string | undefined {
  if (replyTo === undefined && mentions.length === 0) return undefined;
  return JSON.stringify({ replyTo, ...(mentions.length > 0 && { mentions }) });
}
