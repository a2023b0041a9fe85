import { describe, expect, it } from 'vitest';
import { EntryKind } from '../../../src/chat/entries.js';
import type { CurrentStore } from '../store-contract.js';

const NOBODY = 99;
const bare = { name: 'g', description: '' };

export function chatCommands(store: CurrentStore): void {
  /** The newest entry of the log. */
  const newestEntry = () =>
    store().see((view) => view.entriesAfter(view.newest() - 1, 1, 1_000_000).entries[0]);

  describe('open_chat', () => {
    it('makes one chat for two users, whichever side asks', async () => {
      await store().users(3);
      const { id } = await store().ok('open_chat', { actor: 2, other: 1 });
      const entry = newestEntry();
      expect(entry).toMatchObject({ kind: EntryKind.chatOpened, chatId: id, authorId: 2, users: [1, 2] });
      expect(await store().ok('open_chat', { actor: 1, other: 2 })).toEqual({ id });
      expect(await store().ok('open_chat', { actor: 2, other: 1 })).toEqual({ id });
      expect(newestEntry()).toEqual(entry);
      const another = await store().ok('open_chat', { actor: 1, other: 3 });
      expect(another.id).not.toBe(id);
      store().see((view) => {
        expect(view.chat(id)).toMatchObject({
          id,
          type: 'private',
          pair: [1, 2],
          membersCount: 2,
          photo: null,
        });
        expect(view.members(id)).toEqual([
          { id: 1, name: 'User 1' },
          { id: 2, name: 'User 2' },
        ]);
        expect([1, 2, 3].map((user) => view.isMember(id, user))).toEqual([true, true, false]);
        expect(view.chatsOf(1)).toEqual([id, another.id]);
        expect(view.groupsOf(1)).toEqual([]);
        expect(view.chat(id + 100)).toBeUndefined();
      });
    });

    it('is refused without a profile, with oneself and with nobody', async () => {
      await store().users(1);
      const refusal = (actor: number, other: number) => store().refused('open_chat', { actor, other });
      expect(await refusal(NOBODY, 1)).toMatchObject({ error: 'profile_required' });
      expect(await refusal(1, 1)).toMatchObject({ error: 'self_chat' });
      expect(await refusal(1, NOBODY)).toEqual({ error: 'user_unknown', details: { users: [NOBODY] } });
    });
  });

  describe('create_group', () => {
    it('makes a group with its owner in it, repeats dropped', async () => {
      await store().users(3);
      const command = { actor: 2, name: 'g', description: 'd', photo: 'p.png', users: [3, 2, 3] };
      const { id } = await store().ok('create_group', command);
      const entry = newestEntry();
      expect(entry).toMatchObject({ kind: EntryKind.groupCreated, chatId: id, authorId: 2 });
      expect([...(entry?.users ?? [])].sort()).toEqual([2, 3]);
      store().see((view) => {
        expect(view.chat(id)).toEqual({
          id,
          type: 'group',
          name: 'g',
          description: 'd',
          photo: 'p.png',
          ownerId: 2,
          pair: null,
          membersCount: 2,
        });
        expect(view.members(id).map((member) => member.id)).toEqual([2, 3]);
        expect(view.groupsOf(3)).toEqual([id]);
        expect(view.groupsOf(1)).toEqual([]);
      });
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
      const before = newestEntry();
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
      expect(newestEntry()).toEqual(before);
      expect(store().see((view) => view.chat(first.id)?.photo)).toBeNull();
      const other = await store().ok('create_group', { actor: 2, ...bare, users: [], clientId: 'c' });
      expect(other.id).not.toBe(first.id);
    });

    it('is refused without a profile, and with unknown users leaves no half-made group', async () => {
      await store().users(2);
      const unknown = await store().refused('create_group', { actor: 1, ...bare, users: [2, NOBODY, 98] });
      expect(unknown).toEqual({ error: 'user_unknown', details: { users: [NOBODY, 98] } });
      expect(store().see((view) => view.chatsOf(2))).toEqual([]);
      const stranger = await store().refused('create_group', { actor: NOBODY, ...bare, users: [] });
      expect(stranger).toMatchObject({ error: 'profile_required' });
    });
  });

  describe('the members of a group', () => {
    it('are added and removed, all or nothing', async () => {
      const id = await store().group(2);
      await store().ok('create_user', { caller: { id: 3 }, username: 'c', name: 'C', description: '' });
      await store().ok('create_user', { caller: { id: 4 }, username: 'd', name: 'D', description: '' });
      const members = () => store().see((view) => view.members(id).map((member) => member.id));
      const count = () => store().see((view) => view.chat(id)?.membersCount);

      expect(await store().ok('add_members', { actor: 1, groupId: id, users: [4, 3] })).toEqual({});
      expect(newestEntry()).toMatchObject({
        kind: EntryKind.membersAdded,
        chatId: id,
        authorId: 1,
        users: [4, 3],
      });
      expect([members(), count()]).toEqual([[1, 2, 3, 4], 4]);

      expect(await store().ok('remove_members', { actor: 1, groupId: id, users: [2, 4] })).toEqual({});
      expect(newestEntry()).toMatchObject({ kind: EntryKind.membersRemoved, chatId: id, users: [2, 4] });
      expect([members(), count()]).toEqual([[1, 3], 2]);
      expect(store().see((view) => view.groupsOf(2))).toEqual([]);

      const added = await store().refused('add_members', { actor: 1, groupId: id, users: [2, 3, 1] });
      expect(added).toEqual({ error: 'already_member', details: { users: [3, 1] } });
      const unknown = await store().refused('add_members', { actor: 1, groupId: id, users: [2, 3, NOBODY] });
      expect(unknown).toEqual({ error: 'user_unknown', details: { users: [NOBODY] } });
      const removed = await store().refused('remove_members', { actor: 1, groupId: id, users: [3, 4, 2] });
      expect(removed).toEqual({ error: 'not_a_member', details: { users: [4, 2] } });
      const owner = await store().refused('remove_members', { actor: 1, groupId: id, users: [3, 1] });
      expect(owner).toMatchObject({ error: 'owner_stays' });
      expect([members(), count()]).toEqual([[1, 3], 2]);
    });

    it.each([
      'add_members',
      'remove_members',
      'delete_group',
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
      expect(newestEntry()).toMatchObject({ kind: EntryKind.groupDeleted, chatId: id, authorId: 1 });
      store().see((view) => {
        expect(view.chat(id)).toBeUndefined();
        expect([view.chatsOf(1), view.groupsOf(2)]).toEqual([[], []]);
      });
      for (const kind of ['delete_group', 'add_members', 'remove_members'] as const) {
        const again = await store().refused(kind, { actor: 1, groupId: id, users: [2] });
        expect(again).toMatchObject({ error: 'group_not_found' });
      }
      const late = await store().refused('post_message', { chatId: id, authorId: 1, text: 'hi' });
      expect(late).toMatchObject({ error: 'chat_not_found' });
    });
  });
}
