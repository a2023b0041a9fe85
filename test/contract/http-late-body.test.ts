import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import { until } from '../support/wait.js';

const AT_ONCE = 10;

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.shared();
});
afterAll(() => server.stop());

/** Sends the head at once and the body this much later; resolves to the status, or to how the connection ended. */
function createProfile(token: string, username: string, laterMs: number): Promise<string> {
  const body = JSON.stringify({ username, name: 'Late' });
  const head = [
    'POST /api/v1/user HTTP/1.1',
    `Host: 127.0.0.1:${server.port}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  return new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1', async () => {
      socket.setNoDelay(true).write(`${head.join('\r\n')}\r\n\r\n`);
      const start = performance.now();
      await until(() => performance.now() - start >= laterMs);
      socket.write(body);
    });
    socket.on('data', (data) => {
      resolve(String(data).slice(9, 12));
      socket.destroy();
    });
    socket.on('error', (error) => resolve(String(error)));
    socket.on('close', () => resolve('closed'));
  });
}

it.each([0, 1, 5, 30])('a body that comes %i ms after its head is read', async (laterMs) => {
  for (const sub of ['', 'subject|']) {
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, n) => {
        const name = `${laterMs * 100 + n + 1}`;
        return createProfile(await server.token(sub + name), `${sub}${name}`, laterMs);
      }),
    );
    expect(answers).toEqual(Array(AT_ONCE).fill('200'));
  }
});
