import { describe, expect, it } from 'vitest';
import { MAPPED_USER_ID_MIN } from '../../../src/chat/users.js';
import { value } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';

const profile = { username: 'Alice', name: 'Alice Doe', description: 'a\nb' };

export function userCommands(store: CurrentStore): void {
  describe('revoke_tokens', () => {
    it('keeps the latest time of each claim, also after a restart', async () => {
      await store().ok('revoke_tokens', { claim: '1', before: 200 });
      await store().ok('revoke_tokens', { claim: '1', before: 100 });
      await store().ok('revoke_tokens', { claim: 'auth0|x', before: 300 });
      await store().reopen();
      expect(await value(store().read.revocations())).toEqual([
        { claim: '1', before: 200 },
        { claim: 'auth0|x', before: 300 },
      ]);
    });

    it('tells the log whose tokens they are, and which of them are void', async () => {
      await store().ok('revoke_tokens', { claim: 'auth0|x', before: 300 });
      await store().ok('revoke_tokens', { claim: 'auth0|x', before: 200 }); // The later time stands.
      const revoked = { kind: 'tokens_revoked', claim: 'auth0|x', before: 300, time: store().now };
      expect(await store().entries()).toEqual([
        { ...revoked, id: 1 },
        { ...revoked, id: 2 },
      ]);
    });
  });

  describe('create_user', () => {
    it('makes the profile of a caller known by number', async () => {
      const command = { caller: { id: 42 }, ...profile, photo: 'a.png' };
      expect(await store().ok('create_user', command)).toEqual({ id: 42 });
      const { read } = store();
      expect(await value(read.user(42))).toEqual({ id: 42, ...profile, photo: 'a.png', readReceipts: true });
      expect(await value(read.user(41))).toBeUndefined();
      expect(await store().entries()).toEqual([
        { kind: 'user_created', id: await store().newest(), userId: 42, time: store().now },
      ]);
    });

    it('maps a subject to an id that no number can be', async () => {
      const { id } = await store().ok('create_user', { caller: { subject: 'auth0|1' }, ...profile });
      expect(id).toBeGreaterThanOrEqual(MAPPED_USER_ID_MIN);
      const other = { ...profile, username: 'Bob' };
      const second = await store().ok('create_user', { caller: { subject: '007' }, ...other });
      expect(second.id).not.toBe(id);
      await store().reopen();
      const userOf = (subject: string) => value(store().read.userOfSubject(subject));
      expect(await userOf('auth0|1')).toBe(id);
      expect(await userOf('007')).toBe(second.id);
      expect(await userOf('Auth0|1')).toBeUndefined();
      expect(await userOf('')).toBeUndefined();
      expect(await value(store().read.user(id))).toEqual({ id, ...profile, photo: null, readReceipts: true });
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
      expect(await value(store().read.user(2))).toBeUndefined();
    });
  });

  describe('update_user', () => {
    const me = { id: 1, ...profile, photo: 'a.png', readReceipts: true };
    /** User 1 as above, and user 2, who is Bob. */
    const two = async () => {
      await store().ok('create_user', { caller: { id: 1 }, ...profile, photo: 'a.png' });
      await store().ok('create_user', { caller: { id: 2 }, ...profile, username: 'Bob' });
    };
    const stored = (id = 1) => value(store().read.user(id));

    it.each([
      { username: 'Alice2' },
      { name: 'Alice Roe' },
      { description: '' },
      { name: 'A', description: 'd' },
      {},
    ])('changes what is given, and nothing else: %j', async (changes) => {
      await two();
      const user = { ...me, ...changes };
      expect(await store().ok('update_user', { actor: 1, ...changes })).toEqual({ user });
      expect(await stored()).toEqual(user);
      await store().reopen();
      expect(await stored()).toEqual(user);
      expect(await stored(2)).toMatchObject({ username: 'Bob', name: profile.name, photo: null });
    });

    it('takes a field that is there without a value for one that is absent', async () => {
      await two();
      const changes = { username: undefined, name: undefined, description: undefined, photo: undefined };
      expect(await store().ok('update_user', { actor: 1, ...changes })).toEqual({ user: me });
      expect(await stored()).toEqual(me);
    });

    it('tells which photo no profile names any more', async () => {
      await two();
      const change = (photo?: string | null) => store().ok('update_user', { actor: 1, name: 'A', photo });
      expect(await change('b.png')).toMatchObject({ user: { photo: 'b.png' }, replaced: 'a.png' });
      expect(await change('b.png')).not.toHaveProperty('replaced');
      expect(await change()).not.toHaveProperty('replaced');
      expect(await change(null)).toMatchObject({ user: { photo: null }, replaced: 'b.png' });
      expect(await stored()).toMatchObject({ photo: null });
      expect(await change(null)).not.toHaveProperty('replaced');
      expect(await change('c.png')).not.toHaveProperty('replaced');
      expect(await stored()).toMatchObject({ photo: 'c.png' });
      expect(store().write.photoOf('users', 1)).toBe('c.png');
    });

    it("refuses another's username, in whatever way it is written, and changes nothing", async () => {
      await two();
      for (const username of ['Bob', 'bob', 'ＢＯＢ', 'b\u200bob']) {
        const refused = await store().refused('update_user', { actor: 1, username, name: 'B', photo: null });
        expect(refused, username).toMatchObject({ error: 'username_taken' });
      }
      expect(await stored()).toEqual(me);
    });

    it("takes one's own username in another way of writing it, and frees the one before", async () => {
      await two();
      for (const username of ['ALICE', 'ａｌｉｃｅ', 'Alice', 'Carol']) {
        expect(await store().ok('update_user', { actor: 1, username })).toMatchObject({ user: { username } });
        expect(await stored()).toMatchObject({ username });
      }
      expect(await store().ok('update_user', { actor: 2, username: 'aLiCe' })).toHaveProperty('user');
      const back = await store().refused('update_user', { actor: 1, username: 'Alice' });
      expect(back).toMatchObject({ error: 'username_taken' });
      const third = { caller: { id: 3 }, ...profile };
      expect(await store().refused('create_user', { ...third, username: 'CAROL' })).toMatchObject({
        error: 'username_taken',
      });
      expect(await store().ok('create_user', { ...third, username: 'bob' })).toEqual({ id: 3 });
    });

    it('is refused without a profile', async () => {
      await two();
      const refused = await store().refused('update_user', { actor: 3, name: 'C' });
      expect(refused).toMatchObject({ error: 'profile_required' });
    });

    it('tells the log who changed, and keeps the subject', async () => {
      const { id } = await store().ok('create_user', { caller: { subject: 's' }, ...profile });
      store().now += 1;
      await store().ok('update_user', { actor: id, name: 'B' });
      const changed = { kind: 'user_changed', id: await store().newest(), userId: id, time: store().now };
      expect((await store().entries()).at(-1)).toEqual(changed);
      expect(await value(store().read.userOfSubject('s'))).toBe(id);
    });
  });

  describe('users', () => {
    it('are those of the ids who exist, in any number', async () => {
      await store().users(3);
      const { read } = store();
      const found = await value(read.users([3, 1, 99, 3]));
      expect([...found.keys()].sort()).toEqual([1, 3]);
      for (const [id, user] of found) expect(user).toEqual(await value(read.user(id)));
      expect(found.get(3)).toMatchObject({ id: 3, username: 'user-3', name: 'User 3' });
      for (const none of [[], [99], [0, -1]]) expect((await value(read.users(none))).size).toBe(0);
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
      expect(await store().newest()).toBe(0);
    });
  });
}
