import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { live, saysAll } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame, TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

/** Groups of more members are told of no reader. */
const TYPING_MEMBERS_MAX = 2;

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
beforeAll(async () => {
  server = await TestServer.start({
    workers: 2,
    env: { TYPING_MEMBERS_MAX: String(TYPING_MEMBERS_MAX) },
  });
  [alice, bob, carol] = [await server.user('Alice'), await server.user('Bob'), await server.user('Carol')];
});
afterAll(() => server.stop());

const reads = (socket: TestSocket, id: unknown) => socket.send({ type: 'read', id });

/** A chat with messages of Alice, Bob's sockets on both workers and one of Alice, all live and asking for changes. */
async function open(path: string) {
  const hers = await live(alice, `${path}?features=1`);
  const ids: number[] = (await saysAll(hers, ['a', 'b', 'c'])).map(({ id }) => id);
  const his = await bob.connectOnBoth(`${path}?features=1`);
  for (const socket of his) expect(await socket.nextOf('history')).toHaveProperty('read_id');
  return { hers, his, ids: ids as [number, number, number], chat_id: Number(path.split('/')[2]) };
}

const privateChat = async () => `/chat/${await alice.chatWith(bob)}`;
const pair = async () => `/group/${await alice.groupWith(bob)}`;
const large = async () => `/group/${await alice.groupWith(bob, carol)}`;
const unreadOf = async (user: TestUser, id: number) =>
  (await user.get('/chats')).body.rooms.find((room: Frame) => room.id === id).unread;

describe('read', () => {
  it.each([
    ['a private chat', privateChat],
    ['a group', large],
  ])('comes to all of the user’s own sockets of %s, whichever worker they are on', async (_name, make) => {
    const { his, ids, chat_id } = await open(await make());
    const [one, other] = his;
    reads(one, ids[0]);
    for (const socket of his)
      expect(await socket.nextOf('read')).toEqual({ type: 'read', chat_id, read_id: ids[0] });
    expect(await unreadOf(bob, chat_id)).toBe(2);
    for (const id of [ids[0], ids[2], ids[1]]) reads(other, id);
    for (const socket of his)
      expect(await socket.nextOf('read')).toEqual({ type: 'read', chat_id, read_id: ids[2] });
    expect(await unreadOf(bob, chat_id)).toBe(0);
  });

  it('of HTTP comes too, and the next history begins with it', async () => {
    const path = await large();
    const { his, ids, chat_id } = await open(path);
    expect((await bob.post(`${path}/read`, { id: ids[1] })).body).toEqual({ status: 'ok', read_id: ids[1] });
    for (const socket of his)
      expect(await socket.nextOf('read')).toEqual({ type: 'read', chat_id, read_id: ids[1] });
    for (const query of ['features=1', `features=1&after=${ids[2]}`, 'features=1&limit=0']) {
      const socket = await bob.connect(`${path}?${query}`);
      expect(await socket.nextOf('history')).toMatchObject({ read_id: ids[1] });
    }
    const plain = await bob.connect(path);
    expect(await plain.nextOf('history')).not.toHaveProperty('read_id');
  });

  it('is refused with an id that is none, was not given yet, or by a socket that asks for no changes', async () => {
    const path = await large();
    const { his, ids } = await open(path);
    const [socket] = his;
    for (const id of [0, 'a', undefined]) {
      reads(socket, id);
      expect(await socket.nextOf('error')).toMatchObject({ code: 'invalid_field', details: { field: 'id' } });
    }
    reads(socket, Number.MAX_SAFE_INTEGER);
    expect(await socket.nextOf('error')).toMatchObject({ code: 'message_not_found' });
    const plain = await live(bob, path);
    reads(plain, ids[0]);
    expect(await plain.nextOf('error')).toMatchObject({ code: 'unknown_type' });
  });
});

describe('seen', () => {
  it.each([
    ['a private chat', privateChat],
    ['a group that is small enough', pair],
  ])('tells the others in %s who has read how far', async (_name, make) => {
    const { hers, his, ids, chat_id } = await open(await make());
    reads(his[0], ids[1]);
    expect(await hers.nextOf('seen')).toEqual({
      type: 'seen',
      chat_id,
      users: [{ id: bob.id, read_id: ids[1] }],
    });
    reads(his[1], ids[2]);
    reads(hers, ids[2]);
    const last = new Map<number, number>();
    while (last.size < 2) {
      const frame = await hers.next();
      for (const user of frame.users ?? []) last.set(user.id, user.read_id);
    }
    expect([...last].sort()).toEqual([alice, bob].map(({ id }) => [id, ids[2]]).sort());
  });

  it('is told in no larger group, where everybody is shown their own marker alone', async () => {
    const path = await large();
    const { hers, his, ids } = await open(path);
    reads(his[0], ids[2]);
    for (const socket of his) await socket.nextOf('read');
    expect(await withoutSeen(hers, path)).toBe(true);
    const { users } = (await alice.get(`${path}/read`)).body;
    expect(users.map(({ id }: Frame) => id)).toEqual([alice.id]);
  });

  it('is not told of those who do not want it, nor to sockets that ask for no changes', async () => {
    const path = await pair();
    const { hers, his, ids, chat_id } = await open(path);
    const plain = await live(alice, path);
    await bob.patch('/user', { read_receipts: false });
    reads(his[0], ids[1]);
    for (const socket of his) await socket.nextOf('read');
    await bob.patch('/user', { read_receipts: true });
    reads(his[0], ids[2]);
    expect(await hers.nextOf('seen')).toEqual({
      type: 'seen',
      chat_id,
      users: [{ id: bob.id, read_id: ids[2] }],
    });
    await saysAll(hers, ['marker']);
    await plain.hears('marker');
  });
});

/** Alice's own marker, which comes after whatever the others were shown before, is the only thing that comes. */
async function withoutSeen(hers: TestSocket, path: string): Promise<boolean> {
  const small = await open(await pair());
  // Seen in a chat that is small: whatever was to be shown before it has been.
  reads(small.his[0], small.ids[2]);
  await small.hers.nextOf('seen');
  await saysAll(hers, [`marker of ${path}`]);
  return !hers.frames.some(({ type }) => type === 'seen');
}
