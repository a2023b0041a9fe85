import type { Chat } from '../../../chat/chats.js';
import { ChatError } from '../../../chat/errors.js';
import { assertMayAdd, assertMayManage, assertMayRemove, assertSize } from '../../../chat/groups.js';
import { given, replacedPhoto } from './changes.js';
import type { WriterContext, Writers } from './writers.js';

type GroupCommand = 'create_group' | 'update_group' | 'delete_group' | 'add_members' | 'remove_members';

export function groupWriters({
  db,
  profiles,
  append,
  supersede,
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
  const update = db.prepare('UPDATE chat SET name = ?, description = ?, photo = ? WHERE id = ?');
  const markDeleted = db.prepare('UPDATE chat SET deleted_at = ? WHERE id = ?');
  const queuePurge = db.prepare('INSERT INTO purge (chat_id, deleted_at) VALUES (?, ?)');
  const insertMember = db.prepare(
    'INSERT INTO member (chat_id, user_id, read_id, joined_id) VALUES (?, ?, ?, ?)',
  );
  const changed = db.prepare('UPDATE chat SET changed_id = ? WHERE id = ?');
  const deleted = db.prepare('UPDATE chat SET deleted_id = ? WHERE id = ?');
  const departed = db.prepare(
    'INSERT OR REPLACE INTO departure (user_id, chat_id, entry_id) VALUES (?, ?, ?)',
  );
  const returned = db.prepare('DELETE FROM departure WHERE user_id = ? AND chat_id = ?');
  const deleteMember = db
    .prepare<[number, number], number | null>(
      'DELETE FROM member WHERE chat_id = ? AND user_id = ? RETURNING read_entry_id',
    )
    .pluck();
  const countMembers = db.prepare('UPDATE chat SET members_count = members_count + ? WHERE id = ?');

  const unknownOf = (users: readonly number[]) => users.filter((id) => profiles.user(id) === undefined);

  /** Gives the group when the actor may manage it. Errors: profile_required, group_not_found, not_owner. */
  function managed(groupId: number, actor: number): Chat {
    if (profiles.user(actor) === undefined) throw new ChatError('profile_required');
    const chat = profiles.chatFor(groupId, actor);
    const group = chat?.type === 'group' ? chat : undefined;
    assertMayManage(group, actor);
    return group;
  }

  /** Gives those of the users who are in the group, and those who are not. */
  function parted(groupId: number, users: readonly number[]) {
    const members = users.filter((id) => profiles.isMember(groupId, id));
    const found = new Set(members);
    return { members, strangers: users.filter((id) => !found.has(id)) };
  }

  return {
    create_group(command, now) {
      const { actor, name, description, clientId } = command;
      if (profiles.user(actor) === undefined) throw new ChatError('profile_required');
      const first = clientId === undefined ? undefined : groupOfClientId.get(actor, clientId);
      if (first !== undefined) return { ...first, duplicate: true };
      const members = [...new Set([actor, ...command.users])];
      assertSize(members.length, groupMembersMax);
      assertMayAdd(unknownOf(members), []);

      const id = command.id ?? nextId('chat');
      insert.run(id, name, description, command.photo ?? null, actor, members.length, clientId ?? null, now);
      const entryId = append({
        kind: 'group_created',
        chatId: id,
        authorId: actor,
        time: now,
        users: members,
      });
      for (const user of members) insertMember.run(id, user, 0, entryId);
      return { id, name };
    },

    update_group({ actor, groupId, name, description, photo }, now) {
      const before = managed(groupId, actor);
      const group = { ...before, ...given({ name, description, photo }) };
      update.run(group.name, group.description, group.photo, groupId);
      changed.run(append({ kind: 'group_changed', chatId: groupId, authorId: actor, time: now }), groupId);
      return { group, ...replacedPhoto(before.photo, group.photo) };
    },

    delete_group({ actor, groupId }, now) {
      managed(groupId, actor);
      markDeleted.run(now, groupId);
      queuePurge.run(groupId, now);
      writeCache.dropChat(groupId);
      deleted.run(append({ kind: 'group_deleted', chatId: groupId, authorId: actor, time: now }), groupId);
      return {};
    },

    add_members({ actor, groupId, users, ifNeeded }, now) {
      const { membersCount } = managed(groupId, actor);
      const { members, strangers } = parted(groupId, users);
      assertMayAdd(unknownOf(users), ifNeeded ? [] : members);
      if (strangers.length === 0) return { unchanged: members };

      assertSize(strangers.length + membersCount, groupMembersMax);
      countMembers.run(strangers.length, groupId);
      const change = { chatId: groupId, authorId: actor, time: now, users: strangers } as const;
      const entryId = append({ kind: 'members_added', ...change });
      changed.run(entryId, groupId);
      for (const user of strangers) {
        // What was said before they came does not count as unread.
        insertMember.run(groupId, user, entryId, entryId);
        returned.run(user, groupId);
      }
      return { unchanged: members };
    },

    remove_members({ actor, groupId, users, ifNeeded }, now) {
      const { ownerId } = managed(groupId, actor);
      const { members, strangers } = parted(groupId, users);
      assertMayRemove(users, ownerId, ifNeeded ? [] : strangers);
      if (members.length === 0) return { unchanged: strangers };

      for (const user of members) {
        const marker = deleteMember.get(groupId, user);
        if (typeof marker === 'number') supersede(marker);
      }
      writeCache.dropMembers(groupId, members);
      countMembers.run(-members.length, groupId);
      const change = { chatId: groupId, authorId: actor, time: now, users: members } as const;
      const entryId = append({ kind: 'members_removed', ...change });
      changed.run(entryId, groupId);
      for (const user of members) departed.run(user, groupId, entryId);
      return { unchanged: strangers };
    },
  };
}
