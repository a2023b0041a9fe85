import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import { say } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';

export function repeats(store: CurrentStore): void {
  const post = (chatId: number, authorId: number, text: string, clientId?: string) =>
    store().ok('post_message', { chatId, authorId, text, ...(clientId !== undefined && { clientId }) });

  describe('post_message', () => {
    it('stores what was said, as it was said', async () => {
      const chat = await store().group(2);
      const text = ' \n🦊 "quotes" \\ \u0000 end ';
      const { id } = await post(chat, 2, text, 'client-1');
      const message = {
        ...{ kind: 'message', id, chatId: chat, authorId: 2 },
        ...{ text, time: store().now, clientId: 'client-1' },
      };
      expect(await store().messages(chat)).toEqual([message]);
      expect(await store().entries(id - 1)).toEqual([message]);
      expect(await store().newest()).toBe(id);
    });

    it('is refused where the author is not in', async () => {
      const chat = await store().group(2);
      for (const [chatId, authorId] of [
        [chat, 99],
        [chat + 1, 1],
        [0, 1],
      ] as const) {
        const outcome = await store().refused('post_message', { chatId, authorId, text: 'x' });
        expect(outcome).toMatchObject({
          error: expect.stringMatching(/^(chat_not_found|profile_required)$/),
        });
      }
      await store().ok('remove_members', { actor: 1, groupId: chat, users: [2] });
      const outcome = await store().refused('post_message', { chatId: chat, authorId: 2, text: 'x' });
      expect(outcome).toMatchObject({ error: 'chat_not_found' });
    });

    it('is taken or refused by who is in at that very moment, also within a batch', async () => {
      const chat = await store().group(2);
      const [actor, groupId, users] = [1, chat, [2]];
      const post = say(chat, 2, 'x', 'c');
      const outcomes = await store().run(
        post,
        { kind: 'remove_members', actor, groupId, users },
        post,
        { kind: 'add_members', actor, groupId, users },
        post,
        { kind: 'delete_group', actor, groupId },
        post,
      );
      const done = { ok: expect.anything() };
      const refused = { error: 'chat_not_found' };
      const repeat = { ok: { duplicate: expect.anything() } };
      expect(outcomes).toMatchObject([done, done, refused, done, repeat, done, refused]);
    });
  });

  describe('an overloaded store', () => {
    it('takes no new message, and everything else', async () => {
      const chat = await store().group(1);
      const { id } = await post(chat, 1, 'first', 'c');
      const group: Command = { kind: 'create_group', actor: 1, name: 'g', description: '', users: [] };
      const batch = store().batch([
        say(chat, 1, 'new', 'd'),
        say(chat, 1, 'again', 'c'),
        say(chat, 9, 'x'),
        group,
      ]);
      const { outcomes } = await store().write.apply([batch], store().now, true);
      expect(outcomes).toMatchObject([
        [
          { error: 'overloaded', details: { retry_after_ms: 1000 } },
          { ok: { id, duplicate: { text: 'first' } } }, // What is stored already is no load.
          { error: 'chat_not_found' },
          { ok: {} },
        ],
      ]);
      // The refusal is the batch's outcome for good: it was heard.
      await store().reopen();
      expect(await store().apply({ ...batch, crashes: 1 })).toEqual(outcomes);
      expect(await post(chat, 1, 'new', 'd')).not.toHaveProperty('duplicate');
    });
  });

  describe('a client id', () => {
    it('gives the first message back, and stores nothing', async () => {
      const chat = await store().group(2);
      const { id } = await post(chat, 1, 'first', 'c');
      store().now += 1000;
      const newest = await store().newest();
      const first = {
        ...{ kind: 'message', id, chatId: chat, authorId: 1 },
        ...{ text: 'first', time: store().now - 1000, clientId: 'c' },
      };
      expect(await post(chat, 1, 'second', 'c')).toEqual({ id, duplicate: first });
      await store().reopen();
      expect(await post(chat, 1, 'third', 'c')).toEqual({ id, duplicate: first });
      expect(await store().newest()).toBe(newest);
    });

    it('is a repeat also within one batch', async () => {
      const chat = await store().group(1);
      const outcomes = await store().run(
        say(chat, 1, 'a', 'c'),
        say(chat, 1, 'b', 'c'),
        say(chat, 1, 'd', 'e'),
      );
      const [first, second] = outcomes as { ok: { id: number; duplicate?: unknown } }[];
      expect(second?.ok).toMatchObject({ id: first?.ok.id, duplicate: { text: 'a' } });
      expect(await store().messages(chat)).toHaveLength(2);
    });

    it('belongs to one author and one chat', async () => {
      const chat = await store().group(2);
      const other = await store().ok('create_group', { actor: 1, name: 'o', description: '', users: [2] });
      const ids = [
        await post(chat, 1, 'a', 'c'),
        await post(chat, 2, 'a', 'c'),
        await post(other.id, 1, 'a', 'c'),
        await post(chat, 1, 'a', 'C'),
        await post(chat, 1, 'a'),
        await post(chat, 1, 'a'),
      ];
      expect(ids.filter((outcome) => 'duplicate' in outcome)).toEqual([]);
      expect(new Set(ids.map(({ id }) => id)).size).toBe(6);
    });

    it('is forgotten with what was undone with it', async () => {
      const chat = await store().group(1);
      const broken = { ...say(chat, 1, 'x', 'c'), text: {} as string };
      expect(await store().run(broken)).toMatchObject([{ error: 'internal' }]);
      expect(await post(chat, 1, 'x', 'c')).not.toHaveProperty('duplicate');
    });

    it("is recognised among the author's newest 64 messages, however much others say", async () => {
      const chat = await store().group(2);
      const first = await post(chat, 1, 'mine', 'mine-0');
      await store().run(...Array.from({ length: 1500 }, (_, n) => say(chat, 2, 'theirs', `theirs-${n}`)));
      await store().run(...Array.from({ length: 63 }, (_, n) => say(chat, 1, 'mine', `mine-${n + 1}`)));
      expect(await post(chat, 1, 'again', 'mine-0')).toMatchObject({
        id: first.id,
        duplicate: { text: 'mine' },
      });
      for (let n = 1; n < 64; n++) {
        expect(await post(chat, 1, 'again', `mine-${n}`), `mine-${n}`).toHaveProperty('duplicate');
      }
    });

    it("is recognised after a restart among the chat's newest 1000 messages", async () => {
      const chat = await store().group(2);
      await post(chat, 1, 'long ago', 'long-ago');
      const { id } = await post(chat, 1, 'first', 'c');
      const others = Array.from({ length: 999 }, (_, n) => say(chat, 2, 'x', n % 2 ? `t-${n}` : undefined));
      await store().run(...others);
      await store().reopen();
      expect(await post(chat, 1, 'again', 'c')).toMatchObject({ id, duplicate: { text: 'first' } });
      expect(await post(chat, 2, 'again', 't-997')).toMatchObject({ duplicate: { text: 'x' } });
    });

    it('of many chats is recognised in each after a restart, in one batch', async () => {
      await store().users(1);
      const chats: number[] = [];
      for (let n = 0; n < 40; n++) {
        const group = { actor: 1, name: 'g', description: '', users: [] };
        chats.push((await store().ok('create_group', group)).id);
      }
      const filled = chats.map((chat) =>
        store().batch(Array.from({ length: 100 }, (_, n) => say(chat, 1, 'x', `c-${n}`))),
      );
      const first = await store().apply(...filled);
      await store().reopen();
      const again = await store().apply(
        ...chats.map((chat) => store().batch([say(chat, 1, 'again', 'c-99'), say(chat, 1, 'new', 'c-100')])),
      );
      again.forEach(([repeated, fresh], index) => {
        expect(repeated).toMatchObject({ ok: { duplicate: { chatId: chats[index], text: 'x' } } });
        expect((repeated as { ok: { id: number } }).ok.id).toBe(
          (first[index]?.[99] as { ok: { id: number } }).ok.id,
        );
        expect(fresh).not.toHaveProperty('ok.duplicate');
      });
    });
  });
}
