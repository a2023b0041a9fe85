import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../src/process/port.js';
import { at, live } from '../support/chat.js';
import { temporaryFolder } from '../support/ledger.js';
import { elapsedMs, smallestRatio } from '../support/measure.js';
import { isRunning } from '../support/processes.js';
import { exitOf, launch, SECRET, TestServer } from '../support/server.js';
import { until } from '../support/wait.js';

/** So often that a back-off which counted these would show. */
const KILLS = 6;
/** A worker is back in little more than the time for which any process of ours runs that only starts. */
const TIMES_MAX = 4;
/** A ledger without its primary ends after half a second at most, whatever its workers do. */
const ENDS_TIMES_MAX = 10;
const TRIES = 3;

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

/** How long a process of ours runs that loads its code, signs a token, and ends. */
function processMs(): Promise<number> {
  return elapsedMs(() => exitOf(launch({ JWT_SECRET: SECRET }, ['token', '--sub', '1']).process));
}

/** Several measurements, one after the other. */
async function sumOf(times: number, measure: () => Promise<number>): Promise<number> {
  let sum = 0;
  for (let time = 0; time < times; time++) sum += await measure();
  return sum;
}

describe('a worker that is killed', () => {
  it(`is replaced at once, each of ${KILLS} times, and the others' sockets never notice`, async () => {
    server = await TestServer.start({ workers: 2, dataDir: folder.path });
    const alice = await server.user('Alice');
    const chat = await alice.chatWith(await server.user('Bob'));
    const [, kept] = (await server.pids()).workers;
    // Found by its end: the socket that outlives the first victim is on the other worker.
    const sockets = await alice.connectOnBoth(`/chat/${chat}`);
    for (const socket of sockets) await socket.nextOf('history');
    const killMs = async () => {
      const victim = (await server.pids()).workers.find((pid) => pid !== kept) ?? 0;
      const ready = readyWorkers();
      return elapsedMs(async () => {
        process.kill(victim, 'SIGKILL');
        await until(() => readyWorkers() > ready);
      });
    };
    const ratio = await smallestRatio({
      measured: () => sumOf(KILLS, killMs),
      control: () => sumOf(KILLS, processMs),
      enough: TIMES_MAX,
      tries: TRIES,
    });
    expect(ratio).toBeLessThanOrEqual(TIMES_MAX);
    const open = sockets.filter(({ isOpen }) => isOpen);
    expect(open).toHaveLength(1);
    open[0]?.says('here all the time');
    await open[0]?.hears('here all the time');
  });
});

describe('a primary that is killed', () => {
  it('takes everything with it; one that is started at once soon serves what was acknowledged', async () => {
    const env = { PORT: String(await freePort()) };
    server = await TestServer.start({ workers: 2, dataDir: folder.path, env });
    const alice = await server.user('Alice');
    const chat = await alice.chatWith(await server.user('Bob'));
    const socket = await live(alice, `/chat/${chat}`);
    socket.says('before', 'one');
    const echo = await socket.hears('before');
    const startAfter = (signal: 'SIGTERM' | 'SIGKILL') => async () => {
      const { ledger, workers } = await server.pids();
      if (signal === 'SIGTERM') await server.end(signal);
      else process.kill(server.pid, signal);
      const ms = await elapsedMs(async () => {
        server = await TestServer.start({ workers: 2, dataDir: folder.path, env });
      });
      expect([ledger, ...workers].filter(isRunning)).toEqual([]);
      return ms;
    };
    const ratio = await smallestRatio({
      measured: startAfter('SIGKILL'),
      control: startAfter('SIGTERM'),
      enough: TIMES_MAX,
      tries: TRIES,
    });
    expect(ratio).toBeLessThanOrEqual(TIMES_MAX);
    const again = await at(server, alice).connect(`/chat/${chat}`);
    expect((await again.nextOf('history')).messages).toEqual([echo]);
  });

  it('leaves no ledger behind that holds the data folder, even when a worker is frozen', async () => {
    /** How long the ledger outlives the primary. */
    const ledgerMs = async () => {
      server = await TestServer.start({ workers: 1, dataDir: folder.path });
      const { ledger, workers } = await server.pids();
      const [worker = 0] = workers;
      process.kill(worker, 'SIGSTOP');
      try {
        return await elapsedMs(async () => {
          process.kill(server.pid, 'SIGKILL');
          await until(() => !isRunning(ledger));
        });
      } finally {
        process.kill(worker, 'SIGCONT');
        await until(() => !isRunning(worker));
      }
    };
    const ratio = await smallestRatio({
      measured: ledgerMs,
      control: processMs,
      enough: ENDS_TIMES_MAX,
      tries: TRIES,
    });
    expect(ratio).toBeLessThanOrEqual(ENDS_TIMES_MAX);
  });
});
