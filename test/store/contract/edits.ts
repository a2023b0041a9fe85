import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import { UNLIMITED } from '../../../src/chat/limits.js';
import type { CurrentStore } from '../store-contract.js';
import { conversation } from './conversation.js';

const NOBODY = 99;
const CHANGES = ['edit_message', 'delete_message', 'react'] as const;

export function edits(store: CurrentStore): void {
  const { say, edit, remove, react, message, following } = conversation(store);
  const change = (kind: (typeof CHANGES)[number], actor: number, messageId: number, chatId?: number) => {
    const command = { actor, messageId, text: 'new', emoji: '👍', isOn: true, chatId };
    return store().refused(kind, command);
  };

  describe('edit_message', () => {
    it('gives a message another text in its place, and tells of it in the log', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 2, 'first', { clientId: 'c' });
      await say(chat, 1, 'between');
      const time = store().now;
      store().now += 1000;
      const { changeId } = await edit(2, id, 'second', { clientId: 'e' });
      expect(changeId).toBe(await store().newest());
      const changed = {
        ...{ kind: 'message', id, chatId: chat, authorId: 2, text: 'second', time, clientId: 'c' },
        extra: { version: 2, editedAt: store().now, changeId },
      };
      expect((await store().messages(chat)).map(({ text }) => text)).toEqual(['second', 'between']);
      expect((await store().messages(chat))[0]).toEqual(changed);
      expect(await message(id)).toEqual(changed);
      expect(await store().entries(changeId - 1)).toEqual([
        {
          ...{ kind: 'message_edited', id: changeId, chatId: chat, authorId: 2, messageId: id },
          ...{ time: store().now, clientId: 'e', text: 'second', version: 2 },
        },
      ]);
      await store().reopen();
      expect(await message(id)).toEqual(changed);
    });

    it('counts versions, and keeps what else the message has', async () => {
      const chat = await store().group(2);
      const answered = await say(chat, 2, 'question');
      const id = await say(chat, 1, 'one', { replyTo: answered, mentions: [2] });
      await edit(1, id, 'two');
      await react(2, id, '👍');
      store().now += 1000;
      const { changeId } = await edit(1, id, 'one');
      expect((await message(id))?.extra).toEqual({
        ...{ replyTo: answered, mentions: [2], version: 3, editedAt: store().now },
        ...{ reactions: [{ emoji: '👍', count: 1 }], changeId },
      });
    });

    it('is for the author alone', async () => {
      const chat = await store().group(3);
      const id = await say(chat, 2, 'mine');
      for (const actor of [1, 3]) {
        expect(await change('edit_message', actor, id)).toMatchObject({ error: 'not_author' });
      }
      expect(await message(id)).toMatchObject({ text: 'mine' });
    });

    it('with the text that there is changes nothing', async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'one');
      const before = await store().newest();
      expect(await edit(1, id, 'one')).toEqual({ changeId: 0, duplicate: true });
      expect(await store().newest()).toBe(before);
      const { changeId } = await edit(1, id, 'two');
      expect(await edit(1, id, 'two')).toEqual({ changeId, duplicate: true });
      expect(await store().newest()).toBe(changeId);
      expect((await message(id))?.extra).toMatchObject({ version: 2 });
    });

    it('is too late after as many seconds as the setting says, and deleting never is', async () => {
      const chat = await store().group(2);
      await store().reopen({ ...UNLIMITED, editSecondsMax: 60 });
      const id = await say(chat, 1, 'one');
      store().now += 60_000;
      await edit(1, id, 'two');
      store().now += 1;
      expect(await change('edit_message', 1, id)).toMatchObject({ error: 'edit_too_late' });
      expect(await edit(1, id, 'two')).toHaveProperty('duplicate');
      await react(2, id, '👍');
      await remove(1, id);
      await store().reopen();
      const other = await say(chat, 1, 'one');
      store().now += 10_000_000_000;
      await edit(1, other, 'two');
    });

    it('of a deleted message is refused', async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'one');
      await remove(1, id);
      expect(await change('edit_message', 1, id)).toEqual({ error: 'message_not_found' });
      expect(await change('react', 1, id)).toEqual({ error: 'message_not_found' });
    });
  });

  describe.each(CHANGES)('%s', (kind) => {
    it('is refused to strangers as if there were no message', async () => {
      const chat = await store().group(3);
      const id = await say(chat, 2, 'here');
      await store().ok('remove_members', { actor: 1, groupId: chat, users: [3] });
      const unknown = await change(kind, 3, id + 1000);
      expect(unknown).toEqual({ error: 'message_not_found' });
      expect(await change(kind, 3, id)).toEqual(unknown);
      expect(await change(kind, 2, id + 1000)).toEqual(unknown);
      expect(await change(kind, NOBODY, id)).toMatchObject({ error: 'profile_required' });
      expect(await change(kind, NOBODY, id + 1000)).toMatchObject({ error: 'profile_required' });
    });

    it('is refused to those who left, and in a group that is deleted', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 2, 'here');
      await store().ok('remove_members', { actor: 1, groupId: chat, users: [2] });
      expect(await change(kind, 2, id)).toEqual({ error: 'message_not_found' });
      await store().ok('delete_group', { actor: 1, groupId: chat });
      expect(await change(kind, 1, id)).toEqual({ error: 'message_not_found' });
    });

    it('is of the chat that the caller names, and of a message', async () => {
      const chat = await store().group(2);
      const other = await store().ok('create_group', { actor: 1, name: 'o', description: '', users: [2] });
      const id = await say(chat, 2, 'here');
      const refused = { error: 'message_not_found' };
      expect(await change(kind, 2, id, other.id)).toEqual(refused);
      expect(await change(kind, 2, id, chat + 1000)).toEqual(refused);
      for (const notAMessage of [0, 1, id - 1]) expect(await change(kind, 2, notAMessage)).toEqual(refused);
      const command = { actor: 2, messageId: id, chatId: chat, text: 'new', emoji: '👍', isOn: true };
      const { changeId } = await store().ok(kind, command);
      expect(await change(kind, 2, changeId)).toEqual(refused);
    });

    it('counts in the rate of its author', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 2, 'one');
      await store().reopen({ ...UNLIMITED, messagesPerSecondPerUserMax: 1 });
      for (let n = 0; n < 4; n++) await edit(2, id, `text ${n}`);
      await say(chat, 2, 'fifth');
      expect(await change(kind, 2, id)).toMatchObject({
        error: 'rate_limited',
        details: { limit: 'messages', retry_after_ms: 1000 },
      });
      await react(1, id, '👍');
      store().now += 1000;
      const command = { actor: 2, messageId: id, text: 'new', emoji: '👍', isOn: true };
      expect(await store().ok(kind, command)).not.toHaveProperty('duplicate');
    });

    it('is not taken by an overloaded store, unless there is nothing to do', async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'one');
      const command = { kind, actor: 1, messageId: id, text: 'new', emoji: '👍', isOn: true } as Command;
      const overloaded = () => store().write.apply([store().batch([command])], store().now, true);
      const before = await store().newest();
      expect((await overloaded()).outcomes).toMatchObject([[{ error: 'overloaded' }]]);
      expect(await store().newest()).toBe(before);
      expect(await message(id)).not.toHaveProperty('extra');
      const [first] = await store().run(command);
      expect(first).toHaveProperty('ok');
      if (kind !== 'react')
        expect((await overloaded()).outcomes).toMatchObject([[{ ok: { duplicate: true } }]]);
    });

    it('that fails unexpectedly leaves nothing, and the rest of its batch stays', async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'one');
      const clientId = {} as string;
      const broken = { kind, actor: 1, messageId: id, text: 'new', emoji: '👍', isOn: true, clientId };
      const before = await store().newest();
      const outcomes = await store().run(
        { kind: 'post_message', chatId: chat, authorId: 1, text: 'two' },
        broken as Command,
        { kind: 'post_message', chatId: chat, authorId: 1, text: 'three' },
      );
      expect(outcomes).toMatchObject([{ ok: {} }, { error: 'internal' }, { ok: {} }]);
      expect((await store().entries(before)).map(({ kind: of }) => of)).toEqual(['message', 'message']);
      expect(await message(id)).not.toHaveProperty('extra');
      // Nothing of it is there to be a repeat of.
      const fixed = { actor: 1, messageId: id, text: 'new', emoji: '👍', isOn: true, clientId: 'c' };
      expect(await store().ok(kind, fixed)).not.toHaveProperty('duplicate');
      expect((await following(chat, { after: before })).entries).toHaveLength(3);
    });
  });
}
