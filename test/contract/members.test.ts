import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import { expectRefusal, join, type StrictUser, stopUnharmed } from '../support/strict.js';

let server: TestServer;
let owner: StrictUser;
let bob: StrictUser;
let carol: StrictUser;
let dan: StrictUser;
let group: number;
beforeAll(async () => {
  server = await TestServer.shared();
  owner = await join(server, 'Owner');
  bob = await join(server, 'Bob');
  carol = await join(server, 'Carol');
  dan = await join(server, 'Dan');
});
beforeEach(async () => {
  group = await owner.groupWith(bob);
});
afterAll(() => stopUnharmed(server));

const UNKNOWN = Number.MAX_SAFE_INTEGER;
const list = (...users: (StrictUser | number)[]) => ({
  users: users.map((user) => ({ id: typeof user === 'number' ? user : user.id })),
});
const add = (body: object, user = owner) => user.post(`/group/${group}/add`, body);
const remove = (body: object, user = owner) => user.delete(`/group/${group}/delete`, body);

async function membersAre(...users: StrictUser[]): Promise<void> {
  const { body } = await owner.get(`/group/${group}/users`);
  const ids = body.users.map((user: { id: number }) => user.id);
  expect([...ids].sort()).toEqual(users.map((user) => user.id).sort());
  expect((await owner.get(`/group/${group}/info`)).body.users_count).toBe(users.length);
}

describe('POST /group/{id}/add', () => {
  it('adds users, who see the group at once', async () => {
    const answer = await add(list(carol, dan));
    expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }]);
    await membersAre(owner, bob, carol, dan);
    expect((await carol.get(`/group/${group}/info`)).status).toBe(200);
    expect((await dan.get('/chats')).body.rooms[0].id).toBe(group);
  });

  it('drops repeats and ignores names', async () => {
    const users = [
      { id: carol.id, name: 'x' },
      { id: carol.id, name: 5 },
    ];
    expect((await add({ users })).status).toBe(200);
    await membersAre(owner, bob, carol);
    const shown = (await owner.get(`/group/${group}/users`)).body.users;
    expect(shown).toContainEqual({ id: carol.id, name: 'Carol', role: 'member' });
  });

  it('is 409 with anyone already in, names them, and changes nothing', async () => {
    expectRefusal(await add(list(carol, bob, dan, owner)), 409, 'already_member', {
      users: [bob.id, owner.id],
    });
    await membersAre(owner, bob);
  });

  it('is 400 with an unknown user, and changes nothing', async () => {
    expectRefusal(await add(list(carol, UNKNOWN)), 400, 'user_unknown', { users: [UNKNOWN] });
    await membersAre(owner, bob);
  });

  it('shows a new member the whole history', async () => {
    await bob.says(`/group/${group}`, 'before Carol');
    await add(list(carol));
    const socket = await carol.connect(`/group/${group}`);
    const { messages } = await socket.nextOf('history');
    expect(messages.map((message: { text: string }) => message.text)).toEqual(['before Carol']);
    await socket.close();
  });

  it('takes back one who was removed', async () => {
    await remove(list(bob));
    expect((await add(list(bob))).status).toBe(200);
    await membersAre(owner, bob);
  });
});

describe('DELETE /group/{id}/delete', () => {
  it('takes users out, who see nothing any more', async () => {
    await add(list(carol));
    const answer = await remove(list(bob, carol, bob));
    expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }]);
    await membersAre(owner);
    expectRefusal(await bob.get(`/group/${group}/info`), 404, 'group_not_found');
    expectRefusal(await bob.get(`/group/${group}/users`), 404, 'group_not_found');
  });

  it('is 409 with anyone not in, names them, and changes nothing', async () => {
    expectRefusal(await remove(list(bob, carol, dan, UNKNOWN)), 409, 'not_a_member', {
      users: [carol.id, dan.id, UNKNOWN],
    });
    await membersAre(owner, bob);
  });

  it('is 400 with the owner, and changes nothing', async () => {
    expectRefusal(await remove(list(owner)), 400, 'owner_stays', { users: [owner.id] });
    expectRefusal(await remove(list(bob, owner)), 400, 'owner_stays', { users: [owner.id] });
    await membersAre(owner, bob);
  });

  it('takes the list from ?users= when there is no body', async () => {
    await add(list(carol, dan));
    const answer = await owner.delete(`/group/${group}/delete?users=${bob.id},${carol.id}`);
    expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }]);
    await membersAre(owner, dan);
    expect((await owner.delete(`/group/${group}/delete?users=${dan.id}%2C${dan.id}`)).status).toBe(200);
    await membersAre(owner);
  });

  it('has the same rules for ?users= as for the body', async () => {
    const path = `/group/${group}/delete?users=`;
    expectRefusal(await owner.delete(`${path}${bob.id},${carol.id}`), 409, 'not_a_member', {
      users: [carol.id],
    });
    expectRefusal(await owner.delete(`${path}${owner.id}`), 400, 'owner_stays');
    expectRefusal(await bob.delete(`${path}${bob.id}`), 403, 'not_owner');
    expectRefusal(await carol.delete(`${path}${bob.id}`), 404, 'group_not_found');
    await membersAre(owner, bob);
  });

  it('is 400 when ?users= is not a list of ids', async () => {
    const { id } = bob;
    for (const users of ['', 'bob', '0', `0${id}`, `${id},`, `,${id}`, `${id};${id}`, `${id},-1`, '1.5']) {
      expectRefusal(await owner.delete(`/group/${group}/delete?users=${users}`), 400, 'invalid_query');
    }
    const twice = `/group/${group}/delete?users=${id}&users=${id}`;
    expectRefusal(await owner.delete(twice), 400, 'invalid_query');
    await membersAre(owner, bob);
  });
});

describe.each([
  ['POST /group/{id}/add', add, () => carol],
  ['DELETE /group/{id}/delete', remove, () => bob],
])('%s', (_name, change, whom) => {
  it('is 403 for a member who is not the owner, also about themselves', async () => {
    expectRefusal(await change(list(whom()), bob), 403, 'not_owner');
    expectRefusal(await change(list(bob), bob), 403, 'not_owner');
    await membersAre(owner, bob);
  });

  it('is 404 for a stranger, also about themselves', async () => {
    expectRefusal(await change(list(whom()), dan), 404, 'group_not_found');
    expectRefusal(await change(list(dan), dan), 404, 'group_not_found');
    await membersAre(owner, bob);
  });

  it('is 400 with an empty list', async () => {
    expectRefusal(await change({ users: [] }), 400, 'invalid_field', { field: 'users' });
  });

  it('is 400 with the path of the field when the list is none', async () => {
    const cases: [object, string][] = [
      [{}, 'users'],
      [{ users: null }, 'users'],
      [{ users: 'bob' }, 'users'],
      [{ users: { id: 1 } }, 'users'],
      [{ users: [7] }, 'users.0'],
      [{ users: [null] }, 'users.0'],
      [{ users: [{}] }, 'users.0.id'],
      [{ users: [{ id: whom().id }, { id: String(whom().id) }] }, 'users.1.id'],
      [{ users: [{ id: 0 }] }, 'users.0.id'],
      [{ users: [{ id: -1 }] }, 'users.0.id'],
      [{ users: [{ id: 1.5 }] }, 'users.0.id'],
      [{ users: [{ id: 2 ** 53 }] }, 'users.0.id'],
      [{ users: [{ id: null }] }, 'users.0.id'],
      [[], 'body'],
    ];
    for (const [body, field] of cases) {
      expectRefusal(await change(body), 400, 'invalid_field', { field });
    }
    await membersAre(owner, bob);
  });
});

describe('?if_needed=true', () => {
  const addIfNeeded = (body: object, user = owner) => user.post(`/group/${group}/add?if_needed=true`, body);
  const removeIfNeeded = (body: object, user = owner) =>
    user.delete(`/group/${group}/delete?if_needed=true`, body);

  it('adds those who are not in, and names them and the others in the order of the list', async () => {
    const first = await addIfNeeded(list(dan, bob, carol, owner, dan));
    const all = [dan.id, bob.id, carol.id, owner.id];
    expect([first.status, first.body]).toEqual([
      200,
      { status: 'ok', added: [dan.id, carol.id], unchanged: [bob.id, owner.id] },
    ]);
    await membersAre(owner, bob, carol, dan);
    const again = await addIfNeeded(list(dan, bob, carol, owner, dan));
    expect([again.status, again.body]).toEqual([200, { status: 'ok', added: [], unchanged: all }]);
    await membersAre(owner, bob, carol, dan);
  });

  it('removes those who are in, and names them and the others in the order of the list', async () => {
    await add(list(carol));
    const first = await removeIfNeeded(list(dan, carol, UNKNOWN, bob, carol));
    expect([first.status, first.body]).toEqual([
      200,
      { status: 'ok', removed: [carol.id, bob.id], unchanged: [dan.id, UNKNOWN] },
    ]);
    await membersAre(owner);
    const again = await removeIfNeeded(list(carol, bob));
    expect([again.status, again.body]).toEqual([
      200,
      { status: 'ok', removed: [], unchanged: [carol.id, bob.id] },
    ]);
    await membersAre(owner);
  });

  it('goes with ?users=, in either order', async () => {
    await add(list(carol));
    const path = `/group/${group}/delete`;
    const first = await owner.delete(`${path}?users=${dan.id},${bob.id}&if_needed=true`);
    expect(first.body).toEqual({ status: 'ok', removed: [bob.id], unchanged: [dan.id] });
    const second = await owner.delete(`${path}?if_needed=true&users=${bob.id},${carol.id}`);
    expect(second.body).toEqual({ status: 'ok', removed: [carol.id], unchanged: [bob.id] });
    await membersAre(owner);
  });

  it('still refuses unknown users to add, and the owner to remove, and changes nothing', async () => {
    expectRefusal(await addIfNeeded(list(carol, UNKNOWN, bob)), 400, 'user_unknown', { users: [UNKNOWN] });
    expectRefusal(await removeIfNeeded(list(bob, owner)), 400, 'owner_stays', { users: [owner.id] });
    for (const change of [addIfNeeded, removeIfNeeded]) {
      expectRefusal(await change({ users: [] }), 400, 'invalid_field', { field: 'users' });
      expectRefusal(await change(list(bob), bob), 403, 'not_owner');
      expectRefusal(await change(list(bob), dan), 404, 'group_not_found');
    }
    await membersAre(owner, bob);
  });

  it('shows the sockets of a group nothing where nothing is changed', async () => {
    const [socket, main] = [await bob.connect(`/group/${group}`), await bob.connect('/main')];
    await socket.nextOf('history');
    await addIfNeeded(list(bob));
    await removeIfNeeded(list(carol));
    await owner.says(`/group/${group}`, 'still here');
    expect(await socket.next()).toMatchObject({ type: 'message', text: 'still here' });
    expect(await main.next()).toMatchObject({ type: 'last_message', text: 'still here' });
    await socket.close();
    await main.close();
  });

  it('is as if it were not there when it is false', async () => {
    expectRefusal(await owner.post(`/group/${group}/add?if_needed=false`, list(bob)), 409, 'already_member');
    const removed = await owner.delete(`/group/${group}/delete?if_needed=false`, list(bob));
    expect([removed.status, removed.body]).toEqual([200, { status: 'ok' }]);
  });

  it('is 400 with any other value, and changes nothing', async () => {
    const parameter = { parameter: 'if_needed' };
    for (const query of [
      'if_needed',
      'if_needed=',
      'if_needed=1',
      'if_needed=True',
      'if_needed=true&if_needed=true',
    ]) {
      const added = await owner.post(`/group/${group}/add?${query}`, list(carol));
      expectRefusal(added, 400, 'invalid_query', parameter);
      const removed = await owner.delete(`/group/${group}/delete?${query}`, list(bob));
      expectRefusal(removed, 400, 'invalid_query', parameter);
    }
    await membersAre(owner, bob);
  });
});
