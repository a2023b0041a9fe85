import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import { isDeleted } from '../../../src/chat/messages.js';
import { Random } from '../../../src/prove/random.js';
import { type Place, reactionKey } from '../../../src/store/read-store.js';
import { NOTHING_KNOWN, say, type TestStore, UNBOUNDED, value } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';
import { testUser } from './talk.js';

const MESSAGES = 150;
const SIDES = ['before', 'after', 'around'] as const;

/** The messages of a chat of users 1 and 2 among those of another chat, and changes of some. Returns their ids. */
async function conversation(store: TestStore): Promise<{ chat: number; ids: readonly number[] }> {
  const random = new Random('places');
  const chat = await store.group(3);
  const other = (await store.ok('create_group', { actor: 1, name: 'other', description: '', users: [2] })).id;
  const ids: number[] = [];
  while (ids.length < MESSAGES) {
    const author = random.from(1, 2);
    if (random.chance(0.3)) await store.run(say(other, author, 'elsewhere'));
    ids.push((await store.ok('post_message', { chatId: chat, authorId: author, text: `${ids.length}` })).id);
  }
  for (const messageId of ids) {
    const message = await value(store.read.messageFor(messageId, 1, NOTHING_KNOWN));
    const actor = message?.message.authorId ?? 0;
    const changes: Command[] = [];
    if (random.chance(0.2))
      changes.push({ kind: 'edit_message', actor, messageId, text: `new ${messageId}` });
    if (random.chance(0.2)) changes.push({ kind: 'react', actor: 2, messageId, emoji: '👍', isOn: true });
    if (random.chance(0.2)) changes.push({ kind: 'delete_message', actor, messageId });
    await store.run(...changes);
  }
  return { chat, ids };
}

export function places(store: CurrentStore): void {
  const at = (chat: number, member: number, place: Place, bounds = {}, known = NOTHING_KNOWN) =>
    value(store().read.messagesAt(chat, member, place, { ...UNBOUNDED, ...bounds }, known));

  describe('the messages at a place', () => {
    it('are, before, after and around every id, those of the list', async () => {
      const { chat, ids } = await conversation(store());
      const all = (await at(chat, 1, { side: 'after', id: 0 }))?.messages ?? [];
      expect(all.map(({ id }) => id)).toEqual(ids);
      expect(all.filter(isDeleted).length).toBeGreaterThan(10);
      const own = new Set(all.filter(({ extra }) => extra?.reactions).map(({ id }) => reactionKey(id, '👍')));
      expect(own.size).toBeGreaterThan(10);
      const last = ids.at(-1) ?? 0;
      const somewhere = [
        0,
        1,
        ...Array.from({ length: last + 3 - (ids[0] ?? 0) }, (_, n) => n + (ids[0] ?? 0)),
      ];
      for (const id of [...somewhere, Number.MAX_SAFE_INTEGER]) {
        for (const side of SIDES) {
          const from = all.findIndex((message) => (side === 'after' ? message.id > id : message.id >= id));
          const middle = from === -1 ? all.length : from;
          for (const max of [0, 1, 2, 5, 64, 1000]) {
            const older = { before: max, after: 0, around: Math.floor(max / 2) }[side];
            const begin = Math.max(0, middle - older);
            const end = Math.min(all.length, middle + max - older);
            const messages = all.slice(begin, end);
            const what = `${max} ${side} ${id}`;
            const page = await at(chat, 2, { side, id }, { max });
            expect(page?.messages, what).toEqual(messages);
            expect(page, what).toMatchObject({
              chat: { id: chat },
              older: middle - begin,
              moreBefore: begin > 0,
              moreAfter: end < all.length,
            });
            expect(page?.own).toEqual(
              new Set([...own].filter((key) => messages.some((message) => key.startsWith(`${message.id} `)))),
            );
          }
        }
      }
    });

    it('are on each side as many as have room, and say that there are more', async () => {
      const chat = await store().group(1);
      const texts = Array.from({ length: 200 }, (_, n) => String(n).padStart(3, '0'));
      await store().run(...texts.map((text) => say(chat, 1, text)));
      const all = await store().messages(chat);
      const read = async (side: Place['side'], index: number, maxBytes: number, max = 1000) => {
        const page = await at(chat, 1, { side, id: all[index]?.id ?? 0 }, { max, maxBytes });
        const first = page?.messages[0];
        return [first && all.findIndex(({ id }) => id === first.id), page?.messages.length, page?.older];
      };
      expect(await read('before', 150, 3 * 70)).toEqual([80, 70, 70]);
      expect(await read('after', 50, 3 * 70)).toEqual([51, 70, 0]);
      expect(await read('around', 100, 3 * 20)).toEqual([80, 40, 20]);
      expect(await read('around', 100, 0)).toEqual([99, 2, 1]);
      const cut = await at(chat, 1, { side: 'around', id: all[100]?.id ?? 0 }, { maxBytes: 60 });
      expect(cut).toMatchObject({ moreBefore: true, moreAfter: true });
      const exact = await at(chat, 1, { side: 'after', id: all[99]?.id ?? 0 }, { maxBytes: 300 });
      expect(exact).toMatchObject({ moreBefore: true, moreAfter: false });
    });

    it('bring the authors whom the caller does not know, and what they quote', async () => {
      const chat = await store().group(3);
      const first = await store().ok('post_message', { chatId: chat, authorId: 3, text: 'When?' });
      const reply = { chatId: chat, authorId: 2, text: 'At noon', replyTo: first.id };
      await store().ok('post_message', reply);
      const known = { ...NOTHING_KNOWN, hasUser: (id: number) => id === 3 };
      const page = await at(chat, 1, { side: 'after', id: 0 }, {}, known);
      expect([...(page?.users.values() ?? [])]).toEqual([testUser(2)]);
      const quote = { authorId: 3, authorName: 'User 3', text: 'When?' };
      expect(page?.quotes).toEqual(new Map([[first.id, quote]]));
      await store().ok('delete_message', { actor: 3, messageId: first.id });
      expect((await at(chat, 1, { side: 'after', id: 0 }))?.quotes.size).toBe(0);
    });

    it('are for members of a chat that exists', async () => {
      const chat = await store().group(2);
      const place = { side: 'after', id: 0 } as const;
      expect(await at(chat, 3, place)).toBeUndefined();
      expect(await at(chat + 100, 1, place)).toBeUndefined();
      await store().ok('remove_members', { actor: 1, groupId: chat, users: [2] });
      expect(await at(chat, 2, place)).toBeUndefined();
      await store().ok('delete_group', { actor: 1, groupId: chat });
      expect(await at(chat, 1, place)).toBeUndefined();
    });
  });

  describe('who reacted to a message', () => {
    const reactors = (message: number, user: number, emoji: string, limit = 10, offset = 0) =>
      value(store().read.reactorsFor(message, user, emoji, { limit, offset }));

    it('is told in the order of ids, by page', async () => {
      const chatId = await store().group(5);
      const { id: messageId } = await store().ok('post_message', { chatId, authorId: 1, text: 'hi' });
      for (const actor of [4, 2, 5, 3])
        await store().ok('react', { actor, messageId, emoji: '👍', isOn: true });
      await store().ok('react', { actor: 1, messageId, emoji: '🎉', isOn: true });
      await store().ok('react', { actor: 5, messageId, emoji: '👍', isOn: false });
      const named = (...ids: number[]) => ids.map((id) => ({ id, name: `User ${id}` }));
      expect((await reactors(messageId, 1, '👍'))?.users).toEqual(named(2, 3, 4));
      expect((await reactors(messageId, 1, '👍', 2))?.users).toEqual(named(2, 3));
      expect((await reactors(messageId, 1, '👍', 2, 2))?.users).toEqual(named(4));
      expect((await reactors(messageId, 1, '👍', 2, Number.MAX_SAFE_INTEGER))?.users).toEqual([]);
      expect((await reactors(messageId, 1, '🎉'))?.users).toEqual(named(1));
      expect((await reactors(messageId, 1, '🤔'))?.users).toEqual([]);
      expect((await reactors(messageId, 1, '👍'))?.message.extra?.reactions).toEqual([
        { emoji: '👍', count: 3 },
        { emoji: '🎉', count: 1 },
      ]);
    });

    it('is told to those who are in its chat', async () => {
      const chatId = await store().group(2);
      const { id } = await store().ok('post_message', { chatId, authorId: 1, text: 'hi' });
      expect(await reactors(id, 2, '👍')).toMatchObject({ message: { id }, users: [] });
      expect(await reactors(id, 3, '👍')).toBeUndefined();
      // Entries that are no messages, and ids that are none at all.
      for (const other of [id - 1, id + 1, 0, Number.MAX_SAFE_INTEGER])
        expect(await reactors(other, 1, '👍')).toBeUndefined();
      await store().ok('remove_members', { actor: 1, groupId: chatId, users: [2] });
      expect(await reactors(id, 2, '👍')).toBeUndefined();
    });
  });
}
