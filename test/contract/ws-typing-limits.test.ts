import { afterEach, describe, expect, it } from 'vitest';
import { live, saysAll } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { TestUser } from '../support/user.js';

let server: TestServer;
afterEach(() => server.stop());

/** A server with this limit, and its first three users. */
async function startWith(limit: number): Promise<[TestUser, TestUser, TestUser]> {
  server = await TestServer.start({ workers: 1, env: { TYPING_MEMBERS_MAX: String(limit) } });
  return [await server.user('Alice'), await server.user('Bob'), await server.user('Carol')];
}

async function twoOf(path: string, alice: TestUser, bob: TestUser) {
  return [await live(alice, path), await live(bob, path)] as const;
}

describe('TYPING_MEMBERS_MAX', () => {
  it('of 0 is no limit', async () => {
    const [alice, bob, carol] = await startWith(0);
    const [hers, his] = await twoOf(`/group/${await alice.groupWith(bob, carol)}`, alice, bob);
    hers.send({ type: 'typing' });
    expect(await his.next()).toMatchObject({ type: 'typing', author: { id: alice.id } });
    hers.send({ type: 'stop_typing' });
    expect(await his.next()).toMatchObject({ type: 'stop_typing', author: { id: alice.id } });
  });

  it('of 1 silences groups, and no private chat', async () => {
    const [alice, bob, carol] = await startWith(1);
    const [hers, his] = await twoOf(`/chat/${await alice.chatWith(bob)}`, alice, bob);
    hers.send({ type: 'typing' });
    expect(await his.next()).toMatchObject({ type: 'typing', author: { id: alice.id } });
    const [inGroup, hears] = await twoOf(`/group/${await alice.groupWith(bob, carol)}`, alice, bob);
    inGroup.send({ type: 'typing' });
    await saysAll(inGroup, ['marker']);
    await hears.hears('marker');
  });
});
