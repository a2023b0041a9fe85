import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import { expectRefusal, join, type StrictUser, stopUnharmed } from '../support/strict.js';

let server: TestServer;
let alice: StrictUser;
let bob: StrictUser;
let eve: StrictUser;
beforeAll(async () => {
  server = await TestServer.shared();
  alice = await join(server, 'Alice');
  bob = await join(server, 'Bob');
  eve = await join(server, 'Eve');
});
afterAll(() => stopUnharmed(server));

describe('POST /chat/{id}', () => {
  it('opens the private chat with a user', async () => {
    const answer = await alice.post(`/chat/${bob.id}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ status: 'ok', chat: { id: expect.any(Number) } });
  });

  it('gives the same chat again, from either side', async () => {
    const id = await alice.chatWith(bob);
    expect(await alice.chatWith(bob)).toBe(id);
    expect(await bob.chatWith(alice)).toBe(id);
  });

  it('gives another chat for another pair', async () => {
    const ids = [await alice.chatWith(bob), await alice.chatWith(eve), await bob.chatWith(eve)];
    expect(new Set(ids).size).toBe(3);
  });

  it('ignores a body: the path says everything', async () => {
    const answer = await alice.post(`/chat/${bob.id}`, { users: [{ id: eve.id }] });
    expect([answer.status, answer.body.chat.id]).toEqual([200, await alice.chatWith(bob)]);
  });

  it('is 400 with oneself', async () => {
    expectRefusal(await alice.post(`/chat/${alice.id}`), 400, 'self_chat');
  });

  it('is 400 with an unknown user', async () => {
    const unknown = Number.MAX_SAFE_INTEGER;
    expectRefusal(await alice.post(`/chat/${unknown}`), 400, 'user_unknown', { users: [unknown] });
  });
});

describe('GET /chat/{id}/info', () => {
  it("shows each side the other's name, and both users", async () => {
    const id = await alice.chatWith(bob);
    const users = expect.arrayContaining([
      { id: alice.id, name: 'Alice' },
      { id: bob.id, name: 'Bob' },
    ]);
    const common = { id, type: 'private', users, last_message: null };
    expect((await alice.get(`/chat/${id}/info`)).body).toEqual({ ...common, name: 'Bob' });
    expect((await bob.get(`/chat/${id}/info`)).body).toEqual({ ...common, name: 'Alice' });
  });

  it('shows the newest message', async () => {
    const id = await alice.chatWith(eve);
    await alice.says(`/chat/${id}`, 'first');
    const { client_id: _, ...second } = await eve.says(`/chat/${id}`, 'second');
    const { last_message } = (await alice.get(`/chat/${id}/info`)).body;
    expect(last_message).toEqual(second);
    expect(last_message).toMatchObject({ chat_id: id, text: 'second', author: { id: eve.id, name: 'Eve' } });
    expect(Math.abs(Date.parse(last_message.time) - Date.now())).toBeLessThan(60_000);
  });

  it('is 404 for a stranger, and for a chat that does not exist', async () => {
    const id = await alice.chatWith(bob);
    expectRefusal(await eve.get(`/chat/${id}/info`), 404, 'chat_not_found');
    expectRefusal(await alice.get(`/chat/${Number.MAX_SAFE_INTEGER}/info`), 404, 'chat_not_found');
  });
});

describe('ids of chats and groups', () => {
  it('come from one sequence that grows', async () => {
    const dan = await join(server, 'Dan');
    const ids = [
      await dan.chatWith(alice),
      await dan.groupWith(alice),
      await dan.chatWith(bob),
      await dan.groupWith(bob),
    ];
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  });

  it('are not used again after a deletion', async () => {
    const first = await alice.groupWith();
    await alice.delete(`/group/${first}`);
    expect(await alice.groupWith()).toBeGreaterThan(first);
  });

  it('name one thing: a group is no chat, a chat is no group', async () => {
    const group = await alice.groupWith(bob);
    const chat = await alice.chatWith(bob);
    const users = [{ id: bob.id }];
    expectRefusal(await alice.get(`/chat/${group}/info`), 404, 'chat_not_found');
    expectRefusal(await alice.get(`/group/${chat}/info`), 404, 'group_not_found');
    expectRefusal(await alice.get(`/group/${chat}/users`), 404, 'group_not_found');
    expectRefusal(await alice.get(`/group/${chat}/photo`), 404, 'group_not_found');
    expectRefusal(await alice.delete(`/group/${chat}`), 404, 'group_not_found');
    expectRefusal(
      await alice.post(`/group/${chat}/add`, { users: [{ id: eve.id }] }),
      404,
      'group_not_found',
    );
    expectRefusal(await alice.delete(`/group/${chat}/delete`, { users }), 404, 'group_not_found');
    expect((await bob.get(`/chat/${chat}/info`)).status).toBe(200);
  });
});
