import { describe, expect, it } from 'vitest';
import type { ChatEntry, Entry } from '../../../src/chat/entries.js';
import type { LogPage } from '../../../src/store/read-store.js';
import { NOTHING_LACKS, say, UNBOUNDED } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';
import { testUser } from './talk.js';

const NOTHING: LogPage = {
  entries: [],
  more: false,
  users: new Map(),
  chats: new Map(),
  partners: new Map(),
  quotes: new Map(),
};

export function log(store: CurrentStore): void {
  const logAfter = async (after: number, bounds = {}, lacks = NOTHING_LACKS) =>
    store().read.log(after, { ...UNBOUNDED, ...bounds }, lacks);
  const textOf = (entry: Entry) => (entry.kind === 'message' ? entry.text : '');

  describe('the log', () => {
    it('is empty at first', async () => {
      expect(await store().newest()).toBe(0);
      expect(await logAfter(0)).toEqual(NOTHING);
    });

    it('is read in order, page by page, however long the pages are', async () => {
      const chat = await store().group(2);
      await store().run(...Array.from({ length: 300 }, (_, n) => say(chat, 1 + (n % 2), `message ${n}`)));
      await store().ok('delete_group', { actor: 1, groupId: chat });
      const all = await logAfter(0);
      expect(all.more).toBe(false);
      expect(all.entries).toHaveLength(304);
      const ids = all.entries.map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
      expect(ids.at(-1)).toBe(await store().newest());
      for (const max of [1, 7, 63, 64, 65, 128, 303, 304, 305]) {
        const read: Entry[] = [];
        for (let more = true; more; ) {
          const page = await logAfter(read.at(-1)?.id ?? 0, { max });
          expect(page.entries.length).toBeLessThanOrEqual(max);
          expect(page.more).toBe(read.length + page.entries.length < 304);
          read.push(...page.entries);
          more = page.more;
        }
        expect(read, `pages of ${max}`).toEqual(all.entries);
      }
      expect(await logAfter(await store().newest())).toEqual(NOTHING);
      expect(await logAfter(Number.MAX_SAFE_INTEGER)).toEqual(NOTHING);
      expect(await logAfter(0, { max: 0 })).toEqual({ ...NOTHING, more: true });
    });

    it('is read in pages of about so many bytes, and of one entry at least', async () => {
      const chat = await store().group(1);
      const after = await store().newest();
      await store().run(...Array.from({ length: 100 }, (_, n) => say(chat, 1, `${n} `.padEnd(2000, '🦊'))));
      const bytes = (entries: readonly Entry[]) =>
        entries.reduce((sum, entry) => sum + Buffer.byteLength(textOf(entry)), 0);
      for (const maxBytes of [1, 5000, 50_000, 200_000]) {
        const read: Entry[] = [];
        for (let more = true; more; ) {
          const page = await logAfter(read.at(-1)?.id ?? after, { max: 1000, maxBytes });
          expect(page.entries.length).toBeGreaterThan(0);
          if (page.entries.length > 1) expect(bytes(page.entries)).toBeLessThanOrEqual(maxBytes);
          read.push(...page.entries);
          more = page.more;
        }
        expect(read.map((entry) => Number.parseInt(textOf(entry), 10))).toEqual(
          Array.from({ length: 100 }, (_, n) => n),
        );
      }
      const { entries } = await logAfter(after, { max: 1000, maxBytes: 200_000 });
      expect(entries.length).toBeGreaterThan(10);
    });

    it('brings the authors and chats that are lacking', async () => {
      const chat = await store().group(3);
      const other = await store().ok('create_group', { actor: 1, name: 'o', description: '', users: [2] });
      const after = await store().newest();
      await store().run(say(chat, 1, 'a'), say(chat, 2, 'b'), say(other.id, 2, 'c'), say(chat, 3, 'd'));
      const asked: string[] = [];
      const lacks = (users: readonly number[], chats: readonly number[]) => ({
        author: (entry: ChatEntry) => {
          asked.push(textOf(entry));
          return users.includes(entry.authorId);
        },
        chat: ({ chatId }: { chatId: number }) => chats.includes(chatId),
        partners: () => false,
      });
      const ids = async (...lacking: Parameters<typeof lacks>) => {
        const { users, chats } = await logAfter(after, {}, lacks(...lacking));
        return [[...users.keys()].sort(), [...chats.keys()].sort()];
      };
      expect(await ids([], [])).toEqual([[], []]);
      expect(asked).toEqual(['a', 'b', 'c', 'd']);
      expect(await ids([2, 99], [])).toEqual([[2], []]);
      expect(await ids([3, 1], [other.id])).toEqual([[1, 3], [other.id]]);
      expect(await ids([1, 2, 3], [chat, other.id])).toEqual([[1, 2, 3], [chat, other.id].sort()]);
      // What the bounds left out needs nobody.
      const page = await logAfter(after, { max: 1 }, lacks([1, 2, 3], [chat, other.id]));
      expect([...page.users.keys(), ...page.chats.keys()]).toEqual([1, chat]);
      expect(page.users.get(1)).toEqual(testUser(1));
      expect(page.chats.get(chat)).toMatchObject({ id: chat, type: 'group', membersCount: 3 });
    });

    it('says of a chat that is deleted since that there is none', async () => {
      const chat = await store().group(1);
      const kept = await store().ok('create_group', { actor: 1, name: 'kept', description: '', users: [] });
      await store().run(say(chat, 1, 'a'), say(kept.id, 1, 'b'));
      await store().ok('delete_group', { actor: 1, groupId: chat });
      const { entries, chats } = await logAfter(
        0,
        {},
        { author: () => true, chat: () => true, partners: () => true },
      );
      expect(entries.filter(({ kind }) => kind === 'message')).toHaveLength(2);
      expect([...chats]).toEqual([
        [chat, undefined],
        [kept.id, expect.objectContaining({ id: kept.id })],
      ]);
    });

    it('brings every user who changed, as they are by now', async () => {
      await store().users(3);
      const after = await store().newest();
      await store().ok('update_user', { actor: 2, name: 'first' });
      await store().ok('update_user', { actor: 1, name: 'other' });
      await store().ok('update_user', { actor: 2, name: 'second', photo: 'p.png' });
      const { users } = await logAfter(after);
      expect(users).toEqual(
        new Map([
          [1, { ...testUser(1), name: 'other' }],
          [2, { ...testUser(2), name: 'second', photo: 'p.png' }],
        ]),
      );
      expect([...(await logAfter(after, { max: 1 })).users.keys()]).toEqual([2]);
      expect((await logAfter(0, { max: 3 })).users.size).toBe(0);
    });

    it('says of every batch how long it is', async () => {
      const chat = await store().group(1);
      const { newest, outcomes } = await store().write.apply(
        [store().batch([say(chat, 1, 'a')])],
        store().now,
      );
      expect(outcomes).toEqual([[{ ok: { id: newest, time: store().now } }]]);
      expect(await store().newest()).toBe(newest);
      const idle = await store().write.apply([], store().now);
      expect(idle).toEqual({ outcomes: [], newest });
    });
  });

  describe('the readers of a database', () => {
    it('know which it is, and which ledgers opened it', async () => {
      const { read, write } = store();
      expect(read.databaseId).toBe(write.databaseId);
      expect(await read.hasIncarnation(write.incarnation)).toBe(true);
      expect(await read.hasIncarnation('another')).toBe(false);
      await store().reopen();
      expect(store().read.databaseId).toBe(write.databaseId);
      expect(await store().read.hasIncarnation(write.incarnation)).toBe(true);
      expect(await store().read.hasIncarnation(store().write.incarnation)).toBe(true);
    });
  });
}
