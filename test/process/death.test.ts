import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../src/process/port.js';
import { at, live } from '../support/chat.js';
import { temporaryFolder } from '../support/ledger.js';
import { isRunning } from '../support/processes.js';
import { TestServer } from '../support/server.js';
import { until } from '../support/wait.js';

const WORKER_BACK_MS_MAX = 2000;
const SERVES_AGAIN_MS_MAX = 3000;
/** More often than a back-off that counted these would allow in the time. */
const KILLS = 6;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: TestServer;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await server.stop();
  await folder.remove();
});

const readyWorkers = () => server.output.match(/"process":"worker \d+",.*"msg":"ready"/g)?.length ?? 0;

describe('a worker that is killed', () => {
  it(`is replaced within 2 s, each of ${KILLS} times, and the others' sockets never notice`, async () => {
    server = await TestServer.start({ workers: 2, dataDir: folder.path });
    const alice = await server.user('Alice');
    const chat = await alice.chatWith(await server.user('Bob'));
    const [, kept] = (await server.pids()).workers;
    // Found by its end: the socket that outlives the first victim is on the other worker.
    const sockets = await alice.connectOnBoth(`/chat/${chat}`);
    for (const socket of sockets) await socket.nextOf('history');
    for (let kill = 0; kill < KILLS; kill++) {
      const victim = (await server.pids()).workers.find((pid) => pid !== kept) ?? 0;
      const ready = readyWorkers();
      const began = performance.now();
      process.kill(victim, 'SIGKILL');
      await until(() => readyWorkers() > ready);
      expect(performance.now() - began).toBeLessThan(WORKER_BACK_MS_MAX);
    }
    const open = sockets.filter(({ isOpen }) => isOpen);
    expect(open).toHaveLength(1);
    open[0]?.says('here all the time');
    await open[0]?.hears('here all the time');
  });
});

describe('a primary that is killed', () => {
  it('takes everything with it; one that is started at once serves within 3 s what was acknowledged', async () => {
    const env = { PORT: String(await freePort()) };
    server = await TestServer.start({ workers: 2, dataDir: folder.path, env });
    const alice = await server.user('Alice');
    const chat = await alice.chatWith(await server.user('Bob'));
    const socket = await live(alice, `/chat/${chat}`);
    socket.says('before', 'one');
    const echo = await socket.hears('before');
    const { ledger, workers } = await server.pids();

    const began = performance.now();
    process.kill(server.pid, 'SIGKILL');
    server = await TestServer.start({ workers: 2, dataDir: folder.path, env });
    expect(performance.now() - began).toBeLessThan(SERVES_AGAIN_MS_MAX);
    expect([ledger, ...workers].filter(isRunning)).toEqual([]);
    const again = await at(server, alice).connect(`/chat/${chat}`);
    expect((await again.nextOf('history')).messages).toEqual([echo]);
  });

  it('leaves no ledger behind that holds the data folder, even when a worker is frozen', async () => {
    server = await TestServer.start({ workers: 1, dataDir: folder.path });
    const { ledger, workers } = await server.pids();
    const [worker = 0] = workers;
    process.kill(worker, 'SIGSTOP');
    try {
      process.kill(server.pid, 'SIGKILL');
      await until(() => !isRunning(ledger), SERVES_AGAIN_MS_MAX);
    } finally {
      process.kill(worker, 'SIGCONT');
    }
    await until(() => !isRunning(worker));
  });
});
