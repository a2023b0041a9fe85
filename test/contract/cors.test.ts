import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import { ask, expectRefusal, join, type StrictUser, stopUnharmed } from '../support/strict.js';

let server: TestServer;
let alice: StrictUser;
beforeAll(async () => {
  server = await TestServer.shared();
  alice = await join(server, 'Alice');
});
afterAll(() => stopUnharmed(server));

const ORIGIN = 'https://app.example';
const listOf = (text: string | null) => (text ?? '').toLowerCase().split(/, */);

describe('a CORS preflight', () => {
  it.each([
    '/user',
    '/user/1',
    '/user/abc',
    '/chat/1',
    '/group',
    '/group/1',
    '/group/1/delete',
    '/chats?limit=x',
    '/main',
    '/nothing',
  ])('of %s is 204 without a token', async (path) => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const headers = {
        origin: ORIGIN,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,content-type',
      };
      const answer = await ask(server, 'OPTIONS', `/api/v1${path}`, { headers });
      expect([answer.status, answer.text]).toEqual([204, '']);
      expect(['*', ORIGIN]).toContain(answer.headers.get('access-control-allow-origin'));
      expect(listOf(answer.headers.get('access-control-allow-methods'))).toContain(method.toLowerCase());
      expect(listOf(answer.headers.get('access-control-allow-headers'))).toEqual(
        expect.arrayContaining(['authorization', 'content-type']),
      );
    }
  });
});

describe('OPTIONS that is no preflight', () => {
  it.each([
    ['without Origin', { 'access-control-request-method': 'POST' }],
    ['without Access-Control-Request-Method', { origin: ORIGIN }],
    ['without either', {}],
  ])('%s needs a token, and is then 405', async (_what, headers: Record<string, string>) => {
    expectRefusal(await ask(server, 'OPTIONS', '/api/v1/user', { headers }), 401, 'unauthorized');
    const answer = await ask(server, 'OPTIONS', '/api/v1/user', { headers, token: alice.token });
    expectRefusal(answer, 405, 'method_not_allowed');
  });

  it('is another method with the headers of a preflight', async () => {
    const headers = { origin: ORIGIN, 'access-control-request-method': 'POST' };
    expectRefusal(await ask(server, 'GET', '/api/v1/user', { headers }), 401, 'unauthorized');
    expectRefusal(await ask(server, 'DELETE', '/api/v1/group/1', { headers }), 401, 'unauthorized');
  });
});

describe('an answer to a page of another origin', () => {
  it.each([
    ['a 200', '/user', 200],
    ['a 400', '/user/abc', 400],
    ['a 404', '/chat/999/info', 404],
  ])('can be read by it: %s', async (_what, path, status) => {
    const answer = await alice.send('GET', path, undefined, { origin: ORIGIN });
    expect(answer.status).toBe(status);
    expect(['*', ORIGIN]).toContain(answer.headers.get('access-control-allow-origin'));
  });

  it('can be read by it: a 401', async () => {
    const answer = await ask(server, 'GET', '/api/v1/user', { headers: { origin: ORIGIN } });
    expect(answer.status).toBe(401);
    expect(['*', ORIGIN]).toContain(answer.headers.get('access-control-allow-origin'));
  });

  it('never goes with credentials of the browser', async () => {
    const answer = await alice.send('GET', '/user', undefined, { origin: ORIGIN });
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });
});
