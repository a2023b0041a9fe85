import { describe, expect, it } from 'vitest';
import { value } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';

const NOBODY = 99;
const bare = { name: 'g', description: '' };

export function groupCommands(store: CurrentStore): void {
  const newestEntry = async () => (await store().entries()).at(-1);
  const groupOf = (id: number, member = 1) => value(store().read.chatFor(id, member));
  const membersOf = async (id: number, member = 1) =>
    (await value(store().read.membersFor(id, member)))?.members.map((one) => one.id);
  const groupsOf = (user: number) => value(store().read.groupsOf(user));

  describe('create_group', () => {
    it('makes a group with its owner in it, repeats dropped', async () => {
      await store().users(3);
      const command = { actor: 2, name: 'g', description: 'd', photo: 'p.png', users: [3, 2, 3] };
      const { id } = await store().ok('create_group', command);
      const entry = await newestEntry();
      expect(entry).toMatchObject({ kind: 'group_created', chatId: id, authorId: 2 });
      const users = entry?.kind === 'group_created' ? entry.users : [];
      expect([...users].sort()).toEqual([2, 3]);
      expect(await groupOf(id, 3)).toEqual({
        ...{ id, type: 'group', name: 'g', description: 'd', photo: 'p.png' },
        ...{ ownerId: 2, pair: null, membersCount: 2 },
      });
      expect(await membersOf(id, 2)).toEqual([2, 3]);
      expect(await groupsOf(3)).toEqual([id]);
      expect(await groupsOf(1)).toEqual([]);
    });

    it('takes a reserved id, and shares one sequence of ids with private chats', async () => {
      await store().users(2);
      const { id } = await store().ok('reserve_id', { of: 'chat' });
      const chat = await store().ok('open_chat', { actor: 1, other: 2 });
      const group = { actor: 1, ...bare, users: [] };
      expect(await store().ok('create_group', { ...group, id })).toMatchObject({ id });
      const last = await store().ok('create_group', group);
      expect(new Set([id, chat.id, last.id]).size).toBe(3);
    });

    it('gives the first group back for a repeated client id of the same owner', async () => {
      await store().users(2);
      const first = await store().ok('create_group', { actor: 1, ...bare, users: [2], clientId: 'c' });
      expect(first).toEqual({ id: first.id, name: 'g' });
      await store().reopen();
      const { id: reserved } = await store().ok('reserve_id', { of: 'chat' });
      const before = await store().newest();
      const again = {
        actor: 1,
        name: 'h',
        description: '',
        users: [],
        clientId: 'c',
        id: reserved,
        photo: 'p',
      };
      expect(await store().ok('create_group', again)).toEqual({ ...first, duplicate: true });
      expect(await store().newest()).toBe(before);
      expect(await groupOf(first.id)).toMatchObject({ name: 'g', photo: null });
      const other = await store().ok('create_group', { actor: 2, ...bare, users: [], clientId: 'c' });
      expect(other.id).not.toBe(first.id);
    });

    it('is refused without a profile, and with unknown users leaves no half-made group', async () => {
      await store().users(2);
      const unknown = await store().refused('create_group', { actor: 1, ...bare, users: [2, NOBODY, 98] });
      expect(unknown).toEqual({ error: 'user_unknown', details: { users: [NOBODY, 98] } });
      expect(await groupsOf(2)).toEqual([]);
      expect(await value(store().read.chatsCount(2))).toBe(0);
      const stranger = await store().refused('create_group', { actor: NOBODY, ...bare, users: [] });
      expect(stranger).toMatchObject({ error: 'profile_required' });
    });
  });

  describe('update_group', () => {
    /** A group of users 1 and 2 with a photo; 1 owns it. */
    const garden = async () => {
      await store().users(3);
      const group = { actor: 1, name: 'garden', description: 'what grows', photo: 'a.png', users: [2] };
      return (await store().ok('create_group', group)).id;
    };
    const stored = (id: number) => ({
      ...{ id, type: 'group', name: 'garden', description: 'what grows', photo: 'a.png' },
      ...{ ownerId: 1, pair: null, membersCount: 2 },
    });

    it.each([
      { name: 'yard' },
      { description: '' },
      { name: 'yard', description: 'what does not' },
      {},
    ])('changes what is given, and nothing else: %j', async (changes) => {
      const groupId = await garden();
      const group = { ...stored(groupId), ...changes };
      expect(await store().ok('update_group', { actor: 1, groupId, ...changes })).toEqual({ group });
      expect(await groupOf(groupId, 2)).toEqual(group);
      await store().reopen();
      expect(await groupOf(groupId, 2)).toEqual(group);
    });

    it('takes a field that is there without a value for one that is absent', async () => {
      const groupId = await garden();
      const changes = { name: undefined, description: undefined, photo: undefined };
      const updated = await store().ok('update_group', { actor: 1, groupId, ...changes });
      expect(updated).toEqual({ group: stored(groupId) });
      expect(await groupOf(groupId)).toEqual(stored(groupId));
    });

    it('tells which photo no group names any more', async () => {
      const groupId = await garden();
      const change = (photo?: string | null) =>
        store().ok('update_group', { actor: 1, groupId, name: 'g', photo });
      expect(await change('b.png')).toMatchObject({ group: { photo: 'b.png' }, replaced: 'a.png' });
      expect(await change('b.png')).not.toHaveProperty('replaced');
      expect(await change()).not.toHaveProperty('replaced');
      expect(await change(null)).toMatchObject({ group: { photo: null }, replaced: 'b.png' });
      expect(await groupOf(groupId)).toMatchObject({ photo: null });
      expect(await change(null)).not.toHaveProperty('replaced');
      expect(await change('c.png')).not.toHaveProperty('replaced');
      expect(await groupOf(groupId)).toMatchObject({ photo: 'c.png' });
      expect(store().write.photoOf('groups', groupId)).toBe('c.png');
    });

    it('tells the log, and leaves the members as they are', async () => {
      const groupId = await garden();
      await store().ok('add_members', { actor: 1, groupId, users: [3] });
      const before = await store().newest();
      store().now += 1;
      const { group } = await store().ok('update_group', { actor: 1, groupId, name: 'yard' });
      expect(group.membersCount).toBe(3);
      expect(await membersOf(groupId)).toEqual([1, 2, 3]);
      const changed = { kind: 'group_changed', id: before + 1, chatId: groupId, authorId: 1 };
      expect(await store().entries(before)).toEqual([{ ...changed, time: store().now }]);
    });

    it('does not change which group a repeated client id gives back', async () => {
      await store().users(1);
      const command = { actor: 1, ...bare, users: [], clientId: 'c' };
      const { id } = await store().ok('create_group', command);
      await store().ok('update_group', { actor: 1, groupId: id, name: 'h' });
      expect(await store().ok('create_group', command)).toEqual({ id, name: 'h', duplicate: true });
    });
  });

  describe('the members of a group', () => {
    it('are added and removed, all or nothing', async () => {
      const id = await store().group(2);
      await store().ok('create_user', { caller: { id: 3 }, username: 'c', name: 'C', description: '' });
      await store().ok('create_user', { caller: { id: 4 }, username: 'd', name: 'D', description: '' });
      const members = async () => [await membersOf(id), (await groupOf(id))?.membersCount];

      const change = { actor: 1, groupId: id };
      expect(await store().ok('add_members', { ...change, users: [4, 3] })).toEqual({ unchanged: [] });
      expect(await newestEntry()).toMatchObject({
        kind: 'members_added',
        chatId: id,
        authorId: 1,
        users: [4, 3],
      });
      expect(await members()).toEqual([[1, 2, 3, 4], 4]);

      expect(await store().ok('remove_members', { ...change, users: [2, 4] })).toEqual({ unchanged: [] });
      expect(await newestEntry()).toMatchObject({ kind: 'members_removed', chatId: id, users: [2, 4] });
      expect(await members()).toEqual([[1, 3], 2]);
      expect(await groupsOf(2)).toEqual([]);

      const added = await store().refused('add_members', { actor: 1, groupId: id, users: [2, 3, 1] });
      expect(added).toEqual({ error: 'already_member', details: { users: [3, 1] } });
      const unknown = await store().refused('add_members', { actor: 1, groupId: id, users: [2, 3, NOBODY] });
      expect(unknown).toEqual({ error: 'user_unknown', details: { users: [NOBODY] } });
      const removed = await store().refused('remove_members', { actor: 1, groupId: id, users: [3, 4, 2] });
      expect(removed).toEqual({ error: 'not_a_member', details: { users: [4, 2] } });
      const owner = await store().refused('remove_members', { actor: 1, groupId: id, users: [3, 1] });
      expect(owner).toMatchObject({ error: 'owner_stays' });
      expect(await members()).toEqual([[1, 3], 2]);
    });

    it('are added and removed as far as there is need', async () => {
      const id = await store().group(4);
      await store().ok('remove_members', { actor: 1, groupId: id, users: [3, 4] });
      const change = { actor: 1, groupId: id, ifNeeded: true };

      const added = await store().ok('add_members', { ...change, users: [4, 2, 3, 1] });
      expect(added).toEqual({ unchanged: [2, 1] });
      expect(await newestEntry()).toMatchObject({ kind: 'members_added', users: [4, 3] });
      expect([await membersOf(id), (await groupOf(id))?.membersCount]).toEqual([[1, 2, 3, 4], 4]);

      const removed = await store().ok('remove_members', { ...change, users: [NOBODY, 3, 2] });
      expect(removed).toEqual({ unchanged: [NOBODY] });
      expect(await newestEntry()).toMatchObject({ kind: 'members_removed', users: [3, 2] });
      expect([await membersOf(id), (await groupOf(id))?.membersCount]).toEqual([[1, 4], 2]);
      const late = await store().refused('post_message', { chatId: id, authorId: 2, text: 'late' });
      expect(late).toMatchObject({ error: 'chat_not_found' });
    });

    it('leave the log as it is when there is no need', async () => {
      const id = await store().group(3);
      await store().ok('remove_members', { actor: 1, groupId: id, users: [3] });
      const before = await store().newest();
      const change = { actor: 1, groupId: id, ifNeeded: true };
      expect(await store().ok('add_members', { ...change, users: [2, 1] })).toEqual({ unchanged: [2, 1] });
      expect(await store().ok('remove_members', { ...change, users: [3, NOBODY] })).toEqual({
        unchanged: [3, NOBODY],
      });
      expect(await store().newest()).toBe(before);
      expect([await membersOf(id), (await groupOf(id))?.membersCount]).toEqual([[1, 2], 2]);
    });

    it('are all or nothing for other reasons, also as far as there is need', async () => {
      const id = await store().group(3);
      await store().ok('remove_members', { actor: 1, groupId: id, users: [3] });
      const change = { actor: 1, groupId: id, ifNeeded: true };
      const unknown = await store().refused('add_members', { ...change, users: [3, 2, NOBODY] });
      expect(unknown).toEqual({ error: 'user_unknown', details: { users: [NOBODY] } });
      const owner = await store().refused('remove_members', { ...change, users: [2, 3, 1] });
      expect(owner).toEqual({ error: 'owner_stays', details: { users: [1] } });
      const member = await store().refused('add_members', { ...change, actor: 2, users: [2] });
      expect(member).toMatchObject({ error: 'not_owner' });
      expect(await membersOf(id)).toEqual([1, 2]);
    });

    it.each([
      'add_members',
      'remove_members',
      'delete_group',
      'update_group',
    ] as const)('are for the owner to manage: %s', async (kind) => {
      const groupId = await store().group(3);
      await store().ok('remove_members', { actor: 1, groupId, users: [3] });
      const { id: chat } = await store().ok('open_chat', { actor: 1, other: 2 });
      const refusal = (actor: number, id: number) =>
        store().refused(kind, { actor, groupId: id, users: [2] });
      expect(await refusal(2, groupId)).toMatchObject({ error: 'not_owner' });
      expect(await refusal(3, groupId)).toMatchObject({ error: 'group_not_found' });
      expect(await refusal(1, groupId + 50)).toMatchObject({ error: 'group_not_found' });
      expect(await refusal(1, chat)).toMatchObject({ error: 'group_not_found' });
      expect(await refusal(NOBODY, groupId)).toMatchObject({ error: 'profile_required' });
    });
  });

  describe('delete_group', () => {
    it('takes the group away from everyone at once', async () => {
      const id = await store().group(2);
      await store().ok('post_message', { chatId: id, authorId: 1, text: 'hi' });
      expect(await store().ok('delete_group', { actor: 1, groupId: id })).toEqual({});
      expect(await newestEntry()).toMatchObject({ kind: 'group_deleted', chatId: id, authorId: 1 });
      expect(await groupOf(id)).toBeUndefined();
      expect([await value(store().read.chatsCount(1)), await groupsOf(2)]).toEqual([0, []]);
      for (const kind of ['delete_group', 'update_group', 'add_members', 'remove_members'] as const) {
        const again = await store().refused(kind, { actor: 1, groupId: id, users: [2] });
        expect(again).toMatchObject({ error: 'group_not_found' });
      }
      const late = await store().refused('post_message', { chatId: id, authorId: 1, text: 'hi' });
      expect(late).toMatchObject({ error: 'chat_not_found' });
    });
  });
}
