import { readdir, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { patchedBuild } from '../support/build.js';
import { at, historyOf, live, textOf } from '../support/chat.js';
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
const SPREAD_MS = 3000;
const SOCKETS = 40;

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

/** Puts these bytes in the place of what is kept of a user's photo, which is never so large. */
async function replacePhotos(dataDir: string, id: number, bytes: Buffer): Promise<void> {
  const folder = join(dataDir, 'files', 'users', String(id));
  for (const name of await readdir(folder)) await writeFile(join(folder, name), bytes);
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
  const photo = Buffer.alloc(PHOTO_BYTES, 'photo');
  const form = new FormData();
  form.set('json', JSON.stringify({ username: 'alice', name: 'Alice' }));
  form.set('photo', new Blob([png(200, 100)]));
  expect((await alice.post('/user', form)).status).toBe(200);
  await replacePhotos(server.dataDir, alice.id, photo);

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

  let uploadEnded = false;
  upload.once('close', () => {
    uploadEnded = true;
  });
  const exit = server.end();
  expect((await listener.closed()).code).toBe(1012);
  expect(uploadEnded).toBe(false);
  expect(await exit).toEqual({ code: 0, signal: null });
  expect(server.stoppedInOrder()).toEqual(['ledger', 'worker 1']);
  expect(await temporary()).toEqual([]);
  upload.destroy();
  await folder.remove();
});

it('a request that the ledger does not answer in time is answered, too: its outcome is not known', async () => {
  const folder = await temporaryFolder();
  const sooner = { file: 'process/worker.js', from: 'const DRAIN_MS = 7000', to: 'const DRAIN_MS = 700' };
  server = await TestServer.start({ workers: 1, main: patchedBuild(folder.path, [sooner]) });
  const alice = await server.user('Alice');
  const { ledger } = await server.pids();
  process.kill(ledger, 'SIGSTOP');
  const asked = alice.post('/group', { name: 'a group' });
  for (let n = 0; n < 3; n++) await alice.get('/user'); // By then the worker has it.
  const exit = server.end();
  expect(await asked).toMatchObject({ status: 503, body: { code: 'timeout' } });
  process.kill(ledger, 'SIGCONT');
  expect(await exit).toEqual({ code: 0, signal: null });
  await folder.remove();
});

it('sockets end one after the other over DRAIN_SPREAD_MS, and until its turn each goes on as ever', async () => {
  server = await TestServer.start({ workers: 1, env: { DRAIN_SPREAD_MS: String(SPREAD_MS) } });
  const alice = await server.user('Alice');
  const path = `/group/${await alice.groupWith(await server.user('Bob'))}`;
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => live(alice, path)));
  const kept = await TcpConnection.open(server);
  const began = performance.now();
  const exit = server.end();

  await until(() => sockets.some(({ isOpen }) => !isOpen));
  kept.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(await kept.status()).toBe(503);
  expect(await refusesConnections()).toBe(true);
  const open = sockets.filter(({ isOpen }) => isOpen);
  const last = open.at(-1);
  last?.says('in the middle of it', 'one');
  const echo = await last?.hears('in the middle of it');
  expect(echo).toMatchObject({ client_id: 'one' });
  await until(() => open.every(({ frames, isOpen }) => !isOpen || frames.at(-1)?.id === echo.id));
  expect(open.filter(({ isOpen }) => isOpen).length).toBeGreaterThan(1);

  const ends = await Promise.all(
    sockets.map(async (socket) => {
      expect((await socket.closed()).code).toBe(1012);
      return performance.now() - began;
    }),
  );
  expect(Math.max(...ends)).toBeGreaterThan(SPREAD_MS * 0.8);
  expect(await exit).toEqual({ code: 0, signal: null });
});

it('a socket that speaks without a pause is told what became of all that was taken, then ended', async () => {
  const folder = await temporaryFolder();
  server = await TestServer.start({ workers: 1, dataDir: folder.path });
  const alice = await server.user('Alice');
  const path = `/group/${await alice.groupWith(await server.user('Bob'))}`;
  const [sender, listener] = [await live(alice, path), await live(alice, path)];
  let said = 0;
  const speaking = setInterval(() => {
    for (let n = 0; n < 20 && sender.isOpen; n++) sender.says(`message ${said++}`);
  }, 1);
  await until(() => listener.frames.length > 500);
  // Answers are late while the drain begins.
  const { ledger } = await server.pids();
  process.kill(ledger, 'SIGSTOP');
  const before = said;
  await until(() => said > before + 100);
  const exit = server.end();
  await until(refusesConnections);
  expect(sender.isOpen).toBe(true);
  process.kill(ledger, 'SIGCONT');
  await sender.closed();
  clearInterval(speaking);
  expect((await sender.closed()).code).toBe(1012);
  expect((await listener.closed()).code).toBe(1012);
  expect(await exit).toEqual({ code: 0, signal: null });
  // No refusal among the answers; what was taken is a beginning of what was said, and all of it was answered.
  const heard = sender.frames.slice(1).map(textOf);
  expect(heard).toEqual(heard.map((_, n) => `message ${n}`));
  server = await TestServer.start({ workers: 1, dataDir: folder.path });
  expect((await historyOf(at(server, alice), path)).map(textOf)).toEqual(heard);
  await folder.remove();
});
