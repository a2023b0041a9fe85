import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import { expectRefusal, join, newcomer, type StrictUser, stopUnharmed } from '../support/strict.js';

let server: TestServer;
let alice: StrictUser;
let bob: StrictUser;
let carol: StrictUser;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob, carol] = [await join(server, 'Alice'), await join(server, 'Bob'), await join(server, 'Carol')];
});
afterAll(() => stopUnharmed(server));

const UNKNOWN = Number.MAX_SAFE_INTEGER;

/** Says something over HTTP and resolves to its id. */
async function post(user: StrictUser, path: string, more: object = {}): Promise<number> {
  const { status, body } = await user.post(`${path}/message`, { text: 'hello', ...more });
  expect(status).toBe(200);
  return body.id ?? body.message.id;
}

const read = (user: StrictUser, path: string, id: unknown) => user.post(`${path}/read`, { id });

/** What the list of chats says of one. */
async function roomOf(user: StrictUser, path: string) {
  const id = Number(path.split('/')[2]);
  const { rooms } = (await user.get('/chats')).body;
  const { unread, more, mentions, read_id } = rooms.find((room: { id: number }) => room.id === id);
  return { unread, more, mentions, read_id };
}

async function group(...others: StrictUser[]): Promise<string> {
  return `/group/${await alice.groupWith(...others)}`;
}

async function privateChat(): Promise<string> {
  return `/chat/${await alice.chatWith(bob)}`;
}

describe.each([
  ['a private chat', privateChat],
  ['a group', () => group(bob, carol)],
])('in %s', (_name, make) => {
  it('what others said is unread, up to where it is read', async () => {
    const path = await make();
    const ids = [await post(alice, path), await post(alice, path), await post(bob, path)];
    expect(await roomOf(bob, path)).toMatchObject({ unread: 2, more: undefined, mentions: 0 });
    expect(await roomOf(alice, path)).toMatchObject({ unread: 1 });
    expect((await read(bob, path, ids[0])).body).toEqual({ status: 'ok', read_id: ids[0] });
    expect(await roomOf(bob, path)).toMatchObject({ unread: 1, read_id: ids[0] });
    expect((await read(bob, path, ids[1])).body).toEqual({ status: 'ok', read_id: ids[1] });
    expect((await read(bob, path, ids[0])).body).toEqual({ status: 'ok', read_id: ids[1] });
    expect(await roomOf(bob, path)).toMatchObject({ unread: 0, read_id: ids[1] });
    expect((await alice.delete(`/message/${ids[0]}`)).status).toBe(200);
    expect(await roomOf(alice, path)).toMatchObject({ unread: 1 });
  });

  it('everybody sees how far the others have read', async () => {
    const path = await make();
    const id = await post(alice, path);
    await read(bob, path, id);
    const readers = async (user: StrictUser) => (await user.get(`${path}/read`)).body.users;
    expect(await readers(alice)).toContainEqual({ id: bob.id, name: 'Bob', read_id: id });
    expect(await readers(bob)).toEqual(await readers(alice));
    expect((await bob.patch('/user', { read_receipts: false })).status).toBe(200);
    expect(await readers(alice)).not.toContainEqual({ id: bob.id, name: 'Bob', read_id: id });
    expect(await readers(bob)).toContainEqual({ id: bob.id, name: 'Bob', read_id: id });
    expect((await bob.patch('/user', { read_receipts: true })).status).toBe(200);
    expect(await readers(alice)).toContainEqual({ id: bob.id, name: 'Bob', read_id: id });
  });

  it('an id that was not given yet, or is none, is refused', async () => {
    const path = await make();
    expectRefusal(await read(bob, path, UNKNOWN), 404, 'message_not_found');
    for (const id of [0, -1, 1.5, '1', null, undefined, UNKNOWN + 1, [1], true])
      expectRefusal(await read(bob, path, id), 400, 'invalid_field', { field: 'id' });
    for (const body of [[], 'text'])
      expect((await bob.send('POST', `${path}/read`, JSON.stringify(body), JSON_TYPE)).status).toBe(400);
    expect((await bob.send('POST', `${path}/read`, '{"id":', JSON_TYPE)).status).toBe(400);
    expect(await roomOf(bob, path)).toMatchObject({ unread: 0 });
  });

  it('those who are not in it are told of nothing', async () => {
    const path = await make();
    const id = await post(alice, path);
    const code = path.startsWith('/chat') ? 'chat_not_found' : 'group_not_found';
    const dan = await join(server, 'Dan');
    const nobody = await newcomer(server, 'Nobody');
    const elsewhere = path.startsWith('/chat')
      ? path.replace('chat', 'group')
      : path.replace('group', 'chat');
    const otherCode = code === 'chat_not_found' ? 'group_not_found' : 'chat_not_found';
    expectRefusal(await read(dan, path, id), 404, code);
    expectRefusal(await dan.get(`${path}/read`), 404, code);
    expectRefusal(await read(nobody, path, id), 400, 'profile_required');
    expectRefusal(await nobody.get(`${path}/read`), 404, code);
    expectRefusal(await read(bob, elsewhere, id), 404, otherCode);
    expectRefusal(await bob.get(`${elsewhere}/read`), 404, otherCode);
  });
});

describe('in a group', () => {
  it('mentions that are unread are counted, by name and of all', async () => {
    const path = await group(bob, carol);
    const ids = [
      await post(alice, path, { mentions: [bob.id] }),
      await post(alice, path, { mentions: ['all'] }),
    ];
    await post(alice, path);
    expect(await roomOf(bob, path)).toMatchObject({ unread: 3, mentions: 2 });
    expect(await roomOf(carol, path)).toMatchObject({ unread: 3, mentions: 1 });
    expect(await roomOf(alice, path)).toMatchObject({ unread: 0, mentions: 0 });
    await read(bob, path, ids[0]);
    expect(await roomOf(bob, path)).toMatchObject({ unread: 2, mentions: 1 });
    await alice.delete(`/message/${ids[1]}`);
    expect(await roomOf(bob, path)).toMatchObject({ unread: 1, mentions: 0 });
  });

  it('who comes has nothing unread, who is removed or loses it no marker', async () => {
    const path = await group(bob, carol);
    const id = await post(alice, path);
    await read(bob, path, id);
    expect((await alice.delete(`${path}/delete`, { users: [{ id: bob.id }] })).status).toBe(200);
    expectRefusal(await read(bob, path, id), 404, 'group_not_found');
    expectRefusal(await bob.get(`${path}/read`), 404, 'group_not_found');
    await post(alice, path);
    expect((await alice.post(`${path}/add`, { users: [{ id: bob.id }] })).status).toBe(200);
    expect(await roomOf(bob, path)).toMatchObject({ unread: 0, mentions: 0 });
    expect((await roomOf(bob, path)).read_id).toBeGreaterThan(id);
    await post(alice, path);
    expect(await roomOf(bob, path)).toMatchObject({ unread: 1 });
    expect((await alice.delete(path)).status).toBe(200);
    expectRefusal(await read(bob, path, id), 404, 'group_not_found');
    expectRefusal(await alice.get(`${path}/read`), 404, 'group_not_found');
  });
});

describe('read_receipts', () => {
  it('is in the own profile alone, on at first', async () => {
    const erin = await join(server, 'Erin');
    expect((await erin.get('/user')).body).toMatchObject({ read_receipts: true });
    const changed = await erin.patch('/user', { read_receipts: false });
    expect(changed.body.user).toMatchObject({ id: erin.id, read_receipts: false });
    expect((await erin.get('/user')).body).toMatchObject({ read_receipts: false });
    for (const user of [erin, bob])
      expect((await user.get(`/user/${erin.id}`)).body).not.toHaveProperty('read_receipts');
    expect((await erin.patch('/user', { name: 'Erin E.' })).body.user).toMatchObject({
      ...{ name: 'Erin E.', read_receipts: false },
    });
  });

  it('is true or false', async () => {
    for (const value of [1, 0, 'false', null, {}]) {
      const answer = await bob.patch('/user', { read_receipts: value });
      expectRefusal(answer, 400, 'invalid_field', { field: 'read_receipts' });
    }
    expectRefusal(await bob.patch('/user', {}), 400, 'invalid_field', { field: 'body' });
    expect((await bob.get('/user')).body).toMatchObject({ read_receipts: true });
  });
});

const JSON_TYPE = { 'content-type': 'application/json' };
