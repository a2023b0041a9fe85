import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/process/port.js';
import { patchedBuild } from '../support/build.js';
import { temporaryFolder } from '../support/ledger.js';
import { isRunning } from '../support/processes.js';
import { exitOf, launch, SECRET, TestServer } from '../support/server.js';
import type { TestSocket } from '../support/socket.js';
import { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

describe('a process tree', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ workers: 2 });
  });
  afterAll(() => server.stop());

  it('says once on standard output where it is listening, and the port', () => {
    const lines = server.output.split('\n').filter((line) => line.includes('listening'));
    expect(lines).toEqual([`parley listening on http://127.0.0.1:${server.port} (workers: 2)`]);
  });

  it('holds less than 100 MB in an idle worker', async () => {
    for (const pid of (await server.pids()).workers) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
      expect(Number(kilobytes) / 1000).toBeGreaterThan(20);
      expect(Number(kilobytes) / 1000).toBeLessThan(100);
    }
  });

  it('answers /healthz and /readyz without a token', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const response = await fetch(`${server.url}${path}`);
      expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
    }
  });

  it('refuses a second start on its port with exit code 1 and one line, and goes on itself', async () => {
    const other = await temporaryFolder();
    const second = launch({ PORT: String(server.port), DATA_DIR: other.path, JWT_SECRET: SECRET });
    expect(await exitOf(second.process)).toMatchObject({ code: 1 });
    expect(second.output.text).toBe(`parley: port ${server.port} on 127.0.0.1 is in use\n`);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    await other.remove();
  });

  it('refuses a second start on its data folder with exit code 1 and one line, and goes on itself', async () => {
    const second = launch({ DATA_DIR: server.dataDir, JWT_SECRET: SECRET });
    expect(await exitOf(second.process)).toMatchObject({ code: 1 });
    expect(second.output.text).toBe(
      `parley: the data folder ${server.dataDir} is in use by another parley\n`,
    );
    const alice = await server.user('Alice');
    expect((await alice.get('/user')).status).toBe(200);
  });

  it('says every problem of its settings at once, one a line, and exits with 1', async () => {
    const { process, output } = launch({
      PORT: 'many',
      WORKERS: '0',
      JWT_SECRET: 'short',
      LOG_LEVEL: 'loud',
    });
    expect(await exitOf(process)).toMatchObject({ code: 1 });
    const lines = output.text.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    for (const name of ['PORT', 'WORKERS', 'JWT_SECRET', 'LOG_LEVEL']) {
      expect(lines.filter((line) => line.startsWith(`parley: ${name} `))).toHaveLength(1);
    }
  });

  it('replaces a worker that dies; sockets of the other stay and go on', async () => {
    const alice = await server.user('Alice');
    const bob = await server.user('Bob');
    const chat = await alice.chatWith(bob);
    const sockets = await alice.connectOnBoth(`/chat/${chat}`);
    const before = await server.pids();
    const [victim = 0] = before.workers;
    process.kill(victim, 'SIGKILL');
    const cut = await until(() => sockets.find((socket) => !socket.isOpen));
    expect((await cut.closed()).code).toBe(1006);
    const left = sockets.find((socket) => socket !== cut);
    expect(left?.isOpen).toBe(true);

    const after = await until(async () => {
      const { workers } = await server.pids();
      return workers.length === 2 && !workers.includes(victim) ? workers : undefined;
    });
    expect(after).toContain(before.workers[1]);
    left?.says('still here');
    expect(await left?.nextOf('history')).toBeDefined();
    await left?.hears('still here');
    // The new one serves: connections reach two workers again.
    const [first, second] = await until(() => bob.connectOnBoth(`/chat/${chat}`).catch(() => undefined));
    for (const socket of [first, second])
      expect((await socket.nextOf('history')).messages.at(-1).text).toBe('still here');
  });

  it('restarts a ledger that dies: no client is disconnected, and what waits is answered', async () => {
    const alice = await server.user('Alice');
    const bob = await server.user('Bob');
    const chat = await alice.chatWith(bob);
    const [first, second] = await bob.connectOnBoth(`/chat/${chat}`);
    const { ledger } = await server.pids();
    await server.kill('ledger');
    first.says('said to nobody', 'one');
    const opened = alice.groupWith(bob);
    for (const socket of [first, second]) {
      await socket.nextOf('history');
      expect(await socket.hears('said to nobody')).toMatchObject({ client_id: 'one' });
    }
    expect(await opened).toBeGreaterThan(chat);
    expect((await server.pids()).ledger).not.toBe(ledger);
  });

  it('answers an unexpected error with 500 and tells its cause to the log alone, under the request’s id', async () => {
    const alice = await server.stranger('Alice');
    const form = new FormData();
    form.set('json', JSON.stringify({ username: alice.username, name: 'Alice' }));
    form.set('photo', new Blob([tinyGif()]));
    expect((await alice.post('/user', form)).status).toBe(200);
    // Where the photo's file should be there is a folder: nothing that a handler reckons with.
    const folder = join(server.dataDir, 'files', 'users', String(alice.id));
    for (const photo of await readdir(folder)) {
      await rm(join(folder, photo));
      await mkdir(join(folder, photo));
    }

    const answer = await alice.get(`/user/${alice.id}/photo`);
    expect(answer.status).toBe(500);
    expect(answer.body).toEqual({
      status: 'error',
      code: 'internal',
      error: 'Something went wrong on the server.',
    });
    const requestId = answer.headers.get('x-request-id');
    expect(requestId).toMatch(/^\w{8}-\d+$/);
    const logged = await until(() =>
      [...server.logOf('worker 1'), ...server.logOf('worker 2'), ...server.logOf('worker 3')].find(
        (entry) => entry['requestId'] === requestId,
      ),
    );
    expect(JSON.stringify(logged)).toContain('EISDIR');
    expect((await alice.get('/user')).status).toBe(200);
  });
});

describe('a process tree whose output nobody reads any more', () => {
  it('goes on, also when a worker has a word for standard error', async () => {
    const folder = await temporaryFolder();
    const talkative = {
      file: 'process/worker.js',
      from: 'notifyReady();',
      to: "console.error('a word to nobody'); notifyReady();",
    };
    const server = await TestServer.start({ workers: 1, main: patchedBuild(folder.path, [talkative]) });
    const alice = await server.user('Alice');
    server.closeOutput();
    const victim = await server.kill('worker');
    await until(async () => (await server.pids()).workers.some((pid) => pid !== victim));
    const asked = async () => (await alice.get('/user').catch(() => undefined))?.status === 200;
    await until(asked);
    expect(await server.end()).toEqual({ code: 0, signal: null });
    await server.stop();
    await folder.remove();
  });
});

describe('a process tree whose primary is killed', () => {
  it('does not run on half-alive', async () => {
    const folder = await temporaryFolder();
    const server = await TestServer.start({ workers: 2, dataDir: folder.path });
    const { ledger, workers } = await server.pids();
    await server.end('SIGKILL');
    await until(() => [ledger, ...workers].every((pid) => !isRunning(pid)));
    // And everything is free for the next.
    const next = await TestServer.start({
      workers: 1,
      env: { PORT: String(server.port) },
      dataDir: folder.path,
    });
    await next.stop();
    await folder.remove();
  });
});

describe('a process tree that is told to stop', () => {
  it.each([
    'SIGTERM',
    'SIGINT',
  ] as const)('by %s answers what it took, ends its sockets with 1012, and exits 0', async (signal) => {
    const folder = await temporaryFolder();
    const server = await TestServer.start({ workers: 2, dataDir: folder.path });
    const alice = await server.user('Alice');
    const bob = await server.user('Bob');
    const chat = await alice.chatWith(bob);
    const [first, second] = await alice.connectOnBoth(`/chat/${chat}`);
    for (let n = 0; n < 200; n++) first.says(`message ${n}`);
    await until(() => second.frames.length > 1);
    expect(await server.end(signal)).toEqual({ code: 0, signal: null });
    expect(server.stoppedInOrder()).toEqual(['ledger', 'worker 1', 'worker 2']);
    for (const socket of [first, second]) expect((await socket.closed()).code).toBe(1012);

    // The sender heard of every message that was taken. The other worker may have ended its sockets before.
    const messages = ({ frames }: TestSocket) => frames.filter(({ type }) => type === 'message');
    expect(messages(second)).toEqual(messages(first).slice(0, messages(second).length));
    const next = await TestServer.start({ workers: 1, dataDir: folder.path });
    const again = await new TestUser(next.url, alice.token, alice.id, 'Alice').connect(
      `/chat/${chat}?limit=1000`,
    );
    expect((await again.nextOf('history')).messages).toEqual(messages(first));
    await next.stop();
    await folder.remove();
  });

  it('frees port and folder for the next start, which shows what was acknowledged', async () => {
    const folder = await temporaryFolder();
    const port = await freePort();
    const env = { PORT: String(port) };
    const server = await TestServer.start({ workers: 1, env, dataDir: folder.path });
    const alice = await server.user('Alice');
    const bob = await server.user('Bob');
    const chat = await alice.chatWith(bob);
    const socket = await alice.connect(`/chat/${chat}`);
    await socket.nextOf('history');
    socket.says('remember this', 'one');
    const echo = await socket.hears('remember this');
    await server.stop();

    const next = await TestServer.start({ workers: 1, env, dataDir: folder.path });
    const again = await alice.connect(`/chat/${chat}`);
    expect((await again.nextOf('history')).messages).toEqual([echo]);
    again.says('another text', 'one');
    expect(await again.next()).toEqual({ ...echo, duplicate: true });
    await next.stop();
    await folder.remove();
  });
});

/** One transparent pixel. */
function tinyGif(): Buffer {
  return Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
}
