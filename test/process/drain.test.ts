import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { png } from '../support/images.js';
import { temporaryFolder } from '../support/ledger.js';
import { TestServer } from '../support/server.js';
import { TcpConnection } from '../support/tcp.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

/** More than the kernel takes for a peer that does not read. */
const PHOTO_BYTES = 9 * 1024 * 1024;
/** Longer than a drain with nothing left to send. */
const PAUSE_MS = 600;

let server: TestServer;
afterEach(() => server.stop());

/** A download whose peer does not read on after the head; resolves when that has come. */
async function beginDownload(
  user: TestUser,
): Promise<{ socket: Socket; received: Buffer[]; ended(): boolean }> {
  const socket = connect(server.port, '127.0.0.1');
  const received: Buffer[] = [];
  let ended = false;
  socket.on('data', (chunk) => {
    if (received.length === 0) socket.pause();
    received.push(chunk);
  });
  socket.on('error', () => undefined); // `close` follows.
  socket.on('close', () => {
    ended = true;
  });
  const head = [
    `GET /api/v1/user/${user.id}/photo HTTP/1.1`,
    'Host: x',
    `Authorization: Bearer ${user.token}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await until(() => received.length > 0);
  return { socket, received, ended: () => ended };
}

function refusesConnections(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}

it('what is under way at SIGTERM arrives whole, and what is asked meanwhile is its connection’s last', async () => {
  server = await TestServer.start({ workers: 1 });
  const alice = await server.stranger('Alice');
  const photo = png(200, 100, Buffer.alloc(PHOTO_BYTES, 'photo'));
  const form = new FormData();
  form.set('json', JSON.stringify({ username: 'alice', name: 'Alice' }));
  form.set('photo', new Blob([new Uint8Array(photo)]));
  expect((await alice.post('/user', form)).status).toBe(200);

  const idle = await TcpConnection.open(server);
  const ask = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
  idle.write(ask);
  expect(await idle.status()).toBe(200);
  expect(idle.text).not.toMatch(/^connection: close\r$/im);

  const download = await beginDownload(alice);
  const exit = server.end('SIGTERM');
  const began = performance.now();
  await until(refusesConnections);
  idle.write(ask);
  await idle.ended();
  expect(idle.text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
  expect(idle.text).toMatch(/^connection: close\r$/im);

  await until(() => performance.now() - began > PAUSE_MS);
  download.socket.resume();
  await until(() => download.ended() || Buffer.concat(download.received).length > photo.length);
  await until(download.ended);
  const answer = Buffer.concat(download.received);
  const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
  expect(body.length).toBe(photo.length);
  expect(body.equals(photo)).toBe(true);
  expect(await exit).toEqual({ code: 0, signal: null });
});

it('a stalled upload holds up no socket at SIGTERM, and leaves nothing on disk', async () => {
  const folder = await temporaryFolder();
  server = await TestServer.start({ workers: 1, dataDir: folder.path });
  const alice = await server.user('Alice');
  const chat = await alice.chatWith(await server.user('Bob'));
  const listener = await alice.connect(`/chat/${chat}`);
  const upload = connect(server.port, '127.0.0.1').on('error', () => undefined);
  const head = [
    'POST /api/v1/group HTTP/1.1',
    'Host: x',
    `Authorization: Bearer ${alice.token}`,
    'Content-Type: multipart/form-data; boundary=b',
    'Content-Length: 9000000',
  ];
  const part = '--b\r\nContent-Disposition: form-data; name="photo"; filename="p"\r\n\r\n';
  upload.write(`${head.join('\r\n')}\r\n\r\n${part}${'x'.repeat(200_000)}`);
  const temporary = () => readdir(join(folder.path, 'tmp')).catch(() => []);
  await until(async () => (await temporary()).length === 1);

  const ended = performance.now();
  const exit = server.end();
  expect((await listener.closed()).code).toBe(1012);
  expect(performance.now() - ended).toBeLessThan(3000);
  expect(await exit).toEqual({ code: 0, signal: null });
  expect(performance.now() - ended).toBeLessThan(10_000);
  expect(await temporary()).toEqual([]);
  upload.destroy();
  await folder.remove();
});
