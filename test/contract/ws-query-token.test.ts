import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_MESSAGES, wsUrl } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

let server: TestServer;
let alice: TestUser;
let chat: string;
beforeAll(async () => {
  server = await TestServer.start({ workers: 1, env: { AUTH_QUERY_TOKEN: 'true', LOG_LEVEL: 'trace' } });
  alice = await server.user('Alice');
  chat = `/chat/${await alice.chatWith(await server.user('Bob'))}`;
});
afterAll(() => server.stop());

const withToken = (token: string) => wsUrl(alice, `${chat}?access_token=${token}`);

describe('with AUTH_QUERY_TOKEN=true', () => {
  it('?access_token= is taken, beside other parameters', async () => {
    const socket = await TestSocket.open(`${withToken(alice.token)}&limit=5`);
    expect(await socket.next()).toEqual(NO_MESSAGES);
  });

  it('a bad one is refused: with 401, or with 4401 for a browser', async () => {
    expect(await TestSocket.refused(withToken('not.a.token'))).toMatchObject({ status: 401 });
    const browser = await TestSocket.open(withToken('not.a.token'), {}, ['chat.v1']);
    expect(await browser.closed()).toMatchObject({ code: 4401 });
  });

  it('it comes after the header and after the subprotocol', async () => {
    const headers = { authorization: 'Bearer not.a.token' };
    expect(await TestSocket.refused(withToken(alice.token), { headers })).toMatchObject({ status: 401 });
    const browser = await TestSocket.open(withToken(alice.token), {}, ['chat.v1', 'bearer.not.a.token']);
    expect(await browser.closed()).toMatchObject({ code: 4401 });
  });

  it('HTTP does not take it', async () => {
    const response = await fetch(`${server.url}/api/v1/user?access_token=${alice.token}`);
    expect(response.status).toBe(401);
  });

  it('it is never logged', async () => {
    const socket = await TestSocket.open(withToken(alice.token));
    await socket.nextOf('history');
    await TestSocket.refused(`${withToken(alice.token)}&limit=-1`);
    await server.end();
    expect(server.output).toContain('stopped'); // What is searched holds the log.
    expect(server.output).not.toContain(alice.token.slice(-40));
  });
});
