import { afterAll, beforeAll, expect, it } from 'vitest';
import { wsUrl } from '../support/chat.js';
import { KeyServer, LoginKey } from '../support/key-server.js';
import { TestServer } from '../support/server.js';
import { TestSocket } from '../support/socket.js';
import { stopUnharmed } from '../support/strict.js';
import { TestUser } from '../support/user.js';

let login: KeyServer;
let server: TestServer;
let alice: TestUser;
beforeAll(async () => {
  login = await KeyServer.start();
  login.status = 500;
  server = await TestServer.start({ workers: 1, env: { JWT_SECRET: '', JWT_JWKS_URL: login.url } });
  const token = await new LoginKey('first', 'ES256').sign({ sub: 1 });
  alice = new TestUser(server.url, token, 1, 'Alice');
});
afterAll(async () => {
  await stopUnharmed(server);
  await login.stop();
});

it.each([
  '/chat/1',
  '/group/1',
  '/main',
])('an upgrade of %s that cannot be decided for now is 503, or 4503', async (path) => {
  const answer = await alice.refusal(path);
  expect([answer.status, answer.body.code]).toEqual([503, 'unavailable']);
  const browser = await TestSocket.open(wsUrl(alice, path), {}, ['chat.v1', `bearer.${alice.token}`]);
  expect(await browser.closed()).toEqual({ code: 4503, reason: 'unavailable' });
  expect(browser.frames).toEqual([]);
});
