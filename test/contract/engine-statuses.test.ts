import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ENGINE_STATUSES } from '../../src/api/operation.js';
import { TestServer } from '../support/server.js';
import { stopUnharmed } from '../support/strict.js';
import { TcpConnection } from '../support/tcp.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.shared();
});
afterAll(() => stopUnharmed(server));

const REQUESTS: Readonly<Record<keyof typeof ENGINE_STATUSES, string>> = {
  400: 'GET /healthz HTTP/1.1\r\nHost: parley\r\nTransfer-Encoding: x\r\nContent-Length: y\r\n\r\n',
  431: `GET /healthz HTTP/1.1\r\nHost: parley\r\nX-Long: ${'x'.repeat(33 * 1024)}\r\n\r\n`,
  505: 'GET /healthz HTTP/2.0\r\nHost: parley\r\n\r\n',
};

it.each(Object.entries(REQUESTS))('the engine answers %i by itself, and closes', async (status, request) => {
  const connection = await TcpConnection.open(server);
  connection.write(request);
  await connection.ended();
  expect(connection.text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(connection.text).not.toContain('application/json'); // Otherwise it is an answer of ours.
});
