import { afterEach, expect, it } from 'vitest';
import { Crowd } from '../support/crowd.js';
import { SteadyRequests } from '../support/requests.js';
import { TestServer } from '../support/server.js';
import { until } from '../support/wait.js';

/** `FULL_SIZE=1 npx vitest run test/campaign/reload.test.ts` gives the numbers of docs/proof.md. */
const FULL_SIZE = process.env['FULL_SIZE'] === '1';
const RELOADS = FULL_SIZE ? 10 : 2;
const MEMBERS = 20;
const GROUPS = FULL_SIZE ? 100 : 15;
const REQUESTS_PER_SECOND = 200;
const MESSAGES_PER_SECOND = FULL_SIZE ? 100 : 200;
const RELOAD_MS_MAX = 60_000;

let server: TestServer;
afterEach(() => server.stop());

const replaced = () =>
  server.logOf('primary').filter(({ msg }) => msg === 'every process is replaced').length;

async function reload(): Promise<void> {
  const before = replaced();
  process.kill(server.pid, 'SIGHUP');
  await until(() => replaced() > before, RELOAD_MS_MAX);
}

it(`${RELOADS} reloads under load: no request of a retrying client fails, no message is lost or repeated`, async () => {
  server = await TestServer.start({ workers: 2, env: { DRAIN_SPREAD_MS: '1000' } });
  const users = await Promise.all(Array.from({ length: MEMBERS }, (_, n) => server.user(`User${n}`)));
  const [asker = users[0]] = users;
  const crowd = await Crowd.gather(users, GROUPS, MESSAGES_PER_SECOND);
  const requests = new SteadyRequests(asker as (typeof users)[0], REQUESTS_PER_SECOND);
  const seen = new Set<number>();
  for (let done = 0; done < RELOADS; done++) {
    const { ledger, workers } = await server.pids();
    for (const pid of [ledger, ...workers]) seen.add(pid);
    await reload();
  }
  await requests.stop();
  const harm = await crowd.disperse();
  if (FULL_SIZE) {
    console.log({
      asked: requests.asked,
      retried: requests.retried,
      said: crowd.said,
      ends: crowd.ends(),
      reloadMs: server.logOf('primary').flatMap(({ ms = [] }) => ms),
      strange: server.output.split('\n').filter((line) => /"(error|fatal)"|^[^{]/.test(line)),
    });
  }
  expect(requests.failures).toEqual([]);
  expect(harm).toEqual({ lost: 0, repeated: 0, phantom: 0, refused: 0 });
  expect(seen.size).toBe(RELOADS * 3);
  const { workers } = await server.pids();
  expect(workers).toHaveLength(2);
  expect(workers.filter((pid) => seen.has(pid))).toEqual([]);
}, 600_000);
