import type { Commands } from '../../../chat/commands.js';
import { ChatError, rateLimited } from '../../../chat/errors.js';
import {
  EMOJI_PER_MESSAGE_MAX,
  isDeleted,
  type Message,
  type MessageExtra,
  type Reaction,
} from '../../../chat/messages.js';
import { Visibility, withVisibility } from '../entry-rows.js';
import type { Author } from './chat-write-cache.js';
import { mentionedUsers, messageById } from './messages.js';
import type { WriterContext, Writers } from './writers.js';

type ChangeCommand = Commands['edit_message' | 'delete_message' | 'react']['do'];

/** A message that the actor may see, and how the actor is known in its chat. */
interface Target {
  readonly message: Message;
  readonly author: Author;
}

/**
 * Changes messages in their place in the log, and tells of each change by an entry of its own. Only the newest change of a
 * message is kept for those who resume; the ones before it are removed when no worker can be behind them.
 */
export function messageChangeWriters(
  context: WriterContext,
): Writers<'edit_message' | 'delete_message' | 'react'> {
  const { db, profiles, append, supersede, writeCache, overloaded, rate, editSecondsMax } = context;
  const message = messageById(db);
  const update = db.prepare('UPDATE entry SET text = ?, payload = ?, visibility = ? WHERE id = ?');
  const addTombstone = db.prepare(
    'INSERT INTO tombstone (chat_id, n) SELECT chat_id, n FROM entry WHERE id = ?',
  );
  const clearSuperseded = db.prepare(
    `UPDATE entry SET text = '' WHERE chat_id = ? AND ${withVisibility(Visibility.superseded)} AND target_id = ?`,
  );
  const addReaction = db.prepare(
    'INSERT OR IGNORE INTO reaction (message_id, emoji, user_id) VALUES (?, ?, ?)',
  );
  const removeReaction = db.prepare(
    'DELETE FROM reaction WHERE message_id = ? AND emoji = ? AND user_id = ?',
  );
  const removeMention = db.prepare(
    'DELETE FROM mention WHERE chat_id = ? AND user_id = ? AND message_id = ?',
  );
  const removeReactions = db.prepare('DELETE FROM reaction WHERE message_id = ?');

  /** Errors: profile_required, message_not_found, rate_limited. */
  function targetOf({ actor, messageId, chatId }: ChangeCommand, now: number): Target {
    if (profiles.user(actor) === undefined) throw new ChatError('profile_required');
    const waitMs = rate.take(actor, now);
    if (waitMs > 0) throw rateLimited('messages', waitMs);
    const found = message(messageId);
    // A stranger causes the same reads whether there is a message or not.
    const author = writeCache.authorIn(found?.chatId ?? 0, actor);
    const isElsewhere = chatId !== undefined && found?.chatId !== chatId;
    if (found === undefined || author === undefined || isElsewhere) throw new ChatError('message_not_found');
    return { message: found, author };
  }

  /** Whether the author has sent a change under this name before. */
  function isRepeated({ author }: Target, { clientId }: ChangeCommand): boolean {
    return clientId !== undefined && writeCache.isRepeatedChange(author, clientId);
  }

  /** A change that is made already. Should it come again late, it must not undo what follows. */
  function nothingToDo(target: Target, { clientId }: ChangeCommand) {
    const outcome = unchanged(target);
    if (clientId !== undefined) writeCache.addChange(target.author, clientId, outcome.changeId);
    return outcome;
  }

  function unchanged({ message: { extra } }: Target) {
    return { changeId: extra?.changeId ?? 0, duplicate: true } as const;
  }

  /** Gives the message the text and what else it has now, of which the change with this id is the newest. */
  function changed(
    { message: { id, extra: before }, author }: Target,
    { clientId }: ChangeCommand,
    changeId: number,
    text: string,
    extra: MessageExtra,
  ) {
    if (before?.changeId !== undefined) supersede(before.changeId);
    const visibility = extra.deletedAt === undefined ? Visibility.history : Visibility.tombstone;
    update.run(text, JSON.stringify({ ...extra, changeId }), visibility, id);
    if (clientId !== undefined) writeCache.addChange(author, clientId, changeId);
    return { changeId };
  }

  function assertNotOverloaded(): void {
    if (overloaded()) throw new ChatError('overloaded');
  }

  return {
    edit_message(command, now) {
      const target = targetOf(command, now);
      const { id, chatId, authorId, text: before, time, extra } = target.message;
      if (isDeleted(target.message)) throw new ChatError('message_not_found');
      if (authorId !== command.actor) throw new ChatError('not_author');
      if (isRepeated(target, command)) return unchanged(target);
      if (command.text === before) return nothingToDo(target, command);
      if (editSecondsMax > 0 && now - time > editSecondsMax * 1000) throw new ChatError('edit_too_late');
      assertNotOverloaded();

      const { actor, text, clientId = null } = command;
      const version = (extra?.version ?? 1) + 1;
      const change = { chatId, authorId: actor, messageId: id, clientId, time: now } as const;
      const changeId = append({ kind: 'message_edited', ...change, text, version });
      return changed(target, command, changeId, text, { ...extra, version, editedAt: now });
    },

    delete_message(command, now) {
      const target = targetOf(command, now);
      const { id, chatId, authorId } = target.message;
      const { actor, clientId = null } = command;
      if (authorId !== actor) {
        const chat = profiles.chat(chatId);
        if (chat?.type !== 'group' || chat.ownerId !== actor) throw new ChatError('not_author');
      }
      if (isDeleted(target.message)) return unchanged(target);
      assertNotOverloaded();

      const changeId = append({
        kind: 'message_deleted',
        chatId,
        authorId: actor,
        messageId: id,
        clientId,
        time: now,
      });
      const outcome = changed(target, command, changeId, '', { deletedAt: now, deletedBy: actor });
      clearSuperseded.run(chatId, id);
      addTombstone.run(id);
      removeReactions.run(id);
      for (const user of mentionedUsers(target.message.extra?.mentions ?? []))
        removeMention.run(chatId, user, id);
      return outcome;
    },

    react(command, now) {
      const target = targetOf(command, now);
      if (isDeleted(target.message)) throw new ChatError('message_not_found');
      if (isRepeated(target, command)) return unchanged(target);
      const { id, chatId, text, extra } = target.message;
      const { actor, emoji, isOn, clientId = null } = command;
      const reactions = extra?.reactions ?? [];
      const isNew = !reactions.some((reaction) => reaction.emoji === emoji);
      if (isOn && isNew && reactions.length >= EMOJI_PER_MESSAGE_MAX)
        throw new ChatError('too_many_reactions', { details: { max: EMOJI_PER_MESSAGE_MAX } });
      assertNotOverloaded();

      const write = isOn ? addReaction : removeReaction;
      if (write.run(id, emoji, actor).changes === 0) return nothingToDo(target, command);
      const after = counted(reactions, emoji, isOn ? 1 : -1);
      const count = after.find((reaction) => reaction.emoji === emoji)?.count ?? 0;
      const change = { chatId, authorId: actor, messageId: id, clientId, time: now } as const;
      const changeId = append({ kind: 'reaction_changed', ...change, emoji, isOn, count });
      return changed(target, command, changeId, text, { ...extra, reactions: after });
    },
  };
}

/** Counts one more or one less of an emoji. One that nobody is left with goes. */
function counted(reactions: readonly Reaction[], emoji: string, by: 1 | -1): Reaction[] {
  const isKnown = reactions.some((reaction) => reaction.emoji === emoji);
  const all = isKnown ? reactions : [...reactions, { emoji, count: 0 }];
  return all
    .map((reaction) => (reaction.emoji === emoji ? { emoji, count: reaction.count + by } : reaction))
    .filter(({ count }) => count > 0);
}
