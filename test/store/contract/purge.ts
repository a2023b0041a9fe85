import { describe, expect, it } from 'vitest';
import { say, value } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';

const HOUR_MS = 3_600_000;

export function purge(store: CurrentStore): void {
  /** How many messages of a chat there still are. */
  const left = async (chat: number) =>
    (await store().entries()).filter((entry) => entry.kind === 'message' && entry.chatId === chat).length;

  describe('the purge', () => {
    it('has nothing to do where nothing was deleted', async () => {
      const chat = await store().group(2);
      await store().run(say(chat, 1, 'a'));
      expect(await store().write.purge(store().now + 30 * 60_000)).toBe(false);
      expect(await left(chat)).toBe(1);
    });

    it('takes a deleted group slice by slice, and never uses its ids again', async () => {
      const chat = await store().group(2);
      const kept = await store().ok('create_group', { actor: 1, name: 'kept', description: '', users: [] });
      await store().run(...Array.from({ length: 2500 }, () => say(chat, 1, 'x')));
      await store().run(say(kept.id, 1, 'kept'), say(chat, 2, 'last'));
      await store().ok('update_group', { actor: 1, groupId: chat, name: 'h' });
      await store().ok('update_group', { actor: 1, groupId: kept.id, name: 'i' });
      const [last] = (await store().messages(chat)).slice(-1);
      await store().ok('delete_group', { actor: 1, groupId: chat });
      const newest = await store().newest();
      const timeOfLast = () => value(store().read.timeOf(last?.id ?? 0));
      expect(await timeOfLast()).toBe(store().now);
      expect(await store().write.purge(store().now)).toBe(false); // Those who follow a little late still show it.
      expect(await left(chat)).toBe(2501);

      const later = store().now + HOUR_MS - 1;
      let before = await left(chat);
      let slices = 0;
      while (await store().write.purge(later)) {
        const now = await left(chat);
        expect(before - now).toBeLessThanOrEqual(1000);
        before = now;
        expect(await store().newest()).toBe(newest);
        slices += 1;
        expect(slices).toBeLessThan(20);
      }
      expect(slices).toBeGreaterThanOrEqual(3);
      expect(await left(chat)).toBe(0);
      expect(await timeOfLast()).toBeNull();
      expect(await value(store().read.timeOf(newest + 1))).toBeUndefined();
      expect(await left(kept.id)).toBe(1);
      expect(await value(store().read.chatFor(kept.id, 1))).toMatchObject({ name: 'i', membersCount: 1 });
      expect(await store().messages(kept.id)).toMatchObject([{ text: 'kept' }]);
      // What others follow stays: only what a chat's sockets hear goes.
      expect((await store().entries()).map(({ kind }) => kind)).toEqual([
        ...['user_created', 'user_created', 'group_created', 'group_created'],
        ...['message', 'group_changed', 'group_changed', 'group_deleted'],
      ]);
      expect(await store().newest()).toBe(newest);

      await store().reopen();
      const { id } = await store().ok('post_message', { chatId: kept.id, authorId: 1, text: 'next' });
      expect(id).toBe(newest + 1);
      const group = await store().ok('create_group', { actor: 1, name: 'n', description: '', users: [] });
      expect(group.id).toBeGreaterThan(Math.max(chat, kept.id));
      expect(await store().refused('delete_group', { actor: 1, groupId: chat })).toMatchObject({
        error: 'group_not_found',
      });
    });

    it('takes many members in slices too', async () => {
      const chat = await store().group(1500);
      await store().ok('delete_group', { actor: 1, groupId: chat });
      const later = store().now + HOUR_MS - 1;
      let slices = 0;
      while (await store().write.purge(later)) slices += 1;
      expect(slices).toBeGreaterThanOrEqual(2);
      expect(await value(store().read.groupsOf(1500))).toEqual([]);
    });

    it('keeps the outcomes of a batch for an hour, then lets them go', async () => {
      const chat = await store().group(1);
      const batch = store().batch([say(chat, 1, 'a')]);
      const [first] = await store().apply(batch);
      while (await store().write.purge(store().now + HOUR_MS - 1));
      expect(await store().apply(batch)).toEqual([first]);
      while (await store().write.purge(store().now + HOUR_MS + 1));
      // Nobody asks any more; the same number would be another batch.
      expect(await store().apply(batch)).not.toEqual([first]);
      await store().reopen();
      expect(await left(chat)).toBe(2);
    });
  });
}
