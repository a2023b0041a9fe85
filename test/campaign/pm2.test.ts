import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS_OFF } from '../../src/chat/limits.js';
import { freePort } from '../../src/process/port.js';
import { live } from '../support/chat.js';
import { Crowd } from '../support/crowd.js';
import { temporaryFolder } from '../support/ledger.js';
import { elapsedMs, smallestRatio } from '../support/measure.js';
import { Pm2 } from '../support/pm2.js';
import { isRunning } from '../support/processes.js';
import { SteadyRequests } from '../support/requests.js';
import { SECRET } from '../support/server.js';
import { sign } from '../support/tokens.js';
import { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

const ECOSYSTEM = 'ecosystem.config.js';
/** Of the time for which pm2 lists its processes. */
const TIMES_MAX = 8;
const MEMBERS = 8;
const GROUPS = 6;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let pm2: Pm2;
let url: string;

async function install(): Promise<void> {
  folder = await temporaryFolder();
  const port = String(await freePort());
  url = `http://127.0.0.1:${port}`;
  pm2 = new Pm2(join(folder.path, 'pm2'), {
    ...LIMITS_OFF,
    PORT: port,
    HOST: '127.0.0.1',
    DATA_DIR: join(folder.path, 'data'),
    JWT_SECRET: SECRET,
    DRAIN_SPREAD_MS: '300',
  });
}

async function uninstall(): Promise<void> {
  await pm2.kill();
  await folder.remove();
}

let nextUser = 1;
async function person(name: string): Promise<TestUser> {
  const id = nextUser++;
  const user = new TestUser(url, await sign({ sub: id }), id, name);
  await user.createProfile();
  return user;
}

const status = (path: string) =>
  fetch(`${url}${path}`).then(
    (response) => response.status,
    () => 0,
  );
const online = async (name: string) => {
  const listed = await pm2.list(name);
  return listed.length > 0 && listed.every((process) => process.status === 'online') ? listed : undefined;
};
const newOnes = async (name: string, before: readonly number[]) => {
  const listed = await online(name);
  return listed?.every(({ pid }) => pid > 0 && !before.includes(pid)) ? listed : undefined;
};

describe('under pm2, by ecosystem.config.js', () => {
  beforeAll(async () => {
    await install();
    await pm2.run('start', ECOSYSTEM);
  });
  afterAll(uninstall);

  it('`pm2 start` returns when one ledger and a worker for each core serve', async () => {
    expect(await status('/readyz')).toBe(200);
    expect((await pm2.list('ledger')).map((process) => process.status)).toEqual(['online']);
    expect((await pm2.list('worker')).map((process) => process.status)).toEqual(
      Array.from({ length: availableParallelism() }, () => 'online'),
    );
    // What a process says comes to the file by way of pm2.
    const ready = /"process":"worker \d+".*"port":\d+,"msg":"ready"/;
    await until(async () => ready.test(await pm2.logs()));
  });

  it('`pm2 reload worker` and `pm2 reload ledger` under load fail and lose nothing', async () => {
    const users = await Promise.all(Array.from({ length: MEMBERS }, (_, n) => person(`User${n}`)));
    const crowd = await Crowd.gather(users, GROUPS, 100);
    const requests = new SteadyRequests(users[0] as TestUser, 100);
    const before = await pm2.pids();
    await pm2.run('reload', 'ledger');
    expect(crowd.ends()).toEqual({});
    await pm2.run('reload', 'worker');
    await requests.stop();
    expect(await crowd.disperse()).toEqual({ lost: 0, repeated: 0, phantom: 0, refused: 0 });
    expect(requests.failures).toEqual([]);
    expect(requests.asked).toBeGreaterThan(100);
    expect(crowd.ends()['1012']).toBeGreaterThanOrEqual(MEMBERS * GROUPS);
    const after = await pm2.pids();
    expect(after).toHaveLength(before.length);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
  });

  it('`pm2 scale worker 4` makes it four that serve, and back', async () => {
    await pm2.run('scale', 'worker', '4');
    expect(await online('worker')).toHaveLength(4);
    await pm2.run('scale', 'worker', '2');
    expect(await online('worker')).toHaveLength(2);
    expect(await status('/readyz')).toBe(200);
  });

  it.each(['ledger', 'worker'])('a %s that is killed is back soon', async (name) => {
    const backMs = async () => {
      const [victim = 0] = await pm2.pids(name);
      const others = (await pm2.pids()).filter((pid) => pid !== victim);
      const ms = await elapsedMs(async () => {
        process.kill(victim, 'SIGKILL');
        await until(async () => {
          const listed = await pm2.list(name);
          return listed.every(({ pid, status }) => status === 'online' && pid !== victim);
        });
        await until(async () => (await status('/readyz')) === 200);
      });
      expect(others.filter((pid) => !isRunning(pid))).toEqual([]);
      return ms;
    };
    const control = () => elapsedMs(() => pm2.list());
    const ratio = await smallestRatio({ measured: backMs, control, enough: TIMES_MAX, tries: 3 });
    expect(ratio).toBeLessThanOrEqual(TIMES_MAX);
  });

  it('`pm2 stop worker ledger` ends the sockets with 1012, `pm2 restart` brings all back', async () => {
    const alice = await person('Alice');
    const path = `/group/${await alice.groupWith()}`;
    const socket = await live(alice, path);
    socket.says('before', 'one');
    const echo = await socket.hears('before');
    const before = await pm2.pids();
    await pm2.run('stop', 'worker', 'ledger');
    expect((await socket.closed()).code).toBe(1012);
    expect((await pm2.list()).map((process) => process.status)).toEqual(['stopped', 'stopped', 'stopped']);
    expect(before.filter(isRunning)).toEqual([]);
    await pm2.run('restart', 'ledger', 'worker');
    expect(await newOnes('worker', before)).toHaveLength(2);
    const again = await alice.connect(`${path}?after=0`);
    expect((await again.nextOf('history')).messages).toEqual([echo]);
  });

  it('nothing runs on when the daemon itself is killed', async () => {
    const endMs = async () => {
      const before = await pm2.pids();
      return elapsedMs(async () => {
        process.kill(pm2.daemonPid, 'SIGKILL');
        await until(() => !before.some(isRunning));
      });
    };
    const control = async () => {
      if (!isRunning(pm2.daemonPid)) await pm2.run('start', ECOSYSTEM);
      return elapsedMs(() => pm2.list());
    };
    const ratio = await smallestRatio({ measured: endMs, control, enough: TIMES_MAX, tries: 3 });
    expect(ratio).toBeLessThanOrEqual(TIMES_MAX);
  });
});

describe('under pm2, as one app', () => {
  beforeEach(install);
  afterEach(uninstall);

  it('starts, is replaced process by process at SIGHUP without an end of service, and stops', async () => {
    await pm2.run('start', 'dist/main.js', '--name', 'parley', '--kill-timeout', '11000');
    await until(async () => (await pm2.logs()).includes('parley listening'));
    const alice = await person('Alice');
    const path = `/group/${await alice.groupWith()}`;
    const requests = new SteadyRequests(alice, 50);
    const [primary = 0] = await pm2.pids();
    await pm2.run('sendSignal', 'SIGHUP', 'parley');
    await until(async () => (await pm2.logs()).includes('every process is replaced'));
    await requests.stop();
    expect(requests.failures).toEqual([]);
    expect(await pm2.list()).toEqual([{ name: 'parley', pid: primary, status: 'online', restarts: 0 }]);
    const socket = await live(alice, path);
    await pm2.run('stop', 'parley');
    expect((await socket.closed()).code).toBe(1012);
    expect(await status('/healthz')).toBe(0);
    expect((await pm2.logs()).match(/"process":"(ledger|worker \d+)","msg":"stopped"/g)?.length).toBe(
      2 * (1 + availableParallelism()),
    );
  });
});
