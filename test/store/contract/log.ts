import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/chat/entries.js';
import { say } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';

export function log(store: CurrentStore): void {
  describe('the log', () => {
    it('is empty at first', () => {
      store().see((view) => {
        expect(view.newest()).toBe(0);
        expect(view.entriesAfter(0, 10, 1000)).toEqual({ entries: [], more: false });
        expect(view.newestMessage(1)).toBeUndefined();
      });
    });

    it('is read in order, page by page, however long the pages are', async () => {
      const chat = await store().group(2);
      await store().run(...Array.from({ length: 300 }, (_, n) => say(chat, 1 + (n % 2), `message ${n}`)));
      await store().ok('delete_group', { actor: 1, groupId: chat });
      store().see((view) => {
        const all = view.entriesAfter(0, 10_000, 10_000_000);
        expect(all.more).toBe(false);
        expect(all.entries).toHaveLength(304);
        const ids = all.entries.map(({ id }) => id);
        expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
        expect(ids.at(-1)).toBe(view.newest());
        for (const max of [1, 7, 63, 64, 65, 128, 303, 304, 305]) {
          const read: Entry[] = [];
          for (let more = true; more; ) {
            const page = view.entriesAfter(read.at(-1)?.id ?? 0, max, 10_000_000);
            expect(page.entries.length).toBeLessThanOrEqual(max);
            expect(page.more).toBe(read.length + page.entries.length < 304);
            read.push(...page.entries);
            more = page.more;
          }
          expect(read, `pages of ${max}`).toEqual(all.entries);
        }
        expect(view.entriesAfter(view.newest(), 10, 1000)).toEqual({ entries: [], more: false });
      });
    });

    it('is read in pages of about so many bytes, and of one entry at least', async () => {
      const chat = await store().group(1);
      const after = store().see((view) => view.newest());
      await store().run(...Array.from({ length: 100 }, (_, n) => say(chat, 1, `${n} `.padEnd(2000, '🦊'))));
      store().see((view) => {
        const bytes = (entries: readonly Entry[]) =>
          entries.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
        for (const maxBytes of [1, 5000, 50_000, 200_000]) {
          const read: Entry[] = [];
          for (let more = true; more; ) {
            const page = view.entriesAfter(read.at(-1)?.id ?? after, 1000, maxBytes);
            expect(page.entries.length).toBeGreaterThan(0);
            if (page.entries.length > 1) expect(bytes(page.entries)).toBeLessThanOrEqual(maxBytes);
            read.push(...page.entries);
            more = page.more;
          }
          expect(read.map(({ text }) => Number.parseInt(text, 10))).toEqual(
            Array.from({ length: 100 }, (_, n) => n),
          );
        }
        expect(view.entriesAfter(after, 1000, 200_000).entries.length).toBeGreaterThan(10);
      });
    });

    it('is seen as it was when the snapshot began, while the writer goes on', async () => {
      const chat = await store().group(1);
      await store().run(say(chat, 1, 'before'));
      const frame = store().batch([say(chat, 1, 'after')]);
      const { seen, applied } = store().see((view) => {
        const look = () => [
          view.newest(),
          view.newestMessage(chat)?.text,
          view.entriesAfter(0, 100, 10_000).entries.length,
        ];
        const first = look();
        // Where applying is synchronous inside, as in SQLite, this commits before the next line.
        const applied = store().write.apply([frame], store().now);
        return { seen: [first, look()], applied };
      });
      const { newest } = await applied;
      expect(seen[1]).toEqual(seen[0]);
      expect(seen[0]?.[1]).toBe('before');
      store().see((view) => {
        expect(view.newestMessage(chat)?.text).toBe('after');
        expect(view.newest()).toBe(newest);
      });
    });

    it('says of every batch how long it is', async () => {
      const chat = await store().group(1);
      const { newest, outcomes } = await store().write.apply(
        [store().batch([say(chat, 1, 'a')])],
        store().now,
      );
      expect(outcomes).toEqual([[{ ok: { id: newest, time: store().now } }]]);
      expect(store().see((view) => view.newest())).toBe(newest);
      const idle = await store().write.apply([], store().now);
      expect(idle).toEqual({ outcomes: [], newest });
    });
  });
}
