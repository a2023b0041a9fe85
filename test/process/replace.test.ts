import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LINK_VERSION } from '../../src/link/protocol.js';
import { patch, patchedBuild } from '../support/build.js';
import { live } from '../support/chat.js';
import { isRunning } from '../support/processes.js';
import { SteadyRequests } from '../support/requests.js';
import { TestServer } from '../support/server.js';
import { until } from '../support/wait.js';

const REPLACE_MS_MAX = 90_000;

let folder: string;
let server: TestServer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-test-'));
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const said = (text: string) => server.logOf('primary').filter(({ msg }) => msg === text).length;
const rounds = () => said('every process is replaced');
const hangUp = () => process.kill(server.pid, 'SIGHUP');
const alive = async () => {
  const { ledger, workers } = await server.pids();
  return [ledger, ...workers];
};

describe('SIGHUP', () => {
  it('replaces the ledger, whose clients stay, and then each worker; one more meanwhile is done after it', async () => {
    server = await TestServer.start({ workers: 2 });
    const alice = await server.user('Alice');
    const chat = await alice.chatWith(await server.user('Bob'));
    const sockets = await alice.connectOnBoth(`/chat/${chat}`);
    const before = await alive();
    hangUp();
    await until(() => said('replacing the processes, one after the other') === 1);
    hangUp();
    hangUp();
    sockets[0].says('while the ledger is away', 'one');
    for (const socket of sockets) expect((await socket.closed(REPLACE_MS_MAX)).code).toBe(1012);
    for (const { frames } of sockets) {
      expect(frames.filter(({ client_id }) => client_id === 'one')).toHaveLength(1);
    }
    await until(() => rounds() === 2, REPLACE_MS_MAX);
    const after = await alive();
    expect(after).toHaveLength(3);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    const again = await live(alice, `/chat/${chat}`);
    again.says('after it');
    await again.hears('after it');
    expect(rounds()).toBe(2);
  });

  it('starts what the build is by then; a worker that does not come up leaves the old one where it is', async () => {
    server = await TestServer.start({ workers: 2, main: patchedBuild(folder, []) });
    const alice = await server.user('Alice');
    const chat = await alice.chatWith(await server.user('Bob'));
    const sockets = await alice.connectOnBoth(`/chat/${chat}`);
    for (const socket of sockets) await socket.nextOf('history');
    const before = await server.pids();

    const file = join(folder, 'dist', 'process', 'worker.js');
    const good = await readFile(file, 'utf8');
    await writeFile(file, 'throw new Error("a broken build");\n');
    hangUp();
    await until(() => said('the replacement was given up') === 1, REPLACE_MS_MAX);
    const [failed] = server.logOf('primary').filter(({ level }) => level === 'error');
    expect(failed).toMatchObject({ child: 'worker 1', why: 'exit code 1' });
    const after = await server.pids();
    expect(after.workers.sort()).toEqual(before.workers.sort());
    expect(after.ledger).not.toBe(before.ledger);
    for (const [n, socket] of sockets.entries()) {
      socket.says(`still here ${n}`);
      for (const other of sockets) await other.hears(`still here ${n}`);
    }

    await writeFile(file, good);
    hangUp();
    await until(() => rounds() === 1, REPLACE_MS_MAX);
    expect((await server.pids()).workers.filter((pid) => before.workers.includes(pid))).toEqual([]);
  });

  it('starts the new worker before the old one stops listening: also a lone one refuses nobody', async () => {
    server = await TestServer.start({ workers: 1 });
    const alice = await server.user('Alice');
    await alice.groupWith(await server.user('Bob'));
    const requests = new SteadyRequests(alice, 200);
    hangUp();
    await until(() => rounds() === 1, REPLACE_MS_MAX);
    await requests.stop();
    expect(requests.asked).toBeGreaterThan(50);
    expect(requests.failures).toEqual([]);
    expect(requests.retried).not.toHaveProperty('ECONNREFUSED');
  });

  it('updates to a build with a migration: workers of the old one serve until it is their turn', async () => {
    server = await TestServer.start({ workers: 2, main: patchedBuild(folder, []) });
    const alice = await server.user('Alice');
    const chat = await alice.chatWith(await server.user('Bob'));
    const sockets = await alice.connectOnBoth(`/chat/${chat}`);
    patch(folder, {
      file: 'store/sqlite/upkeep/migrations.js',
      from: 'export const SCHEMA_VERSION',
      to: "MIGRATIONS.push('CREATE TABLE news (id INTEGER PRIMARY KEY)');\nexport const SCHEMA_VERSION",
    });
    hangUp();
    await until(() => rounds() === 1, REPLACE_MS_MAX);
    for (const socket of sockets) expect((await socket.closed()).code).toBe(1012);
    expect(server.logOf('primary').filter(({ level }) => level === 'error')).toEqual([]);
    const again = await live(alice, `/chat/${chat}`);
    again.says('after it');
    await again.hears('after it');
  });

  it('updates from another version of the link: the workers of the old one end at once, and new ones serve', async () => {
    const version = {
      file: 'link/protocol.js',
      from: `LINK_VERSION = ${LINK_VERSION}`,
      to: 'LINK_VERSION = 0',
    };
    server = await TestServer.start({ workers: 2, main: patchedBuild(folder, [version]) });
    const alice = await server.user('Alice');
    const chat = await alice.chatWith(await server.user('Bob'));
    const sockets = await alice.connectOnBoth(`/chat/${chat}`);
    for (const socket of sockets) await socket.nextOf('history');
    sockets[0].says('before it', 'one');
    await sockets[0].hears('before it');
    const before = await alive();
    patch(folder, { ...version, from: version.to, to: version.from });
    hangUp();
    for (const socket of sockets) expect((await socket.closed(REPLACE_MS_MAX)).code).toBe(1006);
    await until(() => rounds() === 1, REPLACE_MS_MAX);
    expect((await alive()).filter((pid) => before.includes(pid))).toEqual([]);
    const again = await live(alice, `/chat/${chat}`);
    again.says('before it', 'one');
    expect(await again.hears('before it')).toMatchObject({ duplicate: true });
  });

  it('does not keep SIGTERM from ending everything', async () => {
    server = await TestServer.start({ workers: 2, env: { DRAIN_SPREAD_MS: '5000' } });
    const alice = await server.user('Alice');
    const chat = await alice.chatWith(await server.user('Bob'));
    const sockets = await alice.connectOnBoth(`/chat/${chat}`);
    const children = await alive();
    hangUp();
    // A new worker is there beside the old ones, or the first old one drains.
    await until(async () => (await server.pids()).workers.length === 3, REPLACE_MS_MAX);
    children.push(...(await alive()));
    expect(await server.end()).toEqual({ code: 0, signal: null });
    for (const socket of sockets) expect((await socket.closed()).code).toBe(1012);
    expect(children.filter(isRunning)).toEqual([]);
  });
});
