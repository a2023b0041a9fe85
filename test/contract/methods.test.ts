import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, channels, routes } from '../../src/api/routes.js';
import { TestServer } from '../support/server.js';
import { ask, expectRefusal, join, type StrictUser, stopUnharmed } from '../support/strict.js';

let server: TestServer;
let alice: StrictUser;
let paths: Record<string, string>;
beforeAll(async () => {
  server = await TestServer.shared();
  alice = await join(server, 'Alice');
  const bob = await join(server, 'Bob');
  const [chat, group] = [await alice.chatWith(bob), await alice.groupWith(bob)];
  const message = (await alice.post(`/chat/${chat}/message`, { text: 'hi' })).body.message.id;
  paths = {
    '/user': '/user',
    '/user/{id}': `/user/${bob.id}`,
    '/user/{id}/photo': `/user/${bob.id}/photo`,
    '/chat/{id}': `/chat/${chat}`,
    '/chat/{id}/info': `/chat/${chat}/info`,
    '/group': '/group',
    '/group/{id}': `/group/${group}`,
    '/group/{id}/info': `/group/${group}/info`,
    '/group/{id}/users': `/group/${group}/users`,
    '/group/{id}/photo': `/group/${group}/photo`,
    '/group/{id}/add': `/group/${group}/add`,
    '/group/{id}/delete': `/group/${group}/delete`,
    '/chat/{id}/message': `/chat/${chat}/message`,
    '/chat/{id}/messages': `/chat/${chat}/messages`,
    '/chat/{id}/read': `/chat/${chat}/read`,
    '/group/{id}/read': `/group/${group}/read`,
    '/group/{id}/message': `/group/${group}/message`,
    '/group/{id}/messages': `/group/${group}/messages`,
    '/message/{id}': `/message/${message}`,
    '/message/{id}/reaction/{emoji}': `/message/${message}/reaction/${encodeURIComponent('👍')}`,
    '/chats': '/chats',
    '/main': '/main',
  };
});
afterAll(() => stopUnharmed(server));

/** Which methods a path has: of the API, and HEAD wherever GET gives JSON or an image. */
const METHODS: Record<string, string[]> = {
  '/user': ['GET', 'HEAD', 'PATCH', 'POST'],
  '/user/{id}': ['GET', 'HEAD'],
  '/user/{id}/photo': ['GET', 'HEAD'],
  '/chat/{id}': ['GET', 'POST'],
  '/chat/{id}/info': ['GET', 'HEAD'],
  '/group': ['POST'],
  '/group/{id}': ['DELETE', 'GET', 'PATCH'],
  '/group/{id}/info': ['GET', 'HEAD'],
  '/group/{id}/users': ['GET', 'HEAD'],
  '/group/{id}/photo': ['GET', 'HEAD'],
  '/group/{id}/add': ['POST'],
  '/group/{id}/delete': ['DELETE'],
  '/chat/{id}/message': ['POST'],
  '/chat/{id}/messages': ['GET', 'HEAD'],
  '/chat/{id}/read': ['GET', 'HEAD', 'POST'],
  '/group/{id}/read': ['GET', 'HEAD', 'POST'],
  '/group/{id}/message': ['POST'],
  '/group/{id}/messages': ['GET', 'HEAD'],
  '/message/{id}': ['DELETE', 'GET', 'HEAD', 'PATCH'],
  '/message/{id}/reaction/{emoji}': ['DELETE', 'GET', 'HEAD', 'PUT'],
  '/chats': ['GET', 'HEAD'],
  '/main': ['GET'],
};
const OTHERS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'];

const to = (path: string) => `${BASE}${paths[path]}`;

describe('the methods of every path', () => {
  it('are said above for every route and channel', () => {
    const known = [...Object.values(routes), ...channels].map(({ path }) => path.slice(BASE.length));
    expect([...new Set(known)].sort()).toEqual(Object.keys(METHODS).sort());
  });

  it.each(Object.entries(METHODS))('%s takes %s; another is 405 with Allow', async (path, methods) => {
    for (const method of OTHERS.filter((name) => !methods.includes(name))) {
      const answer = await ask(server, method, to(path), { token: alice.token });
      expectRefusal(answer, 405, 'method_not_allowed');
      const allow = answer.headers.get('allow')?.split(/, */) ?? [];
      expect(allow.sort()).toEqual(methods);
    }
  });

  it('are not looked at before the token', async () => {
    for (const path of Object.keys(METHODS)) {
      expectRefusal(await ask(server, 'PROPFIND', to(path)), 401, 'unauthorized');
    }
  });
});

describe('HEAD', () => {
  it.each(
    Object.keys(METHODS).filter((path) => METHODS[path]?.includes('HEAD')),
  )('on %s is GET without the body', async (path) => {
    for (const token of [alice.token, 'none']) {
      const got = await ask(server, 'GET', to(path), { token });
      const head = await ask(server, 'HEAD', to(path), { token });
      expect(head.status).toBe(got.status);
      expect(head.text).toBe('');
      const plain = (answer: typeof got) =>
        [...answer.headers].filter(([name]) => !['x-request-id', 'date'].includes(name));
      expect(plain(head)).toEqual(plain(got));
      expect(Number(head.headers.get('content-length'))).toBe(Buffer.byteLength(got.text));
    }
  });
});

describe('a plain GET', () => {
  it.each(['/chat/{id}', '/group/{id}', '/main'])('on the WebSocket path %s is 426', async (path) => {
    const answer = await ask(server, 'GET', to(path), { token: alice.token });
    expectRefusal(answer, 426, 'upgrade_required');
    expect(answer.headers.get('upgrade')).toBe('websocket');
    expectRefusal(await ask(server, 'GET', to(path)), 401, 'unauthorized');
  });
});

describe('an unknown path', () => {
  const UNKNOWN = [
    BASE,
    `${BASE}/`,
    `${BASE}/nothing`,
    `${BASE}/user/`,
    `${BASE}/chats/`,
    `${BASE}/chats/1`,
    `${BASE}/user/1/2`,
    `${BASE}/chat`,
    `${BASE}/chat/1/photo`,
    `${BASE}/chat/1/info/more`,
    `${BASE}/group/1/nothing`,
    `${BASE}//user`,
    `${BASE}/User`,
    `${BASE}/main/1`,
    `${BASE}/token`,
    `${BASE}/%ff`,
  ];
  it.each(UNKNOWN)('%s is 404 with a token, 401 without', async (path) => {
    for (const method of ['GET', 'POST', 'DELETE', 'PUT']) {
      expectRefusal(await ask(server, method, path, { token: alice.token }), 404, 'not_found');
      expectRefusal(await ask(server, method, path), 401, 'unauthorized');
    }
  });

  it('outside the API is 404 and needs no token', async () => {
    for (const path of ['/api', '/api/v2/user', '/api/v10/user', '/favicon.ico', '/.env']) {
      expectRefusal(await ask(server, 'GET', path), 404, 'not_found');
    }
  });
});

describe('/healthz and /readyz', () => {
  it.each(['/healthz', '/readyz'])('%s is 200 without a token', async (path) => {
    const answer = await ask(server, 'GET', path);
    expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }]);
    expect((await ask(server, 'HEAD', path)).status).toBe(200);
  });

  it.each(['/healthz', '/readyz'])('%s is 405 for another method', async (path) => {
    const answer = await ask(server, 'POST', path);
    expectRefusal(answer, 405, 'method_not_allowed');
    expect(answer.headers.get('allow')?.split(/, */).sort()).toEqual(['GET', 'HEAD']);
  });
});
