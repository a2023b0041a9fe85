import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import type { PageEntry } from '../../../src/chat/entries.js';
import type { View } from '../../../src/chat/messages.js';
import type { Known, PageBounds } from '../../../src/store/read-store.js';
import { NOTHING_KNOWN, say, UNBOUNDED, value } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';
import { authorsOf, messagesIn, talk, testUser } from './talk.js';

/** What a page has where nobody is quoted, reacted, or said what they read. */
const NOTHING_ELSE = { quotes: new Map(), own: new Set(), readId: 0 };

export function changes(store: CurrentStore): void {
  const entriesFor = (
    chat: number,
    after: number,
    { view = 'full', ...bounds }: Partial<PageBounds> & { view?: View } = {},
    member = 1,
    known: Known = NOTHING_KNOWN,
  ) => {
    const within = { ...UNBOUNDED, ...bounds };
    return value(store().read.entriesFor(chat, member, after, within, known, { view, reacted: [] }));
  };
  const page = async (...asked: Parameters<typeof entriesFor>) => {
    const found = await entriesFor(...asked);
    if (found === undefined) throw new Error('there is no such chat');
    return found;
  };
  const rename = (groupId: number, name: string): Command => ({
    ...{ kind: 'update_group', actor: 1, groupId, name },
  });
  const edit = (messageId: number, text: string): Command => ({
    ...{ kind: 'edit_message', actor: 1, messageId, text },
  });
  /** Says as many things, and gives the ids of the messages. */
  const said = async (chat: number, count: number) => {
    const before = await store().newest();
    await store().run(...Array.from({ length: count }, () => say(chat, 1, 'old')));
    return Array.from({ length: count }, (_, n) => before + n + 1);
  };

  /** Asks again after the last entry until it is the newest. */
  async function walk(chat: number, after: number, bounds: () => Partial<PageBounds>): Promise<PageEntry[]> {
    const read: PageEntry[] = [];
    for (;;) {
      const { entries, newest } = await page(chat, read.at(-1)?.id ?? after, bounds());
      read.push(...entries);
      if ((read.at(-1)?.id ?? after) >= newest) return read;
      expect(entries.length, 'a page before the newest entry').toBeGreaterThan(0);
    }
  }

  describe("what a chat's sockets hear after an id", () => {
    it('is what was said since, in the order of the log, at every cut and in both views', async () => {
      for (const [chat, model] of await talk(store(), 4)) {
        const newest = model.at(-1)?.id;
        const group = await value(store().read.chatFor(chat, 1));
        for (const after of [0, ...model.map(({ id }) => id), (await store().newest()) + 1]) {
          const since = model.filter(({ id }) => id > after);
          for (const max of [1, 2, 3, 7, 64, 1000]) {
            const entries = since.slice(0, max);
            const users = authorsOf(entries);
            const isWhole = entries.length === since.length;
            const expected = { ...{ chat: group, entries, isWhole, newest, users }, ...NOTHING_ELSE };
            for (const view of ['plain', 'full'] as const) {
              const found = await page(chat, after, { view, max });
              expect(found, `after ${after}, max ${max}, ${view}`).toEqual(expected);
            }
          }
        }
      }
    });

    it('is read whole page by page, however long the pages are', async () => {
      for (const [chat, model] of await talk(store(), 5)) {
        for (const max of [1, 2, 7, 63, 64, 65, 100]) {
          expect(await walk(chat, 0, () => ({ max })), `pages of ${max}`).toEqual(model);
        }
        for (const maxBytes of [0, 1, 10, 50, 1000]) {
          expect(await walk(chat, 0, () => ({ maxBytes })), `pages of ${maxBytes} bytes`).toEqual(model);
          expect(await walk(chat, 0, () => ({ maxBytes, max: 5 }))).toEqual(model);
        }
      }
    });

    it('has no more changes than were asked for, wherever they are', async () => {
      const chat = await store().group(1);
      const old = await said(chat, 30);
      const before = await store().newest();
      const few = (from: number) => old.slice(from, from + 10).map((id) => edit(id, `new ${id}`));
      await store().run(...few(0), say(chat, 1, 'a'), ...few(10), say(chat, 1, 'b'), ...few(20));
      const ids = Array.from({ length: 32 }, (_, n) => before + n + 1);
      for (let from = 0; from <= 32; from++) {
        for (let max = 1; max <= 33; max++) {
          const { entries } = await page(chat, before + from, { max });
          expect(entries.map(({ id }) => id)).toEqual(ids.slice(from, from + max));
        }
      }
    });

    it('is as many messages as have room, and at least one entry', async () => {
      const chat = await store().group(1);
      const texts = Array.from({ length: 200 }, (_, n) => String(n).padStart(3, '0'));
      await store().run(...texts.map((text) => say(chat, 1, text)));
      const newest = await store().newest();
      const from = async (count: number, max = 1000) => {
        const found = await page(chat, 0, { max, maxBytes: 3 * count });
        const messages = messagesIn(found.entries);
        return [messages.map(({ text }) => text), found.newest > (messages.at(-1)?.id ?? 0)];
      };
      expect(await from(70)).toEqual([texts.slice(0, 70), true]);
      expect(await from(0)).toEqual([texts.slice(0, 1), true]);
      expect(await from(200)).toEqual([texts, false]);
      expect(await from(1000, 200)).toEqual([texts, false]);
      expect(await from(1000, 199)).toEqual([texts.slice(0, 199), true]);
      expect(await page(chat, newest)).toMatchObject({ entries: [], newest });
      expect(await page(chat, Number.MAX_SAFE_INTEGER)).toMatchObject({ entries: [], newest });
    });

    it('stays within its bytes also between changes', async () => {
      const chat = await store().group(1);
      const old = await said(chat, 30);
      const before = await store().newest();
      for (const [n, id] of old.entries()) {
        await store().run(say(chat, 1, 'x'.repeat(n)), edit(id, 'y'.repeat(n + 1)), say(chat, 1, '🦊'));
      }
      const { entries: all } = await page(chat, before);
      expect(all).toHaveLength(90);
      for (const { id: after } of all) {
        for (const maxBytes of [0, 4, 10, 40, 200]) {
          const { entries } = await page(chat, after, { maxBytes });
          const since = all.filter(({ id }) => id > after);
          expect(entries).toEqual(since.slice(0, entries.length));
          expect(entries.length).toBeGreaterThanOrEqual(Math.min(1, since.length));
          const texts = entries.map((entry) => (entry.kind === 'message' ? entry.text : entry.message.text));
          const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
          if (texts.length > 1) expect(bytes).toBeLessThanOrEqual(maxBytes);
        }
      }
    });

    it('is the chat and its newest id alone when no entry is asked for', async () => {
      const chat = await store().group(2);
      const group = await value(store().read.chatFor(chat, 2));
      const empty = { chat: group, entries: [], isWhole: true, users: new Map(), ...NOTHING_ELSE };
      const asked = { max: 0 };
      expect(await page(chat, 0, asked)).toEqual({ ...empty, newest: 0 });
      expect(await page(chat, 0)).toEqual({ ...empty, newest: 0 });
      await store().run(say(chat, 1, 'a'));
      const newest = await store().newest();
      await store().run({ kind: 'remove_members', actor: 1, groupId: chat, users: [2] });
      const left = await page(chat, 0, asked);
      expect(left).toEqual({ ...empty, chat: { ...group, membersCount: 1 }, isWhole: false, newest });
      await store().run(rename(chat, 'h'));
      expect(await page(chat, 0, asked)).toMatchObject({ chat: { name: 'h' }, entries: [], newest });
      await store().run(edit(newest, 'b'));
      expect((await page(chat, 0, asked)).newest).toBe(await store().newest());
      expect((await page(chat, 0, { ...asked, view: 'plain' })).newest).toBe(newest);
      await store().run(say(chat, 1, 'b'));
      expect((await page(chat, 0, asked)).newest).toBe(await store().newest());
    });

    it('brings the authors whom the caller does not know', async () => {
      const chat = await store().group(3);
      const before = await store().newest();
      await store().run(say(chat, 3, 'a'), rename(chat, 'h'), say(chat, 2, 'b'), say(chat, 1, 'c'));
      const authors = async (after: number, ...known: number[]) => {
        const has = { ...NOTHING_KNOWN, hasUser: (id: number) => known.includes(id) };
        return [...(await page(chat, after, {}, 1, has)).users.values()];
      };
      expect(await authors(before, 1, 2)).toEqual([testUser(3)]);
      expect(await authors(before + 1, 1)).toEqual([testUser(2)]);
      expect(await authors(before, 1, 2, 3)).toEqual([]);
    });

    it('is for members of a chat that exists', async () => {
      const chat = await store().group(2);
      const [id = 0] = await said(chat, 2);
      await store().run(edit(id, 'new'));
      const { entries } = await page(chat, id, {}, 2);
      expect(entries).toHaveLength(2);
      expect(await entriesFor(chat, 0, {}, 3)).toBeUndefined();
      expect(await entriesFor(chat + 100, 0)).toBeUndefined();
      await store().ok('remove_members', { actor: 1, groupId: chat, users: [2] });
      for (const max of [0, 10]) expect(await entriesFor(chat, 0, { max }, 2)).toBeUndefined();
      await store().ok('add_members', { actor: 1, groupId: chat, users: [2] });
      expect(await page(chat, id, {}, 2)).toMatchObject({ entries });
      await store().ok('delete_group', { actor: 1, groupId: chat });
      for (const max of [0, 10]) expect(await entriesFor(chat, 0, { max })).toBeUndefined();
    });
  });
}
