import { describe, expect, it } from 'vitest';
import type { CurrentStore } from '../store-contract.js';
import { conversation } from './conversation.js';

export function repeatedChanges(store: CurrentStore): void {
  const { say, edit, remove, react, message } = conversation(store);

  /** Runs the check, and once more with a ledger that knows only what is stored. */
  async function alsoAfterReopening(check: () => Promise<void>): Promise<void> {
    await check();
    await store().reopen();
    await check();
  }

  describe("a change's client id", () => {
    it('is a repeat also after another edit, and changes nothing', async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'one');
      await edit(1, id, 'two', { clientId: 'e-1' });
      const { changeId } = await edit(1, id, 'three', { clientId: 'e-2' });
      await alsoAfterReopening(async () => {
        for (const [text, clientId] of [
          ['two', 'e-1'],
          ['three', 'e-2'],
          ['anything', 'e-1'],
        ] as const)
          expect(await edit(1, id, text, { clientId })).toEqual({ changeId, duplicate: true });
        expect(await message(id)).toMatchObject({ text: 'three', extra: { version: 3, changeId } });
        expect(await store().newest()).toBe(changeId);
      });
    });

    it('is a repeat also of what changed nothing, and does not undo what followed', async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'one');
      await react(1, id, '👍', { isOn: false, clientId: 'off' });
      const { changeId } = await react(1, id, '👍', { clientId: 'on' });
      expect(await react(1, id, '👍', { isOn: false, clientId: 'off' })).toEqual({
        changeId,
        duplicate: true,
      });
      expect((await message(id))?.extra?.reactions).toEqual([{ emoji: '👍', count: 1 }]);

      await edit(1, id, 'one', { clientId: 'same' });
      const second = await edit(1, id, 'two', { clientId: 'other' });
      expect(await edit(1, id, 'one', { clientId: 'same' })).toEqual({ ...second, duplicate: true });
      expect((await message(id))?.text).toBe('two');
    });

    it('is a repeat within one batch', async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'one');
      const command = { kind: 'edit_message', actor: 1, messageId: id, text: 'two', clientId: 'e' } as const;
      const outcomes = await store().run(
        command,
        { ...command, text: 'three' },
        { ...command, clientId: 'f', text: 'four' },
      );
      const { changeId } = (outcomes[0] as { ok: { changeId: number } }).ok;
      expect(outcomes).toEqual([
        { ok: { changeId } },
        { ok: { changeId, duplicate: true } },
        { ok: { changeId: changeId + 1 } },
      ]);
    });

    it('is a repeat of a reaction that was taken back since', async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'one');
      await react(1, id, '👍', { clientId: 'on' });
      const { changeId } = await react(1, id, '👍', { isOn: false, clientId: 'off' });
      await alsoAfterReopening(async () => {
        expect(await react(1, id, '👍', { clientId: 'on' })).toEqual({ changeId, duplicate: true });
        expect((await message(id))?.extra?.reactions).toEqual([]);
      });
    });

    it('belongs to one user and one chat', async () => {
      const chat = await store().group(2);
      const other = await store().ok('create_group', { actor: 1, name: 'o', description: '', users: [2] });
      const [id, elsewhere] = [await say(chat, 1, 'one'), await say(other.id, 1, 'one')];
      await react(1, id, '👍', { clientId: 'c' });
      expect(await react(2, id, '👍', { clientId: 'c' })).not.toHaveProperty('duplicate');
      expect(await edit(1, elsewhere, 'two', { clientId: 'c' })).not.toHaveProperty('duplicate');
    });

    it('may be that of a message, which is still known by it', async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'one', { clientId: 'c' });
      expect(await edit(1, id, 'two', { clientId: 'c' })).not.toHaveProperty('duplicate');
      const post = { chatId: chat, authorId: 1, text: 'one', clientId: 'c' };
      await alsoAfterReopening(async () => {
        expect(await edit(1, id, 'three', { clientId: 'c' })).toHaveProperty('duplicate');
        // The first message, as it is now.
        expect(await store().ok('post_message', post)).toMatchObject({ id, duplicate: { text: 'two' } });
      });
    });

    it("is recognised among the author's newest 64, and takes no place of a message's", async () => {
      const chat = await store().group(1);
      const id = await say(chat, 1, 'one', { clientId: 'm' });
      for (let n = 0; n < 64; n++) await react(1, id, '👍', { isOn: n % 2 === 0, clientId: `r-${n}` });
      for (let n = 0; n < 64; n++)
        expect(await react(1, id, '🎉', { clientId: `r-${n}` }), `r-${n}`).toHaveProperty('duplicate');
      const post = { chatId: chat, authorId: 1, text: 'one', clientId: 'm' };
      await alsoAfterReopening(async () => {
        expect(await store().ok('post_message', post)).toMatchObject({ id, duplicate: { text: 'one' } });
      });
    });

    it('of a refused change is free', async () => {
      const chat = await store().group(2);
      const [id, theirs] = [await say(chat, 1, 'one'), await say(chat, 2, 'one')];
      const refused = { actor: 1, messageId: theirs, text: 'two', clientId: 'c' };
      expect(await store().refused('edit_message', refused)).toMatchObject({ error: 'not_author' });
      expect(await edit(1, id, 'two', { clientId: 'c' })).not.toHaveProperty('duplicate');
    });
  });

  describe('the client id of a deleted message', () => {
    it('sends nothing again', async () => {
      const chat = await store().group(2);
      const id = await say(chat, 2, 'gone', { clientId: 'c' });
      await remove(1, id);
      const again = { chatId: chat, authorId: 2, text: 'gone', clientId: 'c' };
      await alsoAfterReopening(async () => {
        expect(await store().refused('post_message', again)).toEqual({ error: 'message_not_found' });
      });
      await say(chat, 1, 'mine', { clientId: 'c' });
      await say(chat, 2, 'next', { clientId: 'd' });
    });

    it('is known among many deleted ones after a restart', async () => {
      const chat = await store().group(1);
      const ids: number[] = [];
      for (let n = 0; n < 60; n++) ids.push(await say(chat, 1, 'x', { clientId: `c-${n}` }));
      for (const id of ids.filter((_, n) => n % 2 === 0)) await remove(1, id);
      await store().reopen();
      for (let n = 0; n < 60; n++) {
        const again = { chatId: chat, authorId: 1, text: 'x', clientId: `c-${n}` };
        if (n % 2 === 0)
          expect(await store().refused('post_message', again)).toEqual({ error: 'message_not_found' });
        else expect(await store().ok('post_message', again)).toMatchObject({ id: ids[n] });
      }
    });
  });
}
