import { EntryKind } from '../../../chat/entries.js';
import { ChatError } from '../../../chat/errors.js';
import { assertMayAdd, assertMayManage, assertMayRemove, assertSize } from '../../../chat/groups.js';
import type { WriterContext, Writers } from './writers.js';

type GroupCommand = 'create_group' | 'delete_group' | 'add_members' | 'remove_members';

export function groupWriters({
  db,
  view,
  append,
  writeCache,
  nextId,
  groupMembersMax,
}: WriterContext): Writers<GroupCommand> {
  const groupOfClientId = db.prepare<[number, string], { id: number; name: string }>(
    'SELECT id, name FROM chat WHERE owner_id = ? AND client_id = ?',
  );
  const insert = db.prepare(
    `INSERT INTO chat (id, type, name, description, photo, owner_id, members_count, client_id, created_at)
     VALUES (?, 'group', ?, ?, ?, ?, ?, ?, ?)`,
  );
  const markDeleted = db.prepare('UPDATE chat SET deleted_at = ? WHERE id = ?');
  const queuePurge = db.prepare('INSERT INTO purge (chat_id, deleted_at) VALUES (?, ?)');
  const insertMember = db.prepare('INSERT INTO member (chat_id, user_id) VALUES (?, ?)');
  const deleteMember = db.prepare('DELETE FROM member WHERE chat_id = ? AND user_id = ?');
  const countMembers = db.prepare('UPDATE chat SET members_count = members_count + ? WHERE id = ?');

  const unknownOf = (users: readonly number[]) => users.filter((id) => view.user(id) === undefined);

  /** The owner of a group that the actor may manage; otherwise refuses. */
  function managed(groupId: number, actor: number): number {
    if (view.user(actor) === undefined) throw new ChatError('profile_required');
    // Membership first: whether there is such a group takes no time of those who are not in it.
    const actorIsMember = view.isMember(groupId, actor);
    const chat = actorIsMember ? view.chat(groupId) : undefined;
    const ownerId = chat?.ownerId ?? 0;
    assertMayManage({ exists: chat?.type === 'group', ownerId, actorIsMember }, actor);
    return ownerId;
  }

  return {
    create_group(command, now) {
      const { actor, name, description, clientId } = command;
      if (view.user(actor) === undefined) throw new ChatError('profile_required');
      const first = clientId === undefined ? undefined : groupOfClientId.get(actor, clientId);
      if (first !== undefined) return { ...first, duplicate: true };
      const members = [...new Set([actor, ...command.users])];
      assertSize(members.length, groupMembersMax);
      assertMayAdd(unknownOf(members), []);

      const id = command.id ?? nextId('chat');
      insert.run(id, name, description, command.photo ?? null, actor, members.length, clientId ?? null, now);
      for (const user of members) insertMember.run(id, user);
      append({ chatId: id, kind: EntryKind.groupCreated, authorId: actor, time: now, users: members });
      return { id, name };
    },

    delete_group({ actor, groupId }, now) {
      managed(groupId, actor);
      markDeleted.run(now, groupId);
      queuePurge.run(groupId, now);
      writeCache.forget(groupId);
      append({ chatId: groupId, kind: EntryKind.groupDeleted, authorId: actor, time: now });
      return {};
    },

    add_members({ actor, groupId, users }, now) {
      managed(groupId, actor);
      assertMayAdd(
        unknownOf(users),
        users.filter((id) => view.isMember(groupId, id)),
      );
      assertSize(users.length + (view.chat(groupId)?.membersCount ?? 0), groupMembersMax);
      for (const user of users) insertMember.run(groupId, user);
      countMembers.run(users.length, groupId);
      append({ chatId: groupId, kind: EntryKind.membersAdded, authorId: actor, time: now, users });
      return {};
    },

    remove_members({ actor, groupId, users }, now) {
      const ownerId = managed(groupId, actor);
      const strangers = users.filter((id) => !view.isMember(groupId, id));
      assertMayRemove(users, ownerId, strangers);
      for (const user of users) deleteMember.run(groupId, user);
      writeCache.left(groupId, users);
      countMembers.run(-users.length, groupId);
      append({ chatId: groupId, kind: EntryKind.membersRemoved, authorId: actor, time: now, users });
      return {};
    },
  };
}
