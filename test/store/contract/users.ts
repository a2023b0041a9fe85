import { describe, expect, it } from 'vitest';
import { EntryKind } from '../../../src/chat/entries.js';
import { MAPPED_USER_ID_MIN } from '../../../src/chat/users.js';
import type { CurrentStore } from '../store-contract.js';

const profile = { username: 'Alice', name: 'Alice Doe', description: 'a\nb' };

export function userCommands(store: CurrentStore): void {
  describe('revoke_tokens', () => {
    it('keeps the latest time of each claim, also after a restart', async () => {
      await store().ok('revoke_tokens', { claim: '1', before: 200 });
      await store().ok('revoke_tokens', { claim: '1', before: 100 });
      await store().ok('revoke_tokens', { claim: 'auth0|x', before: 300 });
      await store().reopen();
      store().see((view) => {
        expect(view.revocations()).toEqual([
          { claim: '1', before: 200 },
          { claim: 'auth0|x', before: 300 },
        ]);
        expect(['1', 'auth0|x', '2'].map(view.revokedBefore)).toEqual([200, 300, undefined]);
      });
    });

    it('tells the log whose tokens they are', async () => {
      await store().ok('revoke_tokens', { claim: 'auth0|x', before: 300 });
      store().see((view) => {
        const { entries } = view.entriesAfter(0, 10, 1000);
        expect(entries).toMatchObject([
          {
            kind: EntryKind.tokensRevoked,
            chatId: 0,
            authorId: 0,
            text: 'auth0|x',
            time: store().now,
            users: [],
          },
        ]);
      });
    });
  });

  describe('create_user', () => {
    it('makes the profile of a caller known by number', async () => {
      const command = { caller: { id: 42 }, ...profile, photo: 'a.png' };
      expect(await store().ok('create_user', command)).toEqual({ id: 42 });
      store().see((view) => {
        expect(view.user(42)).toEqual({ id: 42, ...profile, photo: 'a.png' });
        expect(view.user(41)).toBeUndefined();
        const { entries } = view.entriesAfter(0, 10, 1000);
        expect(entries).toEqual([
          {
            id: view.newest(),
            chatId: 0,
            kind: EntryKind.userCreated,
            authorId: 42,
            text: '',
            time: store().now,
            clientId: null,
            users: [],
          },
        ]);
      });
    });

    it('maps a subject to an id that no number can be', async () => {
      const { id } = await store().ok('create_user', { caller: { subject: 'auth0|1' }, ...profile });
      expect(id).toBeGreaterThanOrEqual(MAPPED_USER_ID_MIN);
      const other = { ...profile, username: 'Bob' };
      const second = await store().ok('create_user', { caller: { subject: '007' }, ...other });
      expect(second.id).not.toBe(id);
      await store().reopen();
      store().see((view) => {
        expect(view.userOfSubject('auth0|1')).toBe(id);
        expect(view.userOfSubject('007')).toBe(second.id);
        expect(view.userOfSubject('Auth0|1')).toBeUndefined();
        expect(view.userOfSubject('')).toBeUndefined();
        expect(view.user(id)).toEqual({ id, ...profile, photo: null });
      });
    });

    it('takes the id that was reserved for a subject', async () => {
      const { id } = await store().ok('reserve_id', { of: 'user' });
      const command = { caller: { subject: 's' }, id, ...profile };
      expect(await store().ok('create_user', command)).toEqual({ id });
    });

    it('refuses a second profile, for a number and for a subject', async () => {
      const other = { ...profile, username: 'other' };
      for (const caller of [{ id: 1 }, { subject: 's' }]) {
        const username = `first of ${JSON.stringify(caller)}`;
        await store().ok('create_user', { caller, ...profile, username });
        expect(await store().refused('create_user', { caller, ...other })).toMatchObject({
          error: 'user_exists',
        });
      }
    });

    it('refuses a username that is taken in another way of writing it', async () => {
      await store().ok('create_user', { caller: { id: 1 }, ...profile, username: 'ﬁé' });
      for (const username of ['ﬁé', 'FIÉ', 'fie\u0301', 'ＦＩÉ']) {
        const command = { caller: { id: 2 }, ...profile, username };
        expect(await store().refused('create_user', command), username).toMatchObject({
          error: 'username_taken',
        });
      }
      expect(store().see((view) => view.user(2))).toBeUndefined();
    });
  });

  describe('reserve_id', () => {
    it('never gives an id twice, also after a restart', async () => {
      const seen = { user: new Set<number>(), chat: new Set<number>() };
      for (let round = 0; round < 3; round++) {
        for (const of of ['user', 'chat'] as const) {
          const reserve = { kind: 'reserve_id', of } as const;
          const outcomes = await store().run(...Array<typeof reserve>(20).fill(reserve));
          for (const outcome of outcomes) {
            const { id } = (outcome as { ok: { id: number } }).ok;
            expect(seen[of].has(id)).toBe(false);
            seen[of].add(id);
          }
        }
        const username = `user-${round}`;
        const caller = { subject: username };
        const { id } = await store().ok('create_user', { caller, ...profile, username });
        expect(seen.user.has(id)).toBe(false);
        seen.user.add(id);
        const group = { actor: id, name: 'g', description: '', users: [] };
        const made = await store().ok('create_group', group);
        expect(seen.chat.has(made.id)).toBe(false);
        seen.chat.add(made.id);
        await store().reopen();
      }
      expect(Math.min(...seen.user)).toBeGreaterThanOrEqual(MAPPED_USER_ID_MIN);
      expect(Math.min(...seen.chat)).toBeGreaterThan(0);
    });

    it('adds nothing to the log', async () => {
      await store().ok('reserve_id', { of: 'chat' });
      expect(store().see((view) => view.newest())).toBe(0);
    });
  });
}
