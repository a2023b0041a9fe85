import { describe, expect, it } from 'vitest';
import type { Command, Outcome } from '../../../src/chat/commands.js';
import { say, value } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';

export function batches(store: CurrentStore): void {
  const texts = async (chat: number) => (await store().messages(chat)).map(({ text }) => text);
  const idsOf = (outcomes: Outcome[] = []) => outcomes.map((outcome) => 'ok' in outcome && outcome.ok);

  describe('a batch', () => {
    it('is applied in its order, after the one before it', async () => {
      const chat = await store().group(2);
      const [a = [], b = []] = await store().apply(
        store().batch([say(chat, 1, 'a'), say(chat, 2, 'b')]),
        store().batch([say(chat, 1, 'c')]),
      );
      expect(await texts(chat)).toEqual(['a', 'b', 'c']);
      const ids = [...a, ...b].map((outcome) => (outcome as { ok: { id: number } }).ok.id);
      expect(ids).toEqual([...ids].sort((x, y) => x - y));
      expect(new Set(ids).size).toBe(3);
    });

    it('that comes twice in one batch counts once, with the same outcomes', async () => {
      const chat = await store().group(1);
      const batch = store().batch([say(chat, 1, 'a'), say(chat, 9, 'b'), { kind: 'reserve_id', of: 'chat' }]);
      const [first, second] = await store().apply(batch, batch);
      expect(second).toEqual(first);
      expect(await texts(chat)).toEqual(['a']);
    });

    it('that comes again counts once: in another batch, after a restart, after others', async () => {
      const chat = await store().group(1);
      const commands: Command[] = [
        say(chat, 1, 'a'),
        { kind: 'create_group', actor: 1, name: 'g', description: '', users: [], clientId: 'c' },
        { kind: 'create_group', actor: 1, name: 'g', description: '', users: [77] },
        { kind: 'reserve_id', of: 'user' },
      ];
      const batch = store().batch(commands, { worker: 'worker', number: 1 });
      const other = store().batch([say(chat, 1, 'b')], { worker: 'worker', number: 2 });
      const [first] = await store().apply(batch);
      await store().apply(other);
      const newest = await store().newest();
      expect(await store().apply({ ...batch, crashes: 1 })).toEqual([first]);
      await store().reopen();
      expect(await store().apply({ ...batch, crashes: 2 }, other)).toMatchObject([first ?? [], [{ ok: {} }]]);
      expect(await store().newest()).toBe(newest);
      expect(await texts(chat)).toEqual(['a', 'b']);
    });

    it('is told from one of the same number of another worker', async () => {
      const chat = await store().group(1);
      await store().apply(store().batch([say(chat, 1, 'a')], { worker: 'one' }));
      await store().apply(store().batch([say(chat, 1, 'b')], { worker: 'other' }));
      expect(await texts(chat)).toEqual(['a', 'b']);
    });

    it('stays known when those before it are confirmed', async () => {
      const chat = await store().group(1);
      const batch = (number: number, confirmed: number) =>
        store().batch([say(chat, 1, String(number))], { worker: 'worker', number, confirmed });
      const [first = [], second = []] = await store().apply(batch(1, 0), batch(2, 0));
      const [third = []] = await store().apply(batch(3, 1));
      expect(await store().apply(batch(2, 0), batch(3, 1))).toEqual([second, third]);
      await store().reopen();
      expect(await store().apply(batch(2, 0), batch(3, 1))).toEqual([second, third]);
      expect(await texts(chat)).toEqual(['1', '2', '3']);
      expect(new Set([first, second, third].flatMap(idsOf)).size).toBe(3);
    });

    it('that comes late, when it is confirmed already, is not applied again', async () => {
      const chat = await store().group(1);
      const batch = (number: number, confirmed: number) =>
        store().batch([say(chat, 1, String(number))], { worker: 'worker', number, confirmed });
      await store().apply(batch(1, 0), batch(2, 0));
      await store().apply(batch(3, 2));
      const newest = await store().newest();
      for (const late of [batch(1, 0), batch(2, 0), batch(2, 1)]) {
        // Nobody waits for the outcomes.
        expect(await store().apply({ ...late, crashes: 1 })).toEqual([[]]);
      }
      await store().apply(batch(2, 0), batch(4, 3), batch(1, 0), batch(3, 2));
      expect(await texts(chat)).toEqual(['1', '2', '3', '4']);
      expect(await store().newest()).toBe(newest + 1);
    });

    it.each([
      3, 4,
    ])('that met %d ledgers is answered timeout, and nothing of it is applied', async (crashes) => {
      const chat = await store().group(1);
      const commands: Command[] = [say(chat, 1, 'a'), { kind: 'delete_group', actor: 1, groupId: chat }];
      const [outcomes] = await store().apply(store().batch(commands, { crashes }));
      expect(outcomes).toEqual([{ error: 'timeout' }, { error: 'timeout' }]);
      expect(await texts(chat)).toEqual([]);
      expect(await value(store().read.chatFor(chat, 1))).toBeDefined();
      const [retried] = await store().apply(store().batch([say(chat, 1, 'b')], { crashes: 2 }));
      expect(retried).toMatchObject([{ ok: {} }]);
    });

    it('that was applied before a third ledger met it keeps its outcomes', async () => {
      const chat = await store().group(1);
      const batch = store().batch([say(chat, 1, 'a')]);
      const [first] = await store().apply(batch);
      await store().reopen();
      expect(await store().apply({ ...batch, crashes: 3 })).toEqual([first]);
    });

    it('may be empty', async () => {
      expect(await store().apply(store().batch([]))).toEqual([[]]);
    });
  });

  describe('an unexpected error', () => {
    it('undoes its command alone, wholly', async () => {
      const chat = await store().group(2);
      await store().ok('create_user', { caller: { id: 3 }, username: 'c', name: 'C', description: '' });
      const taken = await store().ok('create_group', { actor: 1, name: 'g', description: '', users: [] });
      const outcomes = await store().run(
        say(chat, 1, 'before'),
        // A list with a repeat never comes from a worker: the second insert of user 3 fails.
        { kind: 'add_members', actor: 1, groupId: chat, users: [3, 3] },
        // Nor does an id that was not reserved.
        { kind: 'create_group', actor: 1, name: 'h', description: '', users: [2], id: taken.id },
        { kind: 'create_user', caller: { subject: 's' }, id: 3, username: 's', name: 'S', description: '' },
        say(chat, 2, 'after'),
      );
      expect(outcomes).toMatchObject([
        { ok: {} },
        { error: 'internal' },
        { error: 'internal' },
        { error: 'internal' },
        { ok: {} },
      ]);
      expect(await texts(chat)).toEqual(['before', 'after']);
      const { read } = store();
      expect(await value(read.membersFor(chat, 1))).toMatchObject({
        chat: { membersCount: 2 },
        members: [{ id: 1 }, { id: 2 }],
      });
      expect(await value(read.chatFor(taken.id, 1))).toMatchObject({ name: 'g', membersCount: 1 });
      expect(await value(read.userOfSubject('s'))).toBeUndefined();
      expect(await value(read.user(3))).toMatchObject({ name: 'C' });
    });

    it('is what an unknown command ends in, and the batch is done with', async () => {
      const chat = await store().group(1);
      const unknown = { kind: 'rename_universe' } as unknown as Command;
      const batch = store().batch([unknown, say(chat, 1, 'a')]);
      const [outcomes = []] = await store().apply(batch);
      expect(outcomes).toMatchObject([{ error: 'internal' }, { ok: {} }]);
      expect(await store().apply(batch)).toEqual([outcomes]);
      expect(await texts(chat)).toEqual(['a']);
    });
  });
}
