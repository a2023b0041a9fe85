import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Line, linesToBothWorkers } from '../support/lines.js';
import { TestServer } from '../support/server.js';
import { expectRefusal, join, newcomer, StrictUser, stopUnharmed, workerOf } from '../support/strict.js';
import { sign } from '../support/tokens.js';

let server: TestServer;
let alice: StrictUser;
let bob: StrictUser;
let lines: [Line, Line];
beforeAll(async () => {
  server = await TestServer.shared();
  alice = await join(server, 'Alice');
  bob = await join(server, 'Bob');
  lines = await linesToBothWorkers(server, alice);
});
afterAll(async () => {
  for (const line of lines) line.hangUp();
  await stopUnharmed(server);
});

const ROUNDS = 20;

/** Changes something on one worker and looks on the other, in turns. */
async function eachWay(round: (here: Line, there: Line, n: number) => Promise<void>): Promise<void> {
  const [first, second] = lines;
  for (let n = 0; n < ROUNDS; n++) await (n % 2 === 0 ? round(first, second, n) : round(second, first, n));
}

describe('after a 200 of one worker, the other shows', () => {
  it('a profile', async () => {
    await eachWay(async (here, there) => {
      const user = await newcomer(server, 'New');
      expect((await there.ask(user, 'GET', '/user')).status).toBe(404);
      const body = { username: user.username, name: 'New' };
      expect((await here.ask(user, 'POST', '/user', body)).status).toBe(200);
      expect((await there.ask(user, 'GET', '/user')).body.username).toBe(user.username);
      expect((await there.ask(alice, 'GET', `/user/${user.id}`)).status).toBe(200);
    });
  });

  it('a profile of a mapped subject', async () => {
    await eachWay(async (here, there, n) => {
      const user = new StrictUser(server.url, await sign({ sub: `auth0|${n}` }), 0, `mapped${n}`);
      expect((await there.ask(user, 'GET', '/user')).status).toBe(404);
      await here.ask(user, 'POST', '/user', { username: user.username, name: 'Mapped' });
      expect((await there.ask(user, 'GET', '/user')).status).toBe(200);
      expect((await there.ask(user, 'POST', `/chat/${alice.id}`)).status).toBe(200);
    });
  });

  it('a chat, to both sides', async () => {
    await eachWay(async (here, there) => {
      const other = await join(server, 'Other');
      const { id } = (await here.ask(other, 'POST', `/chat/${bob.id}`)).body.chat;
      expect((await there.ask(bob, 'GET', `/chat/${id}/info`)).status).toBe(200);
      expect((await there.ask(bob, 'GET', '/chats?limit=1')).body.rooms[0].id).toBe(id);
      expect((await there.ask(other, 'POST', `/chat/${bob.id}`)).body.chat.id).toBe(id);
    });
  });

  it('a group, its members as they come and go, and its end', async () => {
    const users = [{ id: bob.id }];
    await eachWay(async (here, there) => {
      const { id } = (await here.ask(alice, 'POST', '/group', { name: 'g' })).body.group;
      const path = `/group/${id}`;
      expect((await there.ask(alice, 'GET', `${path}/info`)).body.users_count).toBe(1);
      expectRefusal(await there.ask(bob, 'GET', `${path}/info`), 404, 'group_not_found');

      expect((await here.ask(alice, 'POST', `${path}/add`, { users })).status).toBe(200);
      expect((await there.ask(bob, 'GET', `${path}/info`)).body.users_count).toBe(2);
      expect((await there.ask(alice, 'GET', `${path}/users`)).body.users).toHaveLength(2);
      expectRefusal(await there.ask(bob, 'DELETE', path), 403, 'not_owner');

      expect((await here.ask(alice, 'DELETE', `${path}/delete`, { users })).status).toBe(200);
      expectRefusal(await there.ask(bob, 'GET', `${path}/info`), 404, 'group_not_found');
      expect((await there.ask(alice, 'GET', `${path}/info`)).body.users_count).toBe(1);

      expect((await here.ask(alice, 'DELETE', path)).status).toBe(200);
      expectRefusal(await there.ask(alice, 'GET', `${path}/info`), 404, 'group_not_found');
    });
  });

  it('a message that was acknowledged', async () => {
    const chat = await alice.chatWith(bob);
    const socket = await alice.connect(`/chat/${chat}`);
    await socket.nextOf('history');
    await eachWay(async (here, there, n) => {
      socket.says(`message ${n}`);
      const { id } = await socket.hears(`message ${n}`);
      for (const line of [here, there]) {
        const room = (await line.ask(bob, 'GET', '/chats?limit=1')).body.rooms[0];
        expect([room.id, room.last_message.id]).toEqual([chat, id]);
        expect((await line.ask(bob, 'GET', `/chat/${chat}/info`)).body.last_message.id).toBe(id);
      }
    });
    await socket.close();
  });
});

describe('fresh connections', () => {
  it('show every change at once, whichever worker they come to', async () => {
    const seen = new Set<string>();
    for (let round = 0; round < 10; round++) {
      const name = `round ${round}`;
      const { id } = (await alice.post('/group', { name, users: [{ id: bob.id }] })).body.group;
      const answers = await Promise.all(Array.from({ length: 8 }, () => bob.get(`/group/${id}/info`)));
      for (const answer of answers) {
        expect([answer.status, answer.body.name]).toEqual([200, name]);
        seen.add(workerOf(answer));
      }
    }
    expect(seen.size).toBe(2);
  });
});
