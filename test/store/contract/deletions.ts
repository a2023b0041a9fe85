import { describe, expect, it } from 'vitest';
import { NOTHING_KNOWN, value } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';
import { conversation } from './conversation.js';

export function deletions(store: CurrentStore): void {
  const { say, edit, remove, react, message, newest, following } = conversation(store);

  describe('delete_message', () => {
    it('leaves the place of the message, which only a full page shows', async () => {
      const chat = await store().group(2);
      const first = await say(chat, 1, 'first');
      const id = await say(chat, 2, 'gone', { clientId: 'c', replyTo: first, mentions: [1] });
      await edit(2, id, 'still gone');
      await react(1, id, '👍');
      const last = await say(chat, 1, 'last');
      const time = store().now;
      store().now += 1000;
      const { changeId } = await remove(2, id, { clientId: 'd' });
      const tombstone = {
        ...{ kind: 'message', id, chatId: chat, authorId: 2, text: '', time, clientId: 'c' },
        extra: { deletedAt: store().now, deletedBy: 2, changeId },
      };
      const ids = async (view: 'plain' | 'full') => (await newest(chat, { view })).messages.map((m) => m.id);
      expect(await ids('plain')).toEqual([first, last]);
      expect(await ids('full')).toEqual([first, id, last]);
      expect((await newest(chat)).messages[1]).toEqual(tombstone);
      expect(await message(id)).toEqual(tombstone);
      expect(await store().entries(changeId - 1)).toEqual([
        {
          ...{ kind: 'message_deleted', id: changeId, chatId: chat, authorId: 2, messageId: id },
          ...{ time: store().now, clientId: 'd' },
        },
      ]);
      expect((await store().entries()).find((entry) => entry.id === id)).toEqual(tombstone);
    });

    it('is for the author, and for the owner of the group', async () => {
      const chat = await store().group(3);
      const [a, b] = [await say(chat, 2, 'a'), await say(chat, 2, 'b')];
      const refused = await store().refused('delete_message', { actor: 3, messageId: a });
      expect(refused).toMatchObject({ error: 'not_author' });
      await remove(2, a);
      await remove(1, b);
      expect((await message(b))?.extra).toMatchObject({ deletedBy: 1 });
      expect((await store().entries()).at(-1)).toMatchObject({ kind: 'message_deleted', authorId: 1 });
      const own = await say(chat, 1, 'c');
      expect(await store().refused('delete_message', { actor: 2, messageId: own })).toMatchObject({
        error: 'not_author',
      });
    });

    it('is for the author alone in a private chat, whoever opened it', async () => {
      await store().users(2);
      const { id: chat } = await store().ok('open_chat', { actor: 1, other: 2 });
      const [mine, theirs] = [await say(chat, 1, 'mine'), await say(chat, 2, 'theirs')];
      for (const [actor, messageId] of [
        [1, theirs],
        [2, mine],
      ] as const) {
        const refused = await store().refused('delete_message', { actor, messageId });
        expect(refused).toMatchObject({ error: 'not_author' });
      }
      await remove(2, theirs);
      expect((await newest(chat, { view: 'plain' })).messages.map(({ id }) => id)).toEqual([mine]);
    });

    it('of what is deleted changes nothing', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 2, 'a');
      const { changeId } = await remove(2, id);
      store().now += 1000;
      for (const actor of [2, 1])
        expect(await remove(actor, id, { clientId: 'd' })).toEqual({ changeId, duplicate: true });
      expect(await store().newest()).toBe(changeId);
      expect((await message(id))?.extra).toMatchObject({ deletedBy: 2, deletedAt: store().now - 1000 });
    });

    it('takes the text from what told of edits, which those who are late read empty', async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'one');
      await edit(1, id, 'two');
      await edit(1, id, 'three');
      const other = await say(chat, 1, 'other');
      await edit(1, other, 'other two');
      await edit(1, other, 'other three');
      await remove(1, id);
      const texts = (await store().entries()).map((entry) => ('text' in entry ? entry.text : undefined));
      expect(texts.filter((text) => text !== undefined)).toEqual([
        ...['', '', '', 'other three', 'other two', 'other three'],
      ]);
    });

    it('of the newest message leaves its number and its id to nobody', async () => {
      const chat = await store().group(1);
      const texts = async () =>
        (await newest(chat, { view: 'plain', offset: 1 })).messages.map((m) => m.text);
      const first = await say(chat, 1, 'a');
      const gone = [await say(chat, 1, 'b'), await say(chat, 1, 'c')];
      for (const id of gone) await remove(1, id);
      expect(await texts()).toEqual([]);
      for (const text of ['d', 'e']) {
        await store().reopen();
        expect(await say(chat, 1, text)).toBeGreaterThan(gone[1] ?? 0);
      }
      expect(await texts()).toEqual(['a', 'd']);
      expect((await newest(chat, { offset: 1 })).messages.map(({ id }) => id).slice(0, 3)).toEqual([
        first,
        ...gone,
      ]);
      // Nothing is left but places.
      for (const { id } of (await newest(chat, { view: 'plain' })).messages) await remove(1, id);
      await store().reopen();
      const only = await say(chat, 1, 'f');
      expect((await newest(chat, { view: 'plain' })).messages.map(({ id }) => id)).toEqual([only]);
      for (const view of ['plain', 'full'] as const)
        expect((await newest(chat, { view, offset: 1 })).messages).toEqual([]);
    });

    it('takes the message from lists of chats, and from what a member wrote', async () => {
      const chat = await store().group(2);
      const first = await say(chat, 1, 'first');
      const id = await say(chat, 2, 'second');
      await remove(2, id);
      expect(await store().messages(chat)).toMatchObject([{ id: first }]);
      const rooms = async () => (await value(store().read.roomsOf(1, NOTHING_KNOWN))).rooms;
      expect(await rooms()).toMatchObject([{ newest: { id: first, text: 'first' } }]);
      await remove(1, first);
      expect((await rooms())[0]?.newest).toBeUndefined();
    });
  });

  describe('a change that newer ones followed', () => {
    const MINUTE_MS = 60_000;
    const purgeAll = async () => {
      let slices = 0;
      while (await store().write.purge(store().now)) slices += 1;
      return slices;
    };

    it('goes after a minute, and the newest one of each message stays', async () => {
      const chat = await store().group(2);
      const [a, b] = [await say(chat, 1, 'a'), await say(chat, 1, 'b')];
      for (let n = 0; n < 5; n++) await edit(1, a, `a ${n}`);
      await react(2, b, '👍');
      const { changeId: ofB } = await react(2, b, '🎉');
      const { changeId: ofA } = await edit(1, a, 'a at last');
      store().now += MINUTE_MS - 1;
      const end = await store().newest();
      const all = await store().entries();
      expect(await purgeAll()).toBe(0);
      store().now += 1;
      const before = await following(chat, { after: b });
      expect(await purgeAll()).toBeGreaterThan(0);
      expect(await store().newest()).toBe(end);
      const changes = (await store().entries()).filter(({ id }) => id > b);
      expect(changes.map(({ id }) => id)).toEqual([ofB, ofA]);
      expect(all.filter(({ id }) => id <= b || id === ofA || id === ofB)).toEqual(await store().entries());
      expect(await following(chat, { after: b })).toEqual(before);
      expect(await purgeAll()).toBe(0);
    });

    it('that ended the log leaves no id to be given again', async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'a');
      await edit(1, id, 'b');
      const { changeId } = await remove(1, id);
      await store().ok('delete_group', { actor: 1, groupId: chat });
      store().now += 2 * MINUTE_MS;
      await purgeAll();
      expect(await store().newest()).toBe(changeId + 1);
      const group = await store().ok('create_group', { actor: 1, name: 'g', description: '', users: [] });
      expect(await say(group.id, 1, 'next')).toBe(changeId + 3);
    });

    it('of a deleted group goes with its messages, places and reactions', async () => {
      const chat = await store().group(2);
      const other = await store().ok('create_group', { actor: 1, name: 'o', description: '', users: [2] });
      const kept = await say(other.id, 1, 'kept');
      for (let n = 0; n < 30; n++) {
        const id = await say(chat, 1, `message ${n}`);
        await react(1 + (n % 2), id, '👍');
        if (n % 3 === 0) await edit(1, id, 'edited');
        if (n % 5 === 0) await remove(1, id);
      }
      await react(2, kept, '👍');
      await store().ok('delete_group', { actor: 1, groupId: chat });
      const end = await store().newest();
      store().now += 2 * MINUTE_MS;
      await purgeAll();
      expect(await store().newest()).toBe(end);
      const left = (await store().entries()).filter((entry) => 'chatId' in entry && entry.chatId === chat);
      expect(left.map(({ kind }) => kind)).toEqual(['group_created', 'group_deleted']);
      expect((await newest(other.id, { reader: 2 })).own).toEqual(new Set([`${kept} 👍`]));
    });
  });
}
