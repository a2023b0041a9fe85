import { describe, expect, it } from 'vitest';
import { EntryKind } from '../../../src/chat/entries.js';
import { say } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';

const HOUR_MS = 3_600_000;

export function purge(store: CurrentStore): void {
  /** How many messages of a chat there still are. */
  const left = (chat: number) =>
    store().see((view) => view.messagesAfter(chat, 0, 100_000, () => true).messages.length);

  describe('the purge', () => {
    it('has nothing to do where nothing was deleted', async () => {
      const chat = await store().group(2);
      await store().run(say(chat, 1, 'a'));
      expect(await store().write.purge(store().now + 30 * 60_000)).toBe(false);
      expect(left(chat)).toBe(1);
    });

    it('takes a deleted group slice by slice, and never uses its ids again', async () => {
      const chat = await store().group(2);
      const kept = await store().ok('create_group', { actor: 1, name: 'kept', description: '', users: [] });
      await store().run(...Array.from({ length: 2500 }, () => say(chat, 1, 'x')));
      await store().run(say(kept.id, 1, 'kept'), say(chat, 2, 'last'));
      await store().ok('delete_group', { actor: 1, groupId: chat });
      const newest = store().see((view) => view.newest());
      expect(await store().write.purge(store().now)).toBe(false); // Those who follow a little late still show it.
      expect(left(chat)).toBe(2501);

      const later = store().now + HOUR_MS - 1;
      let before = left(chat);
      let slices = 0;
      while (await store().write.purge(later)) {
        const now = left(chat);
        expect(before - now).toBeLessThanOrEqual(1000);
        before = now;
        slices += 1;
        expect(slices).toBeLessThan(20);
      }
      expect(slices).toBeGreaterThanOrEqual(3);
      expect(left(chat)).toBe(0);
      expect(left(kept.id)).toBe(1);
      store().see((view) => {
        expect(view.members(chat)).toEqual([]);
        expect(view.members(kept.id)).toHaveLength(1);
        // What others follow stays: only messages go.
        const kinds = view.entriesAfter(0, 10_000, 1_000_000).entries.map(({ kind }) => kind);
        expect(kinds).toEqual([
          EntryKind.userCreated,
          EntryKind.userCreated,
          EntryKind.groupCreated,
          EntryKind.groupCreated,
          EntryKind.message,
          EntryKind.groupDeleted,
        ]);
        expect(view.newest()).toBe(newest);
      });

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
      let before = store().see((view) => view.members(chat).length);
      expect(before).toBe(1500);
      while (await store().write.purge(later)) {
        const now = store().see((view) => view.members(chat).length);
        expect(before - now).toBeLessThanOrEqual(1000);
        before = now;
      }
      expect(before).toBe(0);
    });

    it('keeps the outcomes of a frame for an hour, then lets them go', async () => {
      const chat = await store().group(1);
      const frame = store().batch([say(chat, 1, 'a')]);
      const [first] = await store().apply(frame);
      while (await store().write.purge(store().now + HOUR_MS - 1));
      expect(await store().apply(frame)).toEqual([first]);
      while (await store().write.purge(store().now + HOUR_MS + 1));
      // Nobody asks any more; the same number would be another frame.
      expect(await store().apply(frame)).not.toEqual([first]);
      await store().reopen();
      expect(left(chat)).toBe(2);
    });
  });
}
