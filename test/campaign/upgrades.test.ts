import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { TestServer } from '../support/server.js';
import { forge } from '../support/tokens.js';

const SOCKETS = 10_000;
const AT_ONCE = 50;

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ workers: 2 });
});
afterAll(() => server.stop());

/** Opens a socket, waits for its first frame, closes it. Resolves to false when it ended before that frame. */
function visit(url: string, token: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
    let greeted = false;
    socket.on('message', () => {
      greeted = true;
      socket.close();
    });
    socket.on('error', () => undefined); // `close` follows.
    socket.on('close', () => resolve(greeted));
  });
}

describe('upgrades', () => {
  it('of 10,000 sockets, most with tokens never seen before, none is closed before its first frame', async () => {
    const alice = await server.user('Alice');
    const chat = await alice.chatWith(await server.user('Bob'));
    const url = `${server.url.replace('http', 'ws')}/api/v1/chat/${chat}`;
    const tokens = [
      () => alice.token,
      (jti: string) => server.token(alice.id, { jti }),
      // A header that no token had before: jose is asked, and the upgrade comes after an await.
      (jti: string) => forge({ alg: 'HS256', kid: jti }, { sub: alice.id, jti }),
    ];
    let begun = 0;
    let early = 0;
    const visitor = async () => {
      while (begun < SOCKETS) {
        const number = begun++;
        const token = await tokens[number % tokens.length]?.(`${number}`);
        if (!(await visit(url, token ?? ''))) early += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, visitor));
    expect(early).toBe(0);
    expect(begun).toBe(SOCKETS);
  });

  it('leave nothing on standard error', () => {
    const strange = server.output
      .split('\n')
      .filter((line) => line !== '' && !/^({|parley listening)/.test(line));
    expect(strange).toEqual([]);
  });
});
