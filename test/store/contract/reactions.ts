import { describe, expect, it } from 'vitest';
import { reactionKey } from '../../../src/store/read-store.js';
import type { CurrentStore } from '../store-contract.js';
import { conversation } from './conversation.js';

/** Different emoji, as many as there may be at one message. */
const EMOJI = Array.from({ length: 20 }, (_, n) => String.fromCodePoint(0x1f600 + n));

export function reactions(store: CurrentStore): void {
  const { say, edit, remove, react, message, newest, following } = conversation(store);
  const unreact = (actor: number, messageId: number, emoji: string) =>
    react(actor, messageId, emoji, { isOn: false });
  const reactionsTo = async (id: number) =>
    (await message(id))?.extra?.reactions?.map(({ emoji, count }) => `${emoji}${count}`).join(' ');

  describe('react', () => {
    it('counts who reacts with each emoji, in the order in which these came', async () => {
      const chat = await store().group(3);
      const id = await say(chat, 1, 'hi');
      await react(2, id, '👍');
      await react(1, id, '🎉');
      await react(3, id, '👍');
      await react(1, id, '👍');
      expect(await reactionsTo(id)).toBe('👍3 🎉1');
      await unreact(2, id, '👍');
      expect(await reactionsTo(id)).toBe('👍2 🎉1');
      await unreact(3, id, '👍');
      await unreact(1, id, '👍');
      expect(await reactionsTo(id)).toBe('🎉1');
      await react(2, id, '👍');
      expect(await reactionsTo(id)).toBe('🎉1 👍1');
      await store().reopen();
      expect(await reactionsTo(id)).toBe('🎉1 👍1');
    });

    it('tells of it in the log, with the count that there is then', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 1, 'hi');
      await react(1, id, '👍');
      store().now += 1000;
      const { changeId } = await react(2, id, '👍', { clientId: 'r' });
      const about = { kind: 'reaction_changed', chatId: chat, authorId: 2, messageId: id, emoji: '👍' };
      const { now: time } = store();
      expect(await store().entries(changeId - 1)).toEqual([
        { ...about, id: changeId, time, clientId: 'r', isOn: true, count: 2 },
      ]);
      const { changeId: off } = await unreact(2, id, '👍');
      expect(await store().entries(off - 1)).toEqual([
        { ...about, id: off, time, clientId: null, isOn: false, count: 1 },
      ]);
      expect((await message(id))?.extra).toEqual({ reactions: [{ emoji: '👍', count: 1 }], changeId: off });
    });

    it('changes nothing where the reaction is so already', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 1, 'hi');
      expect(await unreact(1, id, '👍')).toEqual({ changeId: 0, duplicate: true });
      const { changeId } = await react(1, id, '👍');
      expect(await react(1, id, '👍')).toEqual({ changeId, duplicate: true });
      expect(await unreact(2, id, '👍')).toEqual({ changeId, duplicate: true });
      expect(await store().newest()).toBe(changeId);
      expect(await reactionsTo(id)).toBe('👍1');
    });

    it('takes 20 different emoji a message, and any number of users', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 1, 'hi');
      for (const emoji of EMOJI) await react(1, id, emoji);
      const more = { actor: 2, messageId: id, emoji: '👍', isOn: true };
      const refused = { error: 'too_many_reactions', details: { max: 20 } };
      expect(await store().refused('react', more)).toEqual(refused);
      await react(2, id, EMOJI[7] ?? '');
      expect(await unreact(2, id, '👍')).toHaveProperty('duplicate');
      await unreact(1, id, EMOJI[3] ?? '');
      await react(2, id, '👍');
      expect((await message(id))?.extra?.reactions).toHaveLength(20);
      expect(await store().refused('react', { ...more, emoji: EMOJI[3] ?? '' })).toEqual(refused);
      await react(2, await say(chat, 1, 'another'), '👍');
    });

    it('stays with the message when that has another text, and goes with it', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 1, 'hi');
      await react(2, id, '👍');
      await edit(1, id, 'hello');
      expect(await reactionsTo(id)).toBe('👍1');
      await remove(1, id);
      expect(await reactionsTo(id)).toBeUndefined();
      const reacted = [{ messageId: id, reactions: [{ emoji: '👍', count: 1 }] }];
      expect((await following(chat, { reader: 2, max: 0, reacted })).own).toEqual(new Set());
    });
  });

  describe("a reader's own reactions", () => {
    it('are marked in full pages, to messages and to those that changed', async () => {
      const chat = await store().group(2);
      const [a, b, c] = [await say(chat, 1, 'a'), await say(chat, 1, 'b'), await say(chat, 1, 'c')];
      await react(2, a, '👍');
      await react(1, a, '👍');
      await react(1, b, '🎉');
      await react(2, b, '👍');
      await react(1, c, '🎉');
      const own = [reactionKey(a, '👍'), reactionKey(b, '👍')].sort();
      const keys = ({ own: found }: { own: ReadonlySet<string> }) => [...found].sort();
      expect(keys(await newest(chat, { reader: 2 }))).toEqual(own);
      expect(keys(await newest(chat, { reader: 2, max: 2 }))).toEqual([reactionKey(b, '👍')]);
      expect(keys(await following(chat, { reader: 2, after: c }))).toEqual(own);
      expect(keys(await newest(chat, { reader: 2, view: 'plain' }))).toEqual([]);
      expect(keys(await following(chat, { reader: 2, view: 'plain', after: 0 }))).toEqual([]);
    });

    it('are told of messages that the caller has at hand', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 1, 'a');
      await react(2, id, '👍');
      const reacted = [
        {
          messageId: id,
          reactions: [
            { emoji: '👍', count: 1 },
            { emoji: '🎉', count: 1 },
          ],
        },
      ];
      const page = await following(chat, { reader: 2, max: 0, reacted });
      expect(page).toMatchObject({ entries: [], own: new Set([reactionKey(id, '👍')]) });
      expect((await following(chat, { reader: 1, max: 0, reacted })).own).toEqual(new Set());
    });
  });
}
