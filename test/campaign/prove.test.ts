import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Report } from '../../src/prove/report.js';
import { exitOf, launch, SECRET, TestServer } from '../support/server.js';

/** A quarter of the messages that the shortest run sends; on a busy machine, a longer one sends them. */
const ACKNOWLEDGED_MIN = 50;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-test-prove-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs the checker, and resolves to its exit code, its output, and its report. */
async function prove(env: Record<string, string>, ...args: string[]) {
  const own = ['--redis', 'no', '--answer-ms', '60000', '--report', folder];
  const { process, output } = launch(env, ['prove', ...own, ...args]);
  const { code } = await exitOf(process);
  const json = await readFile(join(folder, 'report.json'), 'utf8').catch(() => '[]');
  return { code, output: output.text, report: (JSON.parse(json) as Report[])[0] as Report };
}

/** Enough has happened: on a busy machine, less does in the same time. */
function isEnough({ faults, acknowledged, cuts, repeatedSends }: Report): boolean {
  const each = (['worker', 'ledger', 'redis'] as const).every((fault) => Number(faults[fault]?.times) >= 2);
  return each && acknowledged > 1000 && cuts > 200 && repeatedSends > 0;
}

it('through killed workers, ledgers and Redis, and hundreds of cut connections, every count is 0', async () => {
  const faults = 'worker:2,ledger:2,redis:2,redis-clients:1,cut:6';
  const usual = ['--redis', 'yes', '--seed', 'short', '--users', '24', '--rate', '400', '--faults', faults];
  let last: Report | undefined;
  for (const seconds of [6, 15, 40]) {
    const args = [...usual, '--fault-every', '300', '--seconds', String(seconds)];
    const { code, output, report } = await prove({}, ...args);
    expect(report.examples, output).toEqual(
      Object.fromEntries(Object.keys(report.counts).map((name) => [name, []])),
    );
    expect(code).toBe(0);
    expect(report.read).toBe('database');
    last = report;
    if (isEnough(report)) return;
  }
  expect(last).toSatisfy(isEnough);
}, 400_000);

it('proves a deployment that runs already, by its API alone or with its database', async () => {
  const server = await TestServer.start();
  try {
    const args = ['--url', server.url, '--users', '8', '--rate', '100'];
    const byApi = await prove({ JWT_SECRET: SECRET }, ...args, '--seconds', '2');
    expect(byApi.code, byApi.output).toBe(0);
    expect(byApi.report).toMatchObject({ read: 'api', good: true });
    const args2 = [...args, '--data-dir', server.dataDir, '--faults', 'none'];
    let acknowledged = 0;
    for (const seconds of [2, 6, 18]) {
      const byDatabase = await prove({ JWT_SECRET: SECRET }, ...args2, '--seconds', String(seconds));
      expect(byDatabase.code, byDatabase.output).toBe(0);
      expect(byDatabase.report).toMatchObject({ read: 'database', good: true });
      acknowledged = byDatabase.report.acknowledged;
      if (acknowledged > ACKNOWLEDGED_MIN) break;
    }
    expect(acknowledged).toBeGreaterThan(ACKNOWLEDGED_MIN);
  } finally {
    await server.stop();
  }
});

it('tells what is wrong with its options', async () => {
  const { code, output } = await prove({}, '--users', 'many');
  expect(code).toBe(1);
  expect(output).toContain('--users must be a whole number');
  expect((await prove({}, '--faults', 'worker,fire')).output).toContain('there is no fault fire');
  expect((await prove({}, '--url', 'http://x', '--faults', 'ledger')).output).toContain(
    'ledger cannot go with --url',
  );
  expect((await prove({}, '--faults', 'redis')).output).toContain('needs --redis yes');
});
