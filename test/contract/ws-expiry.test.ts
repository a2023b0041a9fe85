import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wsUrl } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import { type Frame, TestSocket } from '../support/socket.js';
import { nowSeconds, sign } from '../support/tokens.js';
import type { TestUser } from '../support/user.js';

const LEEWAY_S = 30;

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let paths: string[];
beforeAll(async () => {
  server = await TestServer.shared();
  alice = await server.user('Alice');
  bob = await server.user('Bob');
  paths = [`/chat/${await alice.chatWith(bob)}`, `/group/${await alice.groupWith(bob)}`, '/main'];
});
afterAll(() => server.stop());

/** Tokens live for so many seconds: a longer time when the machine was too busy to do in a shorter one what is to be done. */
const LIVES_S = [2, 4, 8, 16, 32];

/** A token of the user that expires at a time, in seconds since the epoch. */
const until = (exp: number, user = alice) => sign({ sub: user.id, exp });
const connect = (token: string, path: string) =>
  TestSocket.open(wsUrl(alice, path), { headers: { authorization: `Bearer ${token}` } });

/** Does something that needs a token that is about to expire and has not yet. */
async function briefly<T>(act: (exp: number) => Promise<T>): Promise<T> {
  for (const life of LIVES_S) {
    const exp = nowSeconds() + life;
    const done = await act(exp).catch((error: unknown) => {
      if (Date.now() / 1000 < exp || life === LIVES_S.at(-1)) throw error;
      return undefined;
    });
    if (done !== undefined) return done;
  }
  throw new Error('there was no time at all');
}

/** When the socket was closed with 4401, in seconds since the epoch. */
async function expired(socket: TestSocket): Promise<number> {
  const { code, reason } = await socket.closed();
  expect([code, reason]).toEqual([4401, 'token expired']);
  return Date.now() / 1000;
}
/** The next frame, which must be an error; but for what is said in other tests. */
async function nextError(socket: TestSocket): Promise<Frame> {
  for (;;) {
    const frame = await socket.next();
    if (frame.type === 'error') return frame;
    expect(frame.type).toBe('last_message');
  }
}

/** A frame that is answered after all that came before it. */
async function isHeard(socket: TestSocket, path: string): Promise<void> {
  if (path === '/main') {
    socket.send({ type: 'message', text: 'not here' });
    expect(await nextError(socket)).toMatchObject({ code: 'unknown_type' });
  } else {
    if (socket.frames.length === 0 || socket.frames.every(({ type }) => type === 'history'))
      await socket.nextOf('history');
    socket.says('still here');
    await socket.hears('still here');
  }
}

describe.concurrent('an open socket', () => {
  it('is closed with 4401 when its token expires', async () => {
    const { exp, sockets } = await briefly(async (exp) => {
      const token = await until(exp);
      return { exp, sockets: await Promise.all(paths.map((path) => connect(token, path))) };
    });
    for (const at of await Promise.all(sockets.map(expired))) expect(at).toBeGreaterThanOrEqual(exp);
  });

  it('with a token that is accepted in the leeway is closed at its end', async () => {
    const { end, socket } = await briefly(async (end) => {
      return { end, socket: await connect(await until(end - LEEWAY_S), '/main') };
    });
    expect(await expired(socket)).toBeGreaterThanOrEqual(end);
  });

  it('stays without any end when its token has none, or one that is far away', async () => {
    const tokens = [await sign({ sub: alice.id }), await until(2 ** 31), await until(253_402_300_799)];
    const sockets = await Promise.all(tokens.map((token) => connect(token, '/main')));
    await expired(await briefly(async (exp) => connect(await until(exp), '/main')));
    for (const socket of sockets) {
      await isHeard(socket, '/main');
      await socket.close();
    }
  });
});

describe.concurrent('an auth frame with a newer token of the user', () => {
  it.each([0, 1, 2])('lets the socket stay until that expires (%i)', async (index) => {
    const path = paths[index] ?? '';
    const { exp, socket } = await briefly(async (exp) => {
      const socket = await connect(await until(exp), path);
      socket.send({ type: 'auth', token: await until(exp + 2) });
      await isHeard(socket, path);
      return { exp, socket };
    });
    expect(await expired(socket)).toBeGreaterThanOrEqual(exp + 2);
  });

  it('never shortens the time', async () => {
    const { exp, socket } = await briefly(async (exp) => {
      const socket = await connect(await until(exp + 1), '/main');
      socket.send({ type: 'auth', token: await until(exp) });
      await isHeard(socket, '/main');
      return { exp: exp + 1, socket };
    });
    expect(await expired(socket)).toBeGreaterThanOrEqual(exp);
  });
});

describe.concurrent('an auth frame that is no good', () => {
  const frames: [string, () => object | Promise<object>, object][] = [
    ['without a token', () => ({ type: 'auth' }), { code: 'invalid_field' }],
    ['with a number', () => ({ type: 'auth', token: 1 }), { code: 'invalid_field' }],
    ['with an empty token', () => ({ type: 'auth', token: '' }), { code: 'unauthorized' }],
    ['with what is no token', () => ({ type: 'auth', token: 'a.b.c' }), { code: 'unauthorized' }],
    [
      'with an expired token',
      async () => ({ type: 'auth', token: await until(nowSeconds() - 60) }),
      { code: 'unauthorized' },
    ],
    [
      'with another user’s token',
      async () => ({ type: 'auth', token: await until(nowSeconds() + 600, bob) }),
      { code: 'unauthorized' },
    ],
    [
      'with a subject that has no profile',
      async () => ({ type: 'auth', token: await sign({ sub: 'auth0|nobody' }) }),
      { code: 'unauthorized' },
    ],
  ];
  it.each(frames)('is refused, and changes nothing: %s', async (_what, frame, error) => {
    const { exp, socket } = await briefly(async (exp) => {
      const socket = await connect(await until(exp), '/main');
      socket.send(await frame());
      expect(await nextError(socket)).toMatchObject(error);
      return { exp, socket };
    });
    expect(await expired(socket)).toBeGreaterThanOrEqual(exp);
  });

  it('counts as a bad frame', async () => {
    const socket = await connect(await until(nowSeconds() + 600), '/main');
    for (let sent = 0; sent < 10; sent++) socket.send({ type: 'auth', token: 'a.b.c' });
    expect(await socket.closed()).toMatchObject({ code: 1008 });
  });
});
