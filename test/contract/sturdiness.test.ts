import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linesToBothWorkers } from '../support/lines.js';
import { TestServer } from '../support/server.js';
import { ask, join, type StrictUser, stopUnharmed } from '../support/strict.js';
import { TcpConnection } from '../support/tcp.js';

let server: TestServer;
let alice: StrictUser;
let pids: Awaited<ReturnType<TestServer['pids']>>;
beforeAll(async () => {
  server = await TestServer.shared();
  alice = await join(server, 'Alice');
  pids = await server.pids();
});
afterAll(() => stopUnharmed(server));

/** A request as bytes; the head has a token unless it says otherwise. */
function bytes(line: string, headers: string[], body = ''): string {
  const head = ['Host: parley', `Authorization: Bearer ${alice.token}`, ...headers];
  return `${line} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${body}`;
}

/** Every process is the one that it was, and both workers answer. */
async function expectAlive(): Promise<void> {
  const lines = await linesToBothWorkers(server, alice);
  for (const line of lines) {
    expect((await line.ask(alice, 'POST', '/group', { name: 'alive' })).status).toBe(200);
    line.hangUp();
  }
  expect(await server.pids()).toEqual(pids);
}

const JSON_TYPE = 'Content-Type: application/json';
const BODY = '{"name":"g"}';
const LENGTH = `Content-Length: ${BODY.length}`;

describe('a body with strange names', () => {
  it('is a body like any other', async () => {
    for (const body of [
      '{"__proto__":{"name":"p"},"name":"proto"}',
      '{"constructor":1,"toString":2,"name":"ctor"}',
      `{"name":"deep","x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
    ]) {
      const answer = await ask(server, 'POST', '/api/v1/group', {
        token: alice.token,
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect([200, 400]).toContain(answer.status);
    }
    await expectAlive();
  });
});

describe('a peer that goes away', () => {
  it('in the middle of its head, its body or its answer harms nobody', async () => {
    const halves = [
      'POST /api/v1/gro',
      bytes('POST /api/v1/group', [JSON_TYPE, 'Content-Length: 1000'], '{"name":"half'),
      bytes('POST /api/v1/group', [JSON_TYPE, 'Transfer-Encoding: chunked'], '5\r\n{"nam'),
      bytes('POST /api/v1/user', ['Content-Type: multipart/form-data; boundary=x', LENGTH], '--x\r\n'),
      bytes('POST /api/v1/group', [JSON_TYPE, 'Content-Length: 2000000'], ' '.repeat(500_000)),
      bytes('GET /api/v1/chats', []),
    ];
    await Promise.all(
      Array.from({ length: 120 }, async (_, n) => {
        const connection = await TcpConnection.open(server);
        connection.write(halves[n % halves.length] ?? '');
        // A turn of the loop, so that some are cut before and some after the server has read them.
        await new Promise((resolve) => setImmediate(resolve));
        connection.cut();
      }),
    );
    await expectAlive();
  });

  it('after it sent far more than its refused body may have harms nobody', async () => {
    for (const headers of [
      [JSON_TYPE, 'Content-Length: 8000000'],
      ['Content-Type: text/plain', 'Content-Length: 8000000'],
    ]) {
      const connection = await TcpConnection.open(server);
      connection.write(bytes('POST /api/v1/group', headers));
      for (let sent = 0; sent < 8_000_000; sent += 500_000) connection.write(' '.repeat(500_000));
      expect(await connection.status()).toBeGreaterThanOrEqual(400);
      connection.cut();
    }
    await expectAlive();
  });
});
