import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import { type Mention, UNREAD_MAX } from '../../../src/chat/messages.js';
import type { RoomList, Unread } from '../../../src/store/read-store.js';
import { fc } from '../../properties/property.js';
import { NOTHING_KNOWN, say, value } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';
import { UnreadWorld } from './unread-world.js';

const MINUTE_MS = 60_000;

export function unread(store: CurrentStore): void {
  const listOf = (user: number): Promise<RoomList> =>
    value(store().read.listOf(user, NOTHING_KNOWN, (rooms) => rooms));
  const unreadOf = async (user: number, chat: number): Promise<Unread | undefined> =>
    (await listOf(user)).rooms.find((room) => room.chat.id === chat)?.unread;
  const readersOf = (chat: number, user: number, withOthers = true) =>
    value(store().read.readersFor(chat, user, withOthers));
  const read = (actor: number, chatId: number, id: number) => store().ok('mark_read', { actor, chatId, id });
  const post = async (chatId: number, authorId: number, mentions?: readonly Mention[]) =>
    (await store().ok('post_message', { chatId, authorId, text: 'x', ...(mentions && { mentions }) })).id;
  const reads = async () => (await store().entries()).filter((entry) => entry.kind === 'chat_read');
  const markers = async () =>
    (await reads()).map(({ chatId, authorId }) => `${chatId} of ${authorId}`).sort();
  const purge = async () => {
    while (await store().write.purge(store().now));
  };

  describe('what is unread', () => {
    it('is what others said after the member had read, or came', async () => {
      const chat = await store().group(3);
      expect(await unreadOf(2, chat)).toEqual({ readId: 0, messages: 0, more: false, mentions: 0 });
      const [first, second] = [await post(chat, 1), await post(chat, 1)];
      await post(chat, 2);
      expect(await unreadOf(1, chat)).toMatchObject({ readId: 0, messages: 1 });
      expect(await unreadOf(2, chat)).toMatchObject({ messages: 2 });
      expect(await unreadOf(3, chat)).toMatchObject({ messages: 3 });

      expect(await read(3, chat, first)).toEqual({ readId: first });
      expect(await unreadOf(3, chat)).toMatchObject({ readId: first, messages: 2 });
      expect(await unreadOf(2, chat)).toMatchObject({ readId: 0, messages: 2 });
      await store().ok('delete_message', { actor: 1, messageId: second });
      expect(await unreadOf(3, chat)).toMatchObject({ messages: 1 });
      await store().ok('edit_message', { actor: 1, messageId: first, text: 'y' });
      expect(await unreadOf(3, chat)).toMatchObject({ messages: 1 });

      await store().ok('remove_members', { actor: 1, groupId: chat, users: [3] });
      expect(await unreadOf(3, chat)).toBeUndefined();
      await post(chat, 1);
      await store().ok('add_members', { actor: 1, groupId: chat, users: [3] });
      expect(await unreadOf(3, chat)).toMatchObject({ messages: 0 });
      await post(chat, 1);
      expect(await unreadOf(3, chat)).toMatchObject({ messages: 1 });
      await store().reopen();
      expect(await unreadOf(3, chat)).toMatchObject({ messages: 1 });
    });

    it(`is exact up to ${UNREAD_MAX}, also after deletions and the next messages`, async () => {
      const chat = await store().group(2);
      const [first] = await store().run(...Array.from({ length: UNREAD_MAX + 1 }, () => say(chat, 1, 'x')));
      const id = Number((first as { ok: { id: number } }).ok.id);
      const whole = { readId: 0, messages: UNREAD_MAX, mentions: 0 };
      expect(await unreadOf(2, chat)).toEqual({ ...whole, more: true });
      await store().ok('delete_message', { actor: 1, messageId: id });
      expect(await unreadOf(2, chat)).toEqual({ ...whole, more: false });
      await store().ok('delete_message', { actor: 1, messageId: id + 1 });
      expect(await unreadOf(2, chat)).toMatchObject({ messages: UNREAD_MAX - 1, more: false });
      await post(chat, 1);
      expect(await unreadOf(2, chat)).toEqual({ ...whole, more: false });
      await post(chat, 1);
      expect(await unreadOf(2, chat)).toEqual({ ...whole, more: true });
      await read(2, chat, id + 2);
      expect(await unreadOf(2, chat)).toMatchObject({ messages: UNREAD_MAX, more: false });
      await read(2, chat, id + UNREAD_MAX);
      expect(await unreadOf(2, chat)).toMatchObject({ messages: 2, more: false });
    });

    it('is counted past the own messages', async () => {
      const chat = await store().group(2);
      await store().run(...Array.from({ length: UNREAD_MAX + 500 }, () => say(chat, 2, 'x')));
      expect(await unreadOf(2, chat)).toMatchObject({ messages: 0, more: false });
      await store().run(say(chat, 1, 'x'), say(chat, 2, 'x'), say(chat, 1, 'x'));
      expect(await unreadOf(2, chat)).toMatchObject({ messages: 2, more: false });
      expect(await unreadOf(1, chat)).toMatchObject({ messages: UNREAD_MAX, more: true });
    });

    it('mentions the member by name or with all others, each message once', async () => {
      const chat = await store().group(3);
      const byName = await post(chat, 1, [2]);
      await post(chat, 1, ['all', 2]);
      await post(chat, 2, [2, 3]);
      await post(chat, 1);
      const mentions = async (user: number) => (await unreadOf(user, chat))?.mentions;
      expect(await Promise.all([1, 2, 3].map(mentions))).toEqual([0, 2, 2]);
      await store().ok('delete_message', { actor: 1, messageId: byName });
      expect(await Promise.all([1, 2, 3].map(mentions))).toEqual([0, 1, 2]);
      await read(3, chat, byName + 1);
      expect(await Promise.all([1, 2, 3].map(mentions))).toEqual([0, 1, 1]);
    });

    it('is that of the page, in its order, beside all chats and users of the list', async () => {
      const chat = await store().group(3);
      const { id: pair } = await store().ok('open_chat', { actor: 2, other: 3 });
      await store().run(say(pair, 3, 'a'), say(chat, 1, 'b'));
      const all = await value(store().read.roomsOf(2, NOTHING_KNOWN));
      expect(all.rooms.map((room) => room.chat.id)).toEqual([chat, pair]);
      const found = await value(
        store().read.listOf(2, NOTHING_KNOWN, (rooms) => {
          expect(rooms).toEqual(all.rooms);
          return rooms.slice(1);
        }),
      );
      const [, room] = all.rooms;
      expect(found).toEqual({
        ...all,
        rooms: [{ ...room, unread: { readId: 0, messages: 1, more: false, mentions: 0 } }],
      });
      const refuse = () => {
        throw new Error('refused');
      };
      const refused = async () => store().read.listOf(2, NOTHING_KNOWN, refuse);
      await expect(refused()).rejects.toThrow('refused');
      expect(await unreadOf(2, chat)).toMatchObject({ messages: 1 });
    });

    it('is what a naive count finds, whatever happened', async () => {
      const step = fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat());
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60 }), async (steps) => {
          const world = await UnreadWorld.open(store());
          for (const numbers of steps) {
            await world.step(numbers);
            for (const user of world.users) {
              const found = (await listOf(user)).rooms.map(({ chat, unread }) => [chat.id, unread] as const);
              expect(found).toEqual(world.unreadOf(user));
              for (const [chat, unread] of found)
                expect(await value(store().read.unreadFor(chat, user))).toEqual(unread);
            }
          }
        }),
        // Looking for a shorter history would take longer than all of them.
        { numRuns: 20, endOnFailure: true },
      );
    });
  });

  describe('a read marker', () => {
    it('moves forward alone, to any id that was given', async () => {
      const chat = await store().group(2);
      const { id: pair } = await store().ok('open_chat', { actor: 1, other: 2 });
      const [first, elsewhere] = [await post(chat, 1), await post(pair, 1)];
      const between = (await read(1, pair, elsewhere)).readId + 1; // The entry of this very read.
      const last = await post(chat, 1);
      expect(await read(2, chat, elsewhere)).toEqual({ readId: elsewhere });
      expect(await unreadOf(2, chat)).toMatchObject({ messages: 1 });
      const before = await store().newest();
      for (const id of [elsewhere, first, 1]) expect(await read(2, chat, id)).toEqual({ readId: elsewhere });
      expect(await store().newest()).toBe(before);
      expect(await read(2, chat, between)).toEqual({ readId: between });
      expect(await unreadOf(2, chat)).toMatchObject({ readId: between, messages: 1 });
      expect(await read(2, chat, last)).toEqual({ readId: last });
      expect(await unreadOf(2, chat)).toMatchObject({ messages: 0 });
      const unknown = { actor: 2, chatId: chat, id: (await store().newest()) + 1 };
      expect(await store().refused('mark_read', unknown)).toMatchObject({ error: 'message_not_found' });
    });

    it('is for members, of a chat of the type that they say', async () => {
      const chat = await store().group(3);
      const { id: pair } = await store().ok('open_chat', { actor: 1, other: 2 });
      await store().ok('remove_members', { actor: 1, groupId: chat, users: [3] });
      const refused = async (actor: number, chatId: number, type?: 'private' | 'group') =>
        (await store().refused('mark_read', { actor, chatId, id: 1, ...(type && { type }) })) as object;
      for (const [actor, id] of [[3, chat] as const, [3, pair] as const, [1, pair + 100] as const]) {
        expect(await refused(actor, id, 'group')).toMatchObject({ error: 'group_not_found' });
        expect(await refused(actor, id, 'private')).toMatchObject({ error: 'chat_not_found' });
        expect(await refused(actor, id)).toMatchObject({ error: 'chat_not_found' });
      }
      expect(await refused(1, chat, 'private')).toMatchObject({ error: 'chat_not_found' });
      expect(await refused(1, pair, 'group')).toMatchObject({ error: 'group_not_found' });
      expect(await refused(99, chat, 'group')).toMatchObject({ error: 'profile_required' });
      await store().ok('delete_group', { actor: 1, groupId: chat });
      expect(await refused(2, chat, 'group')).toMatchObject({ error: 'group_not_found' });
      expect(await reads()).toEqual([]);
    });

    it('is refused where the store is too busy, unless it stays where it is', async () => {
      const chat = await store().group(2);
      const id = await post(chat, 1);
      const busy = async (upTo: number) => {
        const command: Command = { kind: 'mark_read', actor: 2, chatId: chat, id: upTo };
        const batch = store().batch([command]);
        return (await store().write.apply([batch], store().now, true)).outcomes[0];
      };
      expect(await busy(id)).toMatchObject([{ error: 'overloaded' }]);
      await read(2, chat, id);
      expect(await busy(id)).toEqual([{ ok: { readId: id } }]);
    });

    it('is known to the members who may know it', async () => {
      const chat = await store().group(3);
      const id = await post(chat, 1);
      await read(2, chat, id);
      await read(3, chat, id);
      const reader = (user: number, readId: number) => ({ id: user, name: `User ${user}`, readId });
      const all = [reader(1, 0), reader(2, id), reader(3, id)];
      expect(await readersOf(chat, 1)).toEqual(all);
      expect(await readersOf(chat, 2, false)).toEqual([reader(2, id)]);
      await store().ok('update_user', { actor: 2, readReceipts: false });
      expect(await readersOf(chat, 1)).toEqual([reader(1, 0), reader(3, id)]);
      expect(await readersOf(chat, 2)).toEqual(all);
      expect(await value(store().read.user(2))).toMatchObject({ readReceipts: false });
      await store().ok('update_user', { actor: 2, readReceipts: true });
      expect(await readersOf(chat, 1)).toEqual(all);
      await store().ok('remove_members', { actor: 1, groupId: chat, users: [2] });
      expect(await readersOf(chat, 1)).toEqual([reader(1, 0), reader(3, id)]);
      for (const [where, who] of [[chat, 2] as const, [chat, 99] as const, [chat + 100, 1] as const]) {
        for (const withOthers of [true, false])
          expect(await readersOf(where, who, withOthers)).toBeUndefined();
      }
      await store().ok('delete_group', { actor: 1, groupId: chat });
      expect(await readersOf(chat, 1)).toBeUndefined();
    });

    it('is told by the log, with whether others are shown it', async () => {
      const chat = await store().group(2);
      const id = await post(chat, 1);
      await read(2, chat, id);
      const entry = { kind: 'chat_read', chatId: chat, time: store().now };
      expect(await reads()).toEqual([{ ...entry, id: id + 1, authorId: 2, readId: id, isShown: true }]);
      await store().ok('update_user', { actor: 1, readReceipts: false });
      await read(1, chat, id);
      expect((await reads()).at(-1)).toMatchObject({ authorId: 1, readId: id, isShown: false });
      await store().reopen();
      expect(await reads()).toHaveLength(2);
    });

    it('is left once for each member in the log, when those who follow are past the others', async () => {
      const chat = await store().group(3);
      const { id: pair } = await store().ok('open_chat', { actor: 1, other: 2 });
      for (let n = 0; n < 40; n++) {
        const id = await post(n % 2 === 0 ? chat : pair, 1);
        await read(2, n % 2 === 0 ? chat : pair, id);
        if (n % 10 === 9) await read(3, chat, id);
      }
      const last = await read(1, chat, await store().newest());
      expect(await reads()).toHaveLength(45);
      const newest = await store().newest();
      store().now += MINUTE_MS - 1;
      await purge();
      expect(await reads()).toHaveLength(45);
      store().now += 1;
      await purge();
      expect(await markers()).toEqual(
        [`${pair} of 2`, `${chat} of 2`, `${chat} of 3`, `${chat} of 1`].sort(),
      );
      expect(await store().newest()).toBe(newest);
      expect(await unreadOf(1, chat)).toMatchObject(last);
    });

    it('leaves the log with its member, and with its group', async () => {
      const chat = await store().group(3);
      const other = await store().ok('create_group', { actor: 1, name: 'b', description: '', users: [2] });
      const id = await post(chat, 1);
      for (const user of [1, 2, 3]) await read(user, chat, id);
      await read(2, other.id, id);
      await store().ok('remove_members', { actor: 1, groupId: chat, users: [2] });
      store().now += MINUTE_MS;
      await purge();
      expect(await markers()).toEqual([`${chat} of 1`, `${chat} of 3`, `${other.id} of 2`]);
      await store().ok('delete_group', { actor: 1, groupId: chat });
      const newest = await store().newest();
      store().now += MINUTE_MS;
      await purge();
      expect(await markers()).toEqual([`${other.id} of 2`]);
      expect(await store().newest()).toBe(newest);
      await store().reopen();
      expect(await post(other.id, 1)).toBe(newest + 1);
    });
  });
}
