import { describe, expect, it } from 'vitest';
import { value } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';

const NOBODY = 99;

export function chatCommands(store: CurrentStore): void {
  const newestEntry = async () => (await store().entries()).at(-1);

  describe('open_chat', () => {
    it('makes one chat for two users, whichever side asks', async () => {
      await store().users(3);
      const { id } = await store().ok('open_chat', { actor: 2, other: 1 });
      const entry = await newestEntry();
      expect(entry).toMatchObject({ kind: 'chat_opened', chatId: id, authorId: 2, users: [1, 2] });
      expect(await store().ok('open_chat', { actor: 1, other: 2 })).toEqual({ id });
      expect(await store().ok('open_chat', { actor: 2, other: 1 })).toEqual({ id });
      expect(await newestEntry()).toEqual(entry);
      const another = await store().ok('open_chat', { actor: 1, other: 3 });
      expect(another.id).not.toBe(id);
      const { read } = store();
      const chat = {
        ...{ id, type: 'private', name: '', description: '', photo: null },
        ...{ ownerId: 2, pair: [1, 2], membersCount: 2 },
      };
      for (const user of [1, 2]) expect(await value(read.chatFor(id, user))).toEqual(chat);
      expect(await value(read.chatFor(id, 3))).toBeUndefined();
      expect(await value(read.chatFor(id + 100, 1))).toBeUndefined();
      expect(await value(read.membersFor(id, 1))).toEqual({
        chat,
        members: [
          { id: 1, name: 'User 1' },
          { id: 2, name: 'User 2' },
        ],
      });
      expect(await value(read.chatsCount(1))).toBe(2);
      expect(await value(read.groupsOf(1))).toEqual([]);
    });

    it('is refused without a profile, with oneself and with nobody', async () => {
      await store().users(1);
      const refusal = (actor: number, other: number) => store().refused('open_chat', { actor, other });
      expect(await refusal(NOBODY, 1)).toMatchObject({ error: 'profile_required' });
      expect(await refusal(1, 1)).toMatchObject({ error: 'self_chat' });
      expect(await refusal(1, NOBODY)).toEqual({ error: 'user_unknown', details: { users: [NOBODY] } });
    });
  });
}
