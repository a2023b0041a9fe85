import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import { expectRefusal, join, type StrictUser, stopUnharmed } from '../support/strict.js';

let server: TestServer;
let bob: StrictUser;
let carol: StrictUser;
beforeAll(async () => {
  server = await TestServer.shared();
  bob = await join(server, 'Bob');
  carol = await join(server, 'Carol');
});
afterAll(() => stopUnharmed(server));

interface Room {
  readonly id: number;
}

async function idsOf(user: StrictUser, query = ''): Promise<number[]> {
  const answer = await user.get(`/chats${query}`);
  expect(answer.status).toBe(200);
  return answer.body.rooms.map((room: Room) => room.id);
}

describe('GET /chats', () => {
  it('shows private chats and groups, with the newest message of each or null', async () => {
    const alice = await join(server, 'Alice');
    const chat = await alice.chatWith(bob);
    const group = await alice.groupWith(carol);
    await alice.says(`/chat/${chat}`, 'one');
    const { id, time } = await bob.says(`/chat/${chat}`, 'two');
    const author = { id: bob.id, name: 'Bob' };
    const last = { id, chat_id: chat, type: 'message', text: 'two', author, time };
    const read = { mentions: 0, read_id: 0 };
    expect((await alice.get('/chats')).body).toEqual({
      rooms: [
        { id: chat, name: 'Bob', type: 'private', last_message: last, unread: 1, ...read },
        { id: group, name: 'a group', type: 'group', last_message: null, unread: 0, ...read },
      ],
    });
  });

  it("gives a private chat the other's name, on both sides", async () => {
    const alice = await join(server, 'Alice');
    const dan = await join(server, 'Dan');
    await alice.chatWith(dan);
    expect((await alice.get('/chats')).body.rooms[0].name).toBe('Dan');
    expect((await dan.get('/chats')).body.rooms[0].name).toBe('Alice');
  });

  it('is ordered by the newest message, then, without one, by creation, newest first', async () => {
    const alice = await join(server, 'Alice');
    const chat = await alice.chatWith(bob);
    const group = await alice.groupWith(bob);
    const other = await alice.chatWith(carol);
    const quiet = await alice.groupWith();
    expect(await idsOf(alice)).toEqual([quiet, other, group, chat]);
    await bob.says(`/chat/${chat}`, 'first');
    expect(await idsOf(alice)).toEqual([chat, quiet, other, group]);
    await bob.says(`/group/${group}`, 'second');
    await carol.says(`/chat/${other}`, 'third');
    expect(await idsOf(alice)).toEqual([other, group, chat, quiet]);
    await alice.says(`/chat/${chat}`, 'fourth');
    expect(await idsOf(alice)).toEqual([chat, other, group, quiet]);
    const newest = await alice.groupWith();
    expect(await idsOf(alice)).toEqual([chat, other, group, newest, quiet]);
  });

  it('shows client_id wherever the message is', async () => {
    const alice = await join(server, 'Alice');
    const chat = await alice.chatWith(bob);
    const socket = await alice.connect(`/chat/${chat}`);
    await socket.nextOf('history');
    socket.says('named', 'my-1');
    await socket.hears('named');
    await socket.close();
    expect((await bob.get('/chats')).body.rooms[0].last_message.client_id).toBe('my-1');
    expect((await bob.get(`/chat/${chat}/info`)).body.last_message.client_id).toBe('my-1');
  });

  it('shows only what the caller is in', async () => {
    const alice = await join(server, 'Alice');
    const stranger = await join(server, 'Stranger');
    const kept = await alice.groupWith(stranger);
    const lost = await alice.groupWith(stranger);
    await alice.groupWith(bob);
    expect(await idsOf(stranger)).toEqual([lost, kept]);
    await alice.delete(`/group/${lost}/delete`, { users: [{ id: stranger.id }] });
    expect(await idsOf(stranger)).toEqual([kept]);
    await alice.delete(`/group/${kept}`);
    expectRefusal(await stranger.get('/chats'), 404, 'chats_not_found');
  });

  it('is 404 with an empty list when there is no chat at all, whatever the page', async () => {
    const hermit = await join(server, 'Hermit');
    for (const query of ['', '?limit=5', '?limit=0', '?offset=7', '?limit=1&offset=1']) {
      const answer = await hermit.get(`/chats${query}`);
      expectRefusal(answer, 404, 'chats_not_found');
      expect(answer.body.rooms).toEqual([]);
    }
  });
});

describe('limit and offset of GET /chats', () => {
  let alice: StrictUser;
  let all: number[];
  beforeAll(async () => {
    alice = await join(server, 'Alice');
    for (let n = 0; n < 7; n++) await alice.groupWith();
    all = await idsOf(alice);
  });

  it('cut a page out of the whole list, which has no limit otherwise', async () => {
    expect(all).toHaveLength(7);
    for (const [limit, offset] of [
      [3, 0],
      [3, 3],
      [3, 6],
      [1, 2],
      [7, 0],
      [100, 5],
    ] as const) {
      expect(await idsOf(alice, `?limit=${limit}&offset=${offset}`)).toEqual(
        all.slice(offset, offset + limit),
      );
    }
    expect(await idsOf(alice, '?limit=2')).toEqual(all.slice(0, 2));
    expect(await idsOf(alice, '?offset=5')).toEqual(all.slice(5));
    expect(await idsOf(alice, '?offset=0')).toEqual(all);
  });

  it('give an empty page with 200 for limit 0 and past the end', async () => {
    for (const query of ['limit=0', 'limit=0&offset=2', 'offset=7', 'offset=8', 'limit=3&offset=1000000']) {
      const answer = await alice.get(`/chats?${query}`);
      expect([answer.status, answer.body]).toEqual([200, { rooms: [] }]);
    }
    expect(await idsOf(alice, `?offset=${Number.MAX_SAFE_INTEGER}&limit=${Number.MAX_SAFE_INTEGER}`)).toEqual(
      [],
    );
  });

  it.each(['limit', 'offset'])('are 400 when %s is not a non-negative integer, or empty', async (name) => {
    for (const value of ['', '-1', '1.5', 'x', '1x', '1e1', '0x1', '%201', '%2B1', 'null', '1,2', '١']) {
      expectRefusal(await alice.get(`/chats?${name}=${value}`), 400, 'invalid_query', { parameter: name });
    }
    expectRefusal(await alice.get(`/chats?${name}`), 400, 'invalid_query', { parameter: name });
  });

  it('are 400 when one comes twice, since it is not clear which counts', async () => {
    expectRefusal(await alice.get('/chats?limit=1&limit=2'), 400, 'invalid_query');
    expectRefusal(await alice.get('/chats?offset=1&offset=1'), 400, 'invalid_query');
  });

  it('are 400 also for a caller without chats', async () => {
    const hermit = await join(server, 'Hermit');
    expectRefusal(await hermit.get('/chats?limit=-1'), 400, 'invalid_query');
  });

  it('are beside parameters that the server does not know', async () => {
    expect(await idsOf(alice, '?limit=2&_=123')).toEqual(all.slice(0, 2));
  });
});
