import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browse, NO_MESSAGES, wsUrl } from '../support/chat.js';
import { SECRET, TestServer } from '../support/server.js';
import { TestSocket } from '../support/socket.js';
import { TestUser } from '../support/user.js';

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let chat: string;
beforeAll(async () => {
  server = await TestServer.shared();
  alice = await server.user('Alice');
  bob = await server.user('Bob');
  chat = `/chat/${await alice.chatWith(bob)}`;
});
afterAll(() => server.stop());

describe('a client that sets headers', () => {
  it('connects with its token in the Authorization header, and no subprotocol is chosen', async () => {
    const socket = await alice.connect(chat);
    expect(await socket.next()).toEqual(NO_MESSAGES);
    expect(socket.protocol).toBe('');
  });

  it('connects to a group and to main in the same way', async () => {
    const group = await alice.connect(`/group/${await alice.groupWith(bob)}`);
    expect(await group.next()).toEqual(NO_MESSAGES);
    expect((await alice.connect('/main')).isOpen).toBe(true);
  });

  it('may ask for chat.v1 as well', async () => {
    const headers = { authorization: `Bearer ${alice.token}` };
    const socket = await TestSocket.open(wsUrl(alice, chat), { headers }, ['chat.v1']);
    expect(await socket.next()).toEqual(NO_MESSAGES);
    expect(socket.protocol).toBe('chat.v1');
  });

  it('is refused with 401 and a challenge without a token', async () => {
    const answer = await TestSocket.refused(wsUrl(alice, chat));
    expect(answer).toMatchObject({ status: 401, body: { status: 'error', code: 'unauthorized' } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('is refused with 401 when its token is signed with another key, expired, or no token at all', async () => {
    const expired = Math.floor(Date.now() / 1000) - 60;
    const tokens = [
      await server.token(alice.id, {}, `${SECRET}, but not this one`),
      await server.token(alice.id, { exp: expired }),
      'not.a.token',
    ];
    for (const token of tokens) {
      const answer = await alice.refusal(chat, { authorization: `Bearer ${token}` });
      expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    }
  });

  it('is refused with 401 whatever else is wrong', async () => {
    for (const path of [chat, '/chat/0', '/chat/999999', `${chat}?limit=-1`, '/main?after=999999']) {
      const answer = await alice.refusal(path, { authorization: 'Bearer not.a.token' });
      expect([path, answer.status]).toEqual([path, 401]);
    }
  });
});

describe('a browser', () => {
  it('connects with its token among the subprotocols, and is answered with chat.v1 alone', async () => {
    const socket = await browse(alice, chat);
    expect(await socket.next()).toEqual(NO_MESSAGES);
    expect(socket.protocol).toBe('chat.v1');
  });

  it('may offer them in either order', async () => {
    const socket = await TestSocket.open(wsUrl(alice, chat), {}, [`bearer.${alice.token}`, 'chat.v1']);
    expect(await socket.next()).toEqual(NO_MESSAGES);
    expect(socket.protocol).toBe('chat.v1');
  });

  it('is who its token says', async () => {
    const socket = await browse(bob, chat);
    await socket.nextOf('history');
    socket.says('hello');
    expect((await socket.hears('hello')).author).toEqual({ id: bob.id, name: 'Bob' });
  });
});

describe('of several carriers', () => {
  const offers = () => ['chat.v1', `bearer.${alice.token}`];

  it('a bad header is refused although the subprotocol is good', async () => {
    for (const authorization of ['Bearer not.a.token', `Basic ${alice.token}`, 'Bearer']) {
      const socket = await TestSocket.open(wsUrl(alice, chat), { headers: { authorization } }, offers());
      expect(await socket.closed()).toMatchObject({ code: 4401 });
      expect(socket.frames).toEqual([]);
    }
  });

  it('a good header is enough although the subprotocol is bad', async () => {
    const headers = { authorization: `Bearer ${alice.token}` };
    const socket = await TestSocket.open(wsUrl(alice, chat), { headers }, ['chat.v1', 'bearer.not.a.token']);
    expect(await socket.nextOf('history')).toBeDefined();
  });

  it('the header says who it is when both are good', async () => {
    const headers = { authorization: `Bearer ${bob.token}` };
    const socket = await TestSocket.open(wsUrl(alice, chat), { headers }, offers());
    await socket.nextOf('history');
    socket.says('it is me');
    expect((await socket.hears('it is me')).author).toEqual({ id: bob.id, name: 'Bob' });
  });

  it('the query is none of them', async () => {
    const path = `${chat}?access_token=${alice.token}`;
    expect(await TestSocket.refused(wsUrl(alice, path))).toMatchObject({ status: 401 });
    const browser = await TestSocket.open(wsUrl(alice, path), {}, ['chat.v1']);
    expect(await browser.closed()).toMatchObject({ code: 4401 });
  });
});

describe('a user whose sub is not a number', () => {
  it('connects, speaks and is spoken to under the id of the profile', async () => {
    const token = await server.token('auth0|5f7c8ec7c33c6c004bbafe82');
    const carol = new TestUser(server.url, token, 0, 'Carol');
    expect(await carol.refusal('/main')).toMatchObject({ status: 403, body: { code: 'profile_required' } });
    await carol.createProfile();
    const { id } = (await carol.get('/user')).body;
    expect(id).toBeGreaterThanOrEqual(1_000_000_000_000);

    const path = `/chat/${await carol.chatWith(alice)}`;
    const [hers, ours, main] = [
      await browse(carol, path),
      await alice.connect(path),
      await carol.connect('/main'),
    ];
    for (const socket of [hers, ours]) await socket.nextOf('history');
    hers.says('hello');
    expect((await ours.hears('hello')).author).toEqual({ id, name: 'Carol' });
    expect(await main.nextOf('last_message')).toMatchObject({ text: 'hello', author: { id, name: 'Carol' } });
  });
});
