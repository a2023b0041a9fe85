import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import { expectRefusal, join, newcomer, stopUnharmed } from '../support/strict.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.shared();
});
afterAll(() => stopUnharmed(server));

const UNKNOWN = Number.MAX_SAFE_INTEGER;

describe('POST /user', () => {
  it('creates the profile of the caller, which GET /user then shows', async () => {
    const alice = await newcomer(server, 'Alice');
    const profile = { username: 'alice', name: 'Alice Liddell', description: 'Curiouser.' };
    const created = await alice.post('/user', profile);
    expect(created.status).toBe(200);
    expect(created.body).toEqual({ status: 'ok' });
    expect((await alice.get('/user')).body).toEqual({
      id: alice.id,
      ...profile,
      photo: null,
      photo_url: null,
      read_receipts: true,
    });
  });

  it('takes a profile without a description as one with an empty one', async () => {
    const bob = await newcomer(server, 'Bob');
    await bob.post('/user', { username: 'bob', name: 'Bob' });
    expect((await bob.get('/user')).body.description).toBe('');
  });

  it('takes the same fields as the json part of a multipart body', async () => {
    const carol = await newcomer(server, 'Carol');
    const form = new FormData();
    form.set('json', JSON.stringify({ username: 'carol', name: 'Carol' }));
    expect((await carol.post('/user', form)).status).toBe(200);
    expect((await carol.get('/user')).body.username).toBe('carol');
  });

  it('refuses a second profile of the same caller, and keeps the first', async () => {
    const dave = await join(server, 'Dave');
    expectRefusal(await dave.post('/user', { username: 'other', name: 'Other' }), 400, 'user_exists');
    expectRefusal(await dave.post('/user', { username: dave.username, name: 'Dave' }), 400, 'user_exists');
    expect((await dave.get('/user')).body).toMatchObject({ username: dave.username, name: 'Dave' });
  });

  it('refuses a username that another has, and leaves the caller without a profile', async () => {
    const erin = await join(server, 'Erin');
    const frank = await newcomer(server, 'Frank');
    expectRefusal(
      await frank.post('/user', { username: erin.username, name: 'Frank' }),
      400,
      'username_taken',
    );
    expect((await frank.get('/user')).status).toBe(404);
    expect((await frank.post('/user', { username: 'frank', name: 'Frank' })).status).toBe(200);
  });

  it('lets two people have the same name', async () => {
    await join(server, 'Gemini');
    expect((await (await join(server, 'Gemini')).get('/user')).status).toBe(200);
  });
});

describe('GET /user', () => {
  it('is 404 for a caller without a profile', async () => {
    expectRefusal(await (await newcomer(server, 'Nemo')).get('/user'), 404, 'user_not_found');
  });
});

describe('GET /user/{id}', () => {
  it('shows the profile of another as they see it themselves', async () => {
    const alice = await join(server, 'Alice');
    const bob = await join(server, 'Bob');
    const seen = await bob.get(`/user/${alice.id}`);
    expect(seen.status).toBe(200);
    const { read_receipts, ...profile } = (await alice.get('/user')).body;
    expect(read_receipts).toBe(true);
    expect(seen.body).toEqual(profile);
  });

  it('shows the caller their own profile as well', async () => {
    const alice = await join(server, 'Alice');
    expect((await alice.get(`/user/${alice.id}`)).body.id).toBe(alice.id);
  });

  it('is 404 for a user that does not exist, and for a token without a profile', async () => {
    const alice = await join(server, 'Alice');
    const nemo = await newcomer(server, 'Nemo');
    expectRefusal(await alice.get(`/user/${UNKNOWN}`), 404, 'user_not_found');
    expectRefusal(await alice.get(`/user/${nemo.id}`), 404, 'user_not_found');
  });
});

describe('GET /user/{id}/photo', () => {
  it('is 404 for a user without a photo, and for no user', async () => {
    const alice = await join(server, 'Alice');
    expectRefusal(await alice.get(`/user/${alice.id}/photo`), 404, 'photo_not_found');
    expectRefusal(await alice.get(`/user/${UNKNOWN}/photo`), 404, 'user_not_found');
  });
});

describe('a caller without a profile', () => {
  it('reads the profiles of others', async () => {
    const alice = await join(server, 'Alice');
    const nemo = await newcomer(server, 'Nemo');
    const seen = await nemo.get(`/user/${alice.id}`);
    expect([seen.status, seen.body.name]).toEqual([200, 'Alice']);
    expectRefusal(await nemo.get(`/user/${alice.id}/photo`), 404, 'photo_not_found');
  });

  it('has no chats: 404 with an empty list', async () => {
    const answer = await (await newcomer(server, 'Nemo')).get('/chats');
    expectRefusal(answer, 404, 'chats_not_found');
    expect(answer.body.rooms).toEqual([]);
  });

  it('may write nothing but the profile: 400 profile_required', async () => {
    const alice = await join(server, 'Alice');
    const group = await alice.groupWith();
    const nemo = await newcomer(server, 'Nemo');
    const users = [{ id: alice.id }];
    expectRefusal(await nemo.post(`/chat/${alice.id}`), 400, 'profile_required');
    expectRefusal(await nemo.post(`/chat/${nemo.id}`), 400, 'profile_required');
    expectRefusal(await nemo.post('/group', { name: 'mine' }), 400, 'profile_required');
    expectRefusal(await nemo.post(`/group/${group}/add`, { users }), 400, 'profile_required');
    expectRefusal(await nemo.delete(`/group/${group}/delete`, { users }), 400, 'profile_required');
    expectRefusal(await nemo.delete(`/group/${group}`), 400, 'profile_required');
    expect((await alice.get(`/group/${group}/info`)).body.users_count).toBe(1);
  });

  it('cannot be put into a chat or a group', async () => {
    const alice = await join(server, 'Alice');
    const nemo = await newcomer(server, 'Nemo');
    const group = await alice.groupWith();
    const users = [{ id: nemo.id }];
    expectRefusal(await alice.post(`/chat/${nemo.id}`), 400, 'user_unknown', { users: [nemo.id] });
    expectRefusal(await alice.post('/group', { name: 'g', users }), 400, 'user_unknown', {
      users: [nemo.id],
    });
    expectRefusal(await alice.post(`/group/${group}/add`, { users }), 400, 'user_unknown', {
      users: [nemo.id],
    });
  });
});
