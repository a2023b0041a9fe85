import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import { expectRefusal, join, type StrictUser, stopUnharmed } from '../support/strict.js';

let server: TestServer;
let alice: StrictUser;
let bob: StrictUser;
let carol: StrictUser;
beforeAll(async () => {
  server = await TestServer.shared();
  alice = await join(server, 'Alice');
  bob = await join(server, 'Bob');
  carol = await join(server, 'Carol');
});
afterAll(() => stopUnharmed(server));

const UNKNOWN = Number.MAX_SAFE_INTEGER;

async function members(id: number): Promise<{ id: number; name: string; role: string }[]> {
  return (await alice.get(`/group/${id}/users`)).body.users;
}

describe('POST /group', () => {
  it('creates a group that its members see', async () => {
    const users = [{ id: bob.id, name: 'Bob' }];
    const created = await alice.post('/group', { name: 'Club', description: 'Ours.', users });
    expect(created.status).toBe(200);
    const { id } = created.body.group;
    expect(created.body).toEqual({ status: 'ok', group: { id, name: 'Club' } });
    const info = {
      id,
      name: 'Club',
      description: 'Ours.',
      photo: null,
      photo_url: null,
      owner_id: alice.id,
      users_count: 2,
    };
    expect((await alice.get(`/group/${id}/info`)).body).toEqual(info);
    expect((await bob.get(`/group/${id}/info`)).body).toEqual(info);
  });

  it('takes the same fields as the json part of a multipart body', async () => {
    const form = new FormData();
    form.set('json', JSON.stringify({ name: 'Form', users: [{ id: bob.id }] }));
    const created = await alice.post('/group', form);
    expect([created.status, created.body.group.name]).toEqual([200, 'Form']);
    expect(await members(created.body.group.id)).toHaveLength(2);
  });

  it('makes the owner a member, listed or not, and drops repeats', async () => {
    const users = [bob, alice, bob, carol, bob].map(({ id }) => ({ id }));
    const id = (await alice.post('/group', { name: 'g', users })).body.group.id;
    expect((await members(id)).map((user) => user.id).sort((a, b) => a - b)).toEqual(
      [alice.id, bob.id, carol.id].sort((a, b) => a - b),
    );
    expect((await alice.get(`/group/${id}/info`)).body.users_count).toBe(3);
  });

  it('makes a group of the owner alone when users are absent or none', async () => {
    for (const body of [{ name: 'g' }, { name: 'g', users: [] }]) {
      const id = (await alice.post('/group', body)).body.group.id;
      expect(await members(id)).toEqual([{ id: alice.id, name: 'Alice', role: 'owner' }]);
    }
  });

  it("ignores the users' names: the profile says the name", async () => {
    const id = (await alice.post('/group', { name: 'g', users: [{ id: bob.id, name: 'Mallory' }] })).body
      .group.id;
    expect(await members(id)).toContainEqual({ id: bob.id, name: 'Bob', role: 'member' });
  });

  it('makes no half of a group with an unknown user', async () => {
    const before = (await bob.get('/chats')).body.rooms;
    const users = [{ id: bob.id }, { id: UNKNOWN }, { id: UNKNOWN - 1 }];
    const answer = await alice.post('/group', { name: 'half', users });
    expectRefusal(answer, 400, 'user_unknown', { users: [UNKNOWN, UNKNOWN - 1] });
    expect((await bob.get('/chats')).body.rooms).toEqual(before);
    expect((await alice.get('/chats')).body.rooms).not.toContainEqual(
      expect.objectContaining({ name: 'half' }),
    );
  });

  it('lets two groups have the same name', async () => {
    const [first, second] = [await alice.groupWith(), await alice.groupWith()];
    expect(first).not.toBe(second);
  });
});

describe('a client_id on POST /group', () => {
  it('gives the owner the first group back, whatever else is asked for', async () => {
    const first = await alice.post('/group', { name: 'first', client_id: 'k1' });
    const again = await alice.post('/group', {
      name: 'second',
      users: [{ id: bob.id }, { id: UNKNOWN }],
      client_id: 'k1',
    });
    expect(again.body).toEqual(first.body);
    expect(await members(first.body.group.id)).toHaveLength(1);
  });

  it('belongs to one owner', async () => {
    const mine = await alice.post('/group', { name: 'mine', client_id: 'k2' });
    const theirs = await bob.post('/group', { name: 'theirs', client_id: 'k2' });
    expect(theirs.body.group.name).toBe('theirs');
    expect(theirs.body.group.id).not.toBe(mine.body.group.id);
  });

  it('has 1 to 64 code points', async () => {
    for (const client_id of ['x', '😀'.repeat(64)]) {
      expect((await alice.post('/group', { name: 'g', client_id })).status).toBe(200);
    }
    for (const client_id of ['', 'x'.repeat(65), '😀'.repeat(65), 1, null]) {
      const answer = await alice.post('/group', { name: 'g', client_id });
      expectRefusal(answer, 400, 'invalid_field', { field: 'client_id' });
    }
  });
});

describe('GET /group/{id}/users', () => {
  it('lists everyone with name and role', async () => {
    const id = await alice.groupWith(bob, carol);
    const list = await members(id);
    expect(list).toHaveLength(3);
    expect(list).toContainEqual({ id: alice.id, name: 'Alice', role: 'owner' });
    expect(list).toContainEqual({ id: bob.id, name: 'Bob', role: 'member' });
    expect(list).toContainEqual({ id: carol.id, name: 'Carol', role: 'member' });
    expect((await bob.get(`/group/${id}/users`)).body.users).toEqual(list);
  });
});

describe('DELETE /group/{id}', () => {
  it('takes the group away from everyone, for good', async () => {
    const id = await alice.groupWith(bob);
    const deleted = await alice.delete(`/group/${id}`);
    expect([deleted.status, deleted.body]).toEqual([200, { status: 'ok' }]);
    for (const user of [alice, bob]) {
      expectRefusal(await user.get(`/group/${id}/info`), 404, 'group_not_found');
      expectRefusal(await user.get(`/group/${id}/users`), 404, 'group_not_found');
      const { body } = await user.get('/chats');
      expect(body.rooms.map((room: { id: number }) => room.id)).not.toContain(id);
    }
    expectRefusal(await alice.delete(`/group/${id}`), 404, 'group_not_found');
  });

  it('is 403 for a member, 404 for a stranger, and changes nothing then', async () => {
    const id = await alice.groupWith(bob);
    expectRefusal(await bob.delete(`/group/${id}`), 403, 'not_owner');
    expectRefusal(await carol.delete(`/group/${id}`), 404, 'group_not_found');
    expect(await members(id)).toHaveLength(2);
  });

  it('takes no body', async () => {
    const id = await alice.groupWith(bob);
    expect((await alice.delete(`/group/${id}`, { users: [] })).status).toBe(200);
  });
});

describe('GET /group/{id}/photo', () => {
  it('is 404 without a photo', async () => {
    expectRefusal(await alice.get(`/group/${await alice.groupWith()}/photo`), 404, 'photo_not_found');
  });
});
