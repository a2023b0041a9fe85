import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browse, live } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let paths: Readonly<Record<'chat' | 'group' | 'main', string>>;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
  paths = {
    chat: `/chat/${await alice.chatWith(bob)}`,
    group: `/group/${await alice.groupWith(bob)}`,
    main: '/main',
  };
});
afterAll(() => server.stop());

describe.each(['chat', 'group', 'main'] as const)('a ping on a socket of %s', (of) => {
  it('is answered with the id that it brought', async () => {
    const socket = await browse(alice, paths[of]);
    if (of !== 'main') await socket.nextOf('history');
    const ids = ['a', '😀'.repeat(64), '"', 0, -1, Date.now(), Number.MAX_SAFE_INTEGER];
    for (const id of ids) socket.send({ type: 'ping', id });
    for (const id of ids) expect(await socket.next()).toEqual({ type: 'pong', id });
  });

  it('has no id in its answer when it brought none', async () => {
    const socket = await alice.connect(paths[of]);
    if (of !== 'main') await socket.nextOf('history');
    socket.send({ type: 'ping', text: 'a field that is not known', client_id: 'mine' });
    expect(await socket.next()).toEqual({ type: 'pong' });
  });

  it('whose id cannot be used is answered with invalid_field, and the socket stays', async () => {
    const socket = await alice.connect(paths[of]);
    if (of !== 'main') await socket.nextOf('history');
    const ids = ['', 'x'.repeat(65), 'a\0', '\ud800', 1.5, 2 ** 53, null, true, []];
    for (const id of ids) socket.send({ type: 'ping', id });
    for (const _ of ids)
      expect(await socket.next()).toMatchObject({
        type: 'error',
        code: 'invalid_field',
        details: { field: 'id' },
      });
    socket.send({ type: 'ping', id: 'still here' });
    expect(await socket.next()).toEqual({ type: 'pong', id: 'still here' });
  });

  it('is counted as a ping of the protocol is: a flood ends the socket with 4429', async () => {
    const socket = await alice.connect(paths[of]);
    for (let n = 0; n < 100; n++) socket.send({ type: 'ping', id: n });
    await until(() => socket.frames.filter(({ type }) => type === 'pong').length === 100);
    for (let n = 0; n < 500; n++) {
      socket.ping();
      socket.send({ type: 'ping' });
    }
    expect(await socket.closed()).toEqual({ code: 4429, reason: 'too many frames' });
  });
});

it('a ping and its answer reach nobody else', async () => {
  const [hers, his] = [await live(alice, paths.chat), await live(bob, paths.chat)];
  hers.send({ type: 'ping', id: 1 });
  expect(await hers.next()).toEqual({ type: 'pong', id: 1 });
  hers.says('marker');
  await his.hears('marker');
});
