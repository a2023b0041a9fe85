import { describe, expect, it } from 'vitest';
import { QUOTE_CHARACTERS_MAX } from '../../../src/chat/messages.js';
import { NOTHING_LACKS, UNBOUNDED } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';
import { conversation } from './conversation.js';

export function replies(store: CurrentStore): void {
  const { say, edit, remove, react, message, newest, following } = conversation(store);
  const other = async () =>
    (await store().ok('create_group', { actor: 1, name: 'o', description: '', users: [2] })).id;
  const refusal = (chatId: number, authorId: number, more: object) =>
    store().refused('post_message', { chatId, authorId, text: 'x', ...more });

  describe('a reply', () => {
    it('names a message of the chat that is there', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 1, 'question');
      const reply = await say(chat, 2, 'answer', { replyTo: id });
      expect((await message(reply))?.extra).toEqual({ replyTo: id });
      const [elsewhere, gone] = [await say(await other(), 1, 'x'), await say(chat, 1, 'gone')];
      await remove(1, gone);
      const { changeId } = await edit(1, id, 'edited');
      for (const replyTo of [elsewhere, gone, changeId, id + 1000, 0])
        expect(await refusal(chat, 2, { replyTo }), `to ${replyTo}`).toEqual({ error: 'reply_unknown' });
    });

    it('is known by its client id also when what it answers is gone', async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'question');
      const reply = { chatId: chat, authorId: 1, text: 'answer', replyTo: id, clientId: 'c' };
      const first = await store().ok('post_message', reply);
      await remove(1, id);
      expect(await store().ok('post_message', reply)).toMatchObject({
        id: first.id,
        duplicate: { text: 'answer', extra: { replyTo: id } },
      });
    });
  });

  describe('a quote', () => {
    it('is the message as it is now, with the name that its author has now', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 2, 'question');
      await say(chat, 1, 'answer', { replyTo: id });
      const quotes = async () => Object.fromEntries((await newest(chat)).quotes);
      expect(await quotes()).toEqual({ [id]: { authorId: 2, authorName: 'User 2', text: 'question' } });
      await edit(2, id, 'better question');
      await store().ok('update_user', { actor: 2, name: 'Bob' });
      const quote = { authorId: 2, authorName: 'Bob', text: 'better question' };
      expect(await quotes()).toEqual({ [id]: quote });
      await remove(2, id);
      expect(await quotes()).toEqual({});
    });

    it('comes with pages of both views, with changes and with the log', async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'question');
      const reply = await say(chat, 1, 'answer', { replyTo: id });
      const unrelated = await say(chat, 1, 'unrelated');
      await edit(1, reply, 'better answer');
      const quotes = new Map([[id, { authorId: 1, authorName: 'User 1', text: 'question' }]]);
      for (const view of ['plain', 'full'] as const) {
        expect((await newest(chat, { view })).quotes).toEqual(quotes);
        expect((await following(chat, { view, after: id })).quotes).toEqual(quotes);
        expect((await newest(chat, { view, max: 1 })).quotes).toEqual(new Map());
      }
      expect((await following(chat, { after: unrelated })).quotes).toEqual(quotes);
      expect((await store().read.log(id, UNBOUNDED, NOTHING_LACKS)).quotes).toEqual(quotes);
      expect((await store().read.log(reply, UNBOUNDED, NOTHING_LACKS)).quotes).toEqual(new Map());
    });

    it('has the beginning of the text, cut between characters', async () => {
      const chat = await store().group(1);
      const whole = '🦊'.repeat(QUOTE_CHARACTERS_MAX);
      const ids = [
        await say(chat, 1, whole),
        await say(chat, 1, `${whole}x`),
        await say(chat, 1, whole + whole),
      ];
      for (const replyTo of ids) await say(chat, 1, 'answer', { replyTo });
      const { quotes } = await newest(chat);
      expect(ids.map((id) => quotes.get(id)?.text)).toEqual([whole, `${whole}…`, `${whole}…`]);
    });
  });

  describe('a mention', () => {
    it('is of members, whoever mentions them', async () => {
      const chat = await store().group(3);
      await store().ok('remove_members', { actor: 1, groupId: chat, users: [3] });
      const id = await say(chat, 2, 'hi', { mentions: [1, 2] });
      expect((await message(id))?.extra).toEqual({ mentions: [1, 2] });
      expect(await refusal(chat, 1, { mentions: [2, 3, 99] })).toEqual({
        error: 'not_a_member',
        details: { users: [3, 99] },
      });
      expect(await refusal(chat, 3, { mentions: [1] })).toMatchObject({ error: 'chat_not_found' });
    });

    it('stays when the member leaves, the text changes, and somebody reacts', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 1, 'hi', { mentions: [2] });
      await store().ok('remove_members', { actor: 1, groupId: chat, users: [2] });
      await edit(1, id, 'hello');
      await react(1, id, '👍');
      expect((await message(id))?.extra).toMatchObject({ mentions: [2] });
    });

    it('of all is for the owner of a group', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 1, 'hi', { mentions: ['all'] });
      expect((await message(id))?.extra).toEqual({ mentions: ['all'] });
      expect(await refusal(chat, 2, { mentions: ['all'] })).toEqual({ error: 'not_owner' });
      expect(await refusal(chat, 2, { mentions: [1, 'all'] })).toEqual({ error: 'not_owner' });
      const pair = await store().ok('open_chat', { actor: 1, other: 2 });
      expect(await refusal(pair.id, 1, { mentions: ['all'] })).toEqual({ error: 'not_owner' });
      await say(pair.id, 2, 'hi', { mentions: [1] });
    });

    it('that fails leaves no message, and no number is left out', async () => {
      const chat = await store().group(2);
      const before = await store().newest();
      const twice = { kind: 'post_message', chatId: chat, authorId: 1, text: 'x', mentions: [2, 2] } as const;
      // Workers drop repeats, so that this is a fault.
      expect(await store().run(twice)).toMatchObject([{ error: 'internal' }]);
      expect(await store().newest()).toBe(before);
      expect(await store().messages(chat)).toEqual([]);
      for (const text of ['a', 'b', 'c']) await say(chat, 1, text);
      expect((await newest(chat, { offset: 2, view: 'plain' })).messages.at(-1)).toMatchObject({ text: 'a' });
    });
  });
}
