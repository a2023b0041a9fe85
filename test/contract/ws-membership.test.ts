import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browse, historyOf, live, numbered, saysAll, textOf } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob, carol] = [await server.user('Alice'), await server.user('Bob'), await server.user('Carol')];
});
afterAll(() => server.stop());

/** Ends the membership, and checks that it was not refused. */
async function remove(group: number, ...users: TestUser[]): Promise<void> {
  const answer = await alice.delete(`/group/${group}/delete`, { users: users.map(({ id }) => ({ id })) });
  expect(answer.status).toBe(200);
}

/** All of them are closed with this code. */
async function allClose(sockets: readonly TestSocket[], code: number): Promise<void> {
  for (const socket of sockets) expect(await socket.closed()).toMatchObject({ code });
}

describe('a removed member', () => {
  it('is closed with 4403 on both workers; the others stay', async () => {
    const group = await alice.groupWith(bob, carol);
    const path = `/group/${group}`;
    const theirs = [
      ...(await bob.connectOnBoth(path)),
      await browse(bob, path),
      await bob.connect(`${path}?after=0`),
    ];
    const others = [...(await carol.connectOnBoth(path)), await live(alice, path)];
    for (const socket of others.slice(0, 2)) await socket.nextOf('history');
    await remove(group, bob);
    await allClose(theirs, 4403);
    await saysAll(others[2] as TestSocket, ['without Bob']);
    for (const socket of others.slice(0, 2)) await socket.hears('without Bob');
  });

  it('keeps the sockets of other chats', async () => {
    const [left, kept] = [await alice.groupWith(bob), await alice.groupWith(bob)];
    const [gone, chat, group] = [
      await live(bob, `/group/${left}`),
      await live(bob, `/chat/${await alice.chatWith(bob)}`),
      await live(bob, `/group/${kept}`),
    ];
    await remove(left, bob);
    await allClose([gone], 4403);
    for (const socket of [chat, group]) {
      socket.says('still here');
      await socket.hears('still here');
    }
  });

  it('finds nothing there from then on: 404 on both workers', async () => {
    const group = await alice.groupWith(bob);
    await remove(group, bob);
    for (let n = 0; n < 10; n++) {
      expect(await bob.refusal(`/group/${group}`)).toMatchObject({
        status: 404,
        body: { code: 'group_not_found' },
      });
      expect(await (await browse(bob, `/group/${group}?after=0`)).closed()).toMatchObject({ code: 4404 });
    }
    expect((await bob.get(`/group/${group}/info`)).status).toBe(404);
  });

  it('cannot say anything more: what was on its way is not heard', async () => {
    const group = await alice.groupWith(bob);
    const [hers, his] = [await live(alice, `/group/${group}`), await live(bob, `/group/${group}`)];
    const removal = remove(group, bob);
    for (const text of numbered('late', 50)) his.says(text);
    await removal;
    await allClose([his], 4403);
    await saysAll(await live(alice, `/group/${group}`), ['marker']);
    while ((await hers.nextOf('message')).text !== 'marker');
    const heard = hers.frames.slice(1).map(textOf);
    expect(heard).toEqual([...numbered('late', heard.length - 1), 'marker']);
    expect((await historyOf(alice, `/group/${group}`)).map(textOf)).toEqual(heard);
    expect(his.frames.slice(1).every(({ type, text }) => type === 'error' || heard.includes(text))).toBe(
      true,
    );
  });

  it('who is added again is a member as before', async () => {
    const group = await alice.groupWith(bob);
    const path = `/group/${group}`;
    const writer = await live(alice, path);
    await saysAll(writer, ['first']);
    await remove(group, bob);
    await saysAll(writer, ['behind his back']);
    expect((await alice.post(`${path}/add`, { users: [{ id: bob.id }] })).status).toBe(200);
    for (const socket of await bob.connectOnBoth(path)) {
      expect((await socket.nextOf('history')).messages.map(textOf)).toEqual(['first', 'behind his back']);
      socket.says('back again');
      await writer.hears('back again');
    }
  });
});

describe('a new member', () => {
  it('sees the whole history, and is live on both workers as soon as the answer came', async () => {
    const group = await alice.groupWith();
    const path = `/group/${group}`;
    const writer = await live(alice, path);
    const said = await saysAll(writer, numbered('before Bob', 20));
    expect((await bob.refusal(path)).status).toBe(404);
    expect((await alice.post(`${path}/add`, { users: [{ id: bob.id }] })).status).toBe(200);
    const sockets = [...(await bob.connectOnBoth(path)), await bob.connect(`${path}?after=0`)];
    for (const socket of sockets) expect((await socket.nextOf('history')).messages).toEqual(said);
    await saysAll(writer, ['welcome']);
    for (const socket of sockets) await socket.hears('welcome');
  });
});

describe('a deleted group', () => {
  it('closes everybody’s sockets with 4410 on both workers', async () => {
    const group = await alice.groupWith(bob, carol);
    const path = `/group/${group}`;
    const sockets = [
      ...(await alice.connectOnBoth(path)),
      ...(await bob.connectOnBoth(path)),
      await browse(carol, path),
      await carol.connect(`${path}?after=0`),
    ];
    expect((await alice.delete(path)).status).toBe(200);
    await allClose(sockets, 4410);
  });

  it('is not found from then on, by anybody', async () => {
    const path = `/group/${await alice.groupWith(bob)}`;
    await saysAll(await live(bob, path), ['hello']);
    await alice.delete(path);
    for (const user of [alice, bob, alice, bob]) {
      expect(await user.refusal(path)).toMatchObject({ status: 404, body: { code: 'group_not_found' } });
      expect(await (await browse(user, path)).closed()).toMatchObject({ code: 4404 });
    }
  });

  it('shows everybody the same messages, up to its end', async () => {
    const path = `/group/${await alice.groupWith(bob, carol)}`;
    const writer = await live(alice, path);
    const readers = [...(await bob.connectOnBoth(path)), ...(await carol.connectOnBoth(path))];
    for (const reader of readers) await reader.nextOf('history');
    for (const text of numbered('until', 200)) writer.says(text);
    await readers[0]?.hears('until 0');
    const deletion = alice.delete(path);
    for (const text of numbered('perhaps', 500)) writer.says(text);
    expect((await deletion).status).toBe(200);
    await allClose([writer, ...readers], 4410);
    const [first, ...others] = readers.map(({ frames }) => frames);
    for (const frames of others) expect(frames).toEqual(first);
    const shown = first?.slice(1).map(textOf) ?? [];
    expect(shown).toEqual([...numbered('until', 200), ...numbered('perhaps', 500)].slice(0, shown.length));
  });
});
