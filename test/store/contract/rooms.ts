import { describe, expect, it } from 'vitest';
import type { Chat } from '../../../src/chat/chats.js';
import type { Message } from '../../../src/chat/messages.js';
import { NOTHING_KNOWN, say, value } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';
import { testUser } from './talk.js';

/** A user in no chat, with a profile; and one who has not even that. */
const STRANGER = 4;
const NOBODY = 99;

export function rooms(store: CurrentStore): void {
  const chatFor = (chat: number, user: number) => value(store().read.chatFor(chat, user));
  const membersFor = (chat: number, user: number) => value(store().read.membersFor(chat, user));
  const roomsOf = (user: number, known = {}, only?: readonly number[]) =>
    value(store().read.roomsOf(user, { ...NOTHING_KNOWN, ...known }, only));
  const chatsCount = (user: number) => value(store().read.chatsCount(user));
  const groupsOf = (user: number) => value(store().read.groupsOf(user));
  const memberFor = (chat: number, user: number, after = 0) =>
    value(store().read.memberFor(chat, user, after));

  /** Users 1 to 4; a chat of 2 and 1, a group of 1, 2 and 3, a group of 1 alone, and one that is deleted. */
  async function some() {
    await store().users(4);
    const group = (actor: number, name: string, users: number[]) =>
      store().ok('create_group', { actor, name, description: '', users });
    const { id: pair } = await store().ok('open_chat', { actor: 2, other: 1 });
    const { id: many } = await group(1, 'many', [3, 2]);
    const { id: gone } = await group(2, 'gone', [1, 3]);
    const { id: alone } = await group(1, 'alone', []);
    await store().run(say(pair, 2, 'hi'), say(many, 3, 'a'), say(many, 1, 'b'), say(gone, 3, 'c'));
    await store().ok('delete_group', { actor: 2, groupId: gone });
    return { pair, many, gone, alone };
  }

  describe('a chat', () => {
    it('is for its members', async () => {
      const { pair, many, alone } = await some();
      expect(await chatFor(pair, 1)).toMatchObject({ id: pair, type: 'private', pair: [1, 2] });
      expect(await chatFor(many, 3)).toMatchObject({ id: many, name: 'many', ownerId: 1, membersCount: 3 });
      expect(await chatFor(alone, 1)).toMatchObject({ id: alone, membersCount: 1 });
      for (const [chat, user] of [
        ...[pair, many, alone].map((id) => [id, STRANGER]),
        ...[pair, many].map((id) => [id, NOBODY]),
        ...[[pair, 3] as const, [alone, 2] as const, [alone + 1, 1] as const, [0, 0] as const],
      ] as const) {
        expect(await chatFor(chat ?? 0, user ?? 0), `chat ${chat}, user ${user}`).toBeUndefined();
      }
    });

    it('has its members in the order of their ids', async () => {
      const { pair, many } = await some();
      const named = (...ids: number[]) => ids.map((id) => ({ id, name: `User ${id}` }));
      const chat = await chatFor(many, 1);
      expect(await membersFor(many, 2)).toEqual({ chat, members: named(1, 2, 3) });
      expect((await membersFor(pair, 1))?.members).toEqual(named(1, 2));
      await store().ok('update_user', { actor: 2, name: 'Bob' });
      expect((await membersFor(many, 1))?.members[1]).toEqual({ id: 2, name: 'Bob' });
      await store().ok('remove_members', { actor: 1, groupId: many, users: [2] });
      expect((await membersFor(many, 1))?.members).toEqual(named(1, 3));
      for (const user of [2, STRANGER, NOBODY]) expect(await membersFor(many, user)).toBeUndefined();
      expect(await membersFor(many + 100, 1)).toBeUndefined();
    });
  });

  describe('the chats of a user', () => {
    it('come with their newest messages and the users in them', async () => {
      const { pair, many, alone } = await some();
      const found = await roomsOf(1);
      expect(found.rooms).toMatchObject([
        { chat: { id: pair }, newest: { kind: 'message', text: 'hi', authorId: 2 } },
        { chat: { id: many }, newest: { kind: 'message', text: 'b', authorId: 1 } },
        { chat: { id: alone } },
      ]);
      expect(found.rooms[2]?.newest).toBeUndefined();
      for (const { chat } of found.rooms) expect(chat).toEqual(await chatFor(chat.id, 1));
      expect(found.chats).toEqual(found.rooms.map(({ chat }) => chat));
      expect(found.users).toEqual(new Map([1, 2].map((id) => [id, testUser(id)])));

      const third = await roomsOf(3);
      expect(third.rooms).toEqual([found.rooms[1]]);
      expect([...third.users.keys()]).toEqual([1]);
      for (const user of [STRANGER, NOBODY]) {
        expect(await roomsOf(user)).toEqual({ rooms: [], chats: [], users: new Map() });
      }
    });

    it('are only those that are asked for', async () => {
      const { pair, many, gone, alone } = await some();
      const all = await roomsOf(2);
      const ids = async (only: number[], user = 2) =>
        (await roomsOf(user, {}, only)).rooms.map(({ chat }) => chat.id);
      expect(await roomsOf(2, {}, [pair, many])).toEqual(all);
      expect((await roomsOf(2, {}, [many])).rooms).toEqual([all.rooms[1]]);
      expect(await ids([])).toEqual([]);
      expect(await ids([alone, many, gone, many + 100])).toEqual([many]);
      expect(await ids([pair, many, alone, gone], 1)).toEqual([pair, many, alone]);
      expect(await ids([pair, many, alone, gone], STRANGER)).toEqual([]);
      expect((await roomsOf(STRANGER, {}, [pair, many])).users.size).toBe(0);
      // In ascending order, whatever the order of the question was.
      expect(await ids([many, pair])).toEqual([pair, many]);
    });

    it('come without what the caller knows', async () => {
      const { pair, many, alone } = await some();
      const known = (...ids: number[]) => ({ hasUser: (id: number) => ids.includes(id) });
      expect([...(await roomsOf(1, known(2))).users.keys()]).toEqual([1]);
      expect((await roomsOf(1, known(1, 2))).users.size).toBe(0);

      // What is known is taken from the caller.
      const chat = { id: many, type: 'group', name: 'as the caller knows it', pair: null } as Chat;
      const newest = { kind: 'message', id: 1, chatId: many, authorId: 3, text: 'known' } as Message;
      const knowing = {
        chat: (id: number) => (id === many ? chat : undefined),
        newestMessage: (id: number) => (id === many ? newest : undefined),
      };
      for (const only of [undefined, [pair, many, alone]]) {
        const found = await roomsOf(1, knowing, only);
        expect(found.rooms[1]).toEqual({ chat, newest });
        expect(found.chats.map(({ id }) => id)).toEqual([pair, alone]);
        expect(found.rooms.map((room) => room.chat.id)).toEqual([pair, many, alone]);
        expect([...found.users.keys()].sort()).toEqual([1, 2, 3]);
      }
    });

    it('are those that exist, whatever the caller still knows', async () => {
      const { gone, pair, many } = await some();
      const chat = { id: gone, type: 'group', name: 'gone', pair: null } as Chat;
      const knowing = { chat: (id: number) => (id === gone ? chat : undefined) };
      for (const only of [undefined, [pair, many, gone]]) {
        const found = (await roomsOf(2, knowing, only)).rooms;
        expect(found.map((room) => room.chat.id)).toEqual([pair, many]);
      }
    });

    it('are counted, and the groups among them listed', async () => {
      const { many, alone } = await some();
      const users = [1, 2, 3, STRANGER, NOBODY];
      expect(await Promise.all(users.map(chatsCount))).toEqual([3, 2, 1, 0, 0]);
      const groups = [[many, alone], [many], [many], [], []];
      expect(await Promise.all(users.map(groupsOf))).toEqual(groups);
      await store().ok('remove_members', { actor: 1, groupId: many, users: [3] });
      expect([await chatsCount(3), await groupsOf(3)]).toEqual([0, []]);
    });
  });

  describe('a member', () => {
    it('is known by their profile, and by whether they said something since', async () => {
      const chat = await store().group(3);
      const ids: number[] = [];
      for (const author of [1, 2, 1]) {
        ids.push((await store().ok('post_message', { chatId: chat, authorId: author, text: 'x' })).id);
      }
      await store().ok('update_group', { actor: 1, groupId: chat, name: 'h' }); // It is nothing that was said.
      const wrote = (author: number) =>
        Promise.all([0, ...ids].map(async (after) => (await memberFor(chat, author, after))?.wrote));
      expect(await wrote(1)).toEqual([true, true, true, false]);
      expect(await wrote(2)).toEqual([true, true, false, false]);
      expect(await wrote(3)).toEqual([false, false, false, false]);
      expect(await memberFor(chat, 2)).toEqual({ user: testUser(2), wrote: true });
    });

    it('is nobody else', async () => {
      const { pair, many, gone } = await some();
      expect(await memberFor(pair, 2)).toEqual({ user: testUser(2), wrote: true });
      for (const [chat, user] of [
        ...[pair, many].map((id) => [id, STRANGER]),
        ...[[pair, 3] as const, [many, NOBODY] as const, [many + 100, 1] as const],
        ...[1, 2, 3].map((member) => [gone, member]),
      ] as const) {
        expect(await memberFor(chat ?? 0, user ?? 0), `chat ${chat}, user ${user}`).toBeUndefined();
      }
      await store().ok('remove_members', { actor: 1, groupId: many, users: [3] });
      expect(await memberFor(many, 3)).toBeUndefined();
    });
  });

  describe('a deleted group', () => {
    it('is a chat that does not exist, for those who were in it too', async () => {
      const { gone } = await some();
      for (const user of [1, 2, 3, STRANGER]) {
        expect(await chatFor(gone, user)).toBeUndefined();
        expect(await membersFor(gone, user)).toBeUndefined();
        expect((await roomsOf(user)).rooms.map(({ chat }) => chat.id)).not.toContain(gone);
        expect(await groupsOf(user)).not.toContain(gone);
      }
    });
  });
}
