import { describe, expect, it } from 'vitest';
import { NOTHING_KNOWN, say, UNBOUNDED, value } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';
import { authorsOf, messagesIn, talk, testUser } from './talk.js';

export function history(store: CurrentStore): void {
  const newest = (chat: number, member: number, offset: number, bounds = {}, known = NOTHING_KNOWN) =>
    value(store().read.newestFor(chat, member, offset, { ...UNBOUNDED, ...bounds }, known));

  describe('the history', () => {
    it.each([1, 2, 3])('at every offset is what was said there (seed %d)', async (seed) => {
      const said = [...(await talk(store(), seed))].map(([id, heard]) => [id, messagesIn(heard)] as const);
      expect(said.flatMap(([, model]) => model).length).toBeGreaterThan(300);
      for (const [id, model] of said) {
        const chat = await value(store().read.chatFor(id, 2));
        for (let offset = 0; offset <= model.length + 2; offset++) {
          const end = Math.max(0, model.length - offset);
          for (const max of [0, 1, 2, 63, 64, 65, 1000]) {
            const messages = model.slice(Math.max(0, end - max), end);
            const page = await newest(id, 2, offset, { max });
            const around = { users: authorsOf(messages), quotes: new Map(), own: new Set(), readId: 0 };
            const expected = { chat, messages, more: false, ...around };
            expect(page, `chat ${id}, offset ${offset}, max ${max}`).toEqual(expected);
          }
        }
        const nothing = { messages: [], more: false };
        expect(await newest(id, 2, Number.MAX_SAFE_INTEGER)).toMatchObject(nothing);
      }
    });

    it('holds as many messages as have room, the newest ones, and says that there are more', async () => {
      const chat = await store().group(1);
      const texts = Array.from({ length: 200 }, (_, n) => String(n).padStart(3, '0'));
      await store().run(...texts.map((text) => say(chat, 1, text)));
      const upTo = async (count: number, offset = 0, max = 1000) => {
        const page = await newest(chat, 1, offset, { max, maxBytes: 3 * count });
        return [page?.messages.map(({ text }) => text), page?.more];
      };
      expect(await upTo(70)).toEqual([texts.slice(130), true]);
      expect(await upTo(70, 50)).toEqual([texts.slice(80, 150), true]);
      expect(await upTo(0)).toEqual([texts.slice(199), true]);
      expect(await upTo(200)).toEqual([texts, false]);
      expect(await upTo(70, 0, 70)).toEqual([texts.slice(130), false]);
      expect(await upTo(70, 190)).toEqual([texts.slice(0, 10), false]);
    });

    it('counts the bytes of UTF-8, and always holds one message', async () => {
      const chat = await store().group(1);
      await store().run(...['ä', '🦊', '🦊🦊', 'x'].map((text) => say(chat, 1, text)));
      const count = async (maxBytes: number) => (await newest(chat, 1, 0, { maxBytes }))?.messages.length;
      const counts = [0, 1, 8, 9, 12, 13, 14, 15].map(count);
      expect(await Promise.all(counts)).toEqual([1, 1, 1, 2, 2, 3, 3, 4]);
      expect((await newest(chat, 1, 1, { maxBytes: 7 }))?.messages).toMatchObject([{ text: '🦊🦊' }]);
    });

    it('brings the authors whom the caller does not know', async () => {
      const chat = await store().group(3);
      await store().run(say(chat, 1, 'a'), say(chat, 2, 'b'), say(chat, 3, 'c'), say(chat, 2, 'd'));
      const authors = async (known: readonly number[], max = 10) => {
        const has = { ...NOTHING_KNOWN, hasUser: (id: number) => known.includes(id) };
        return [...((await newest(chat, 1, 0, { max }, has))?.users.values() ?? [])];
      };
      expect(await authors([1, 3])).toEqual([testUser(2)]);
      expect(await authors([1, 2, 3])).toEqual([]);
      expect(await authors([2], 2)).toEqual([testUser(3)]);
    });

    it('is for members of a chat that exists', async () => {
      const chat = await store().group(2);
      await store().run(say(chat, 1, 'a'));
      expect(await newest(chat, 3, 0)).toBeUndefined();
      expect(await newest(chat + 100, 1, 0)).toBeUndefined();
      await store().ok('remove_members', { actor: 1, groupId: chat, users: [2] });
      expect(await newest(chat, 2, 0)).toBeUndefined();
      await store().ok('add_members', { actor: 1, groupId: chat, users: [2] });
      expect((await newest(chat, 2, 0))?.messages).toMatchObject([{ text: 'a' }]);
      await store().ok('delete_group', { actor: 1, groupId: chat });
      expect(await newest(chat, 1, 0)).toBeUndefined();
    });
  });
}
