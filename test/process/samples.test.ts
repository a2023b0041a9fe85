import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { childrenOf } from '../../src/prove/faults/processes.js';
import { MAIN } from '../support/build.js';
import { temporaryFolder } from '../support/ledger.js';
import { exitOf, launch, SECRET } from '../support/server.js';
import { until } from '../support/wait.js';

const sample = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url)), 'utf8');
/** The most that a drain takes. */
const DRAIN_SECONDS = 10;

/** A container in short: the program is process 1 of its own namespace. Root needs no rights for that, others a namespace of users. */
const asProcess1 = [
  'unshare',
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  ...['--pid', '--fork', '--mount-proc'],
];

it('the container runs node itself, which drains as process 1 when it gets the signal that stops containers', async () => {
  const text = sample('Dockerfile');
  expect(JSON.parse(/^CMD (.+)$/m.exec(text)?.[1] ?? '')).toEqual(['node', 'dist/main.js']);
  expect(Number(/--stop-timeout (\d+)/.exec(text)?.[1])).toBeGreaterThan(DRAIN_SECONDS);
  const signal = /^STOPSIGNAL (\w+)$/m.exec(text)?.[1] as NodeJS.Signals;

  const folder = await temporaryFolder();
  const env = { DATA_DIR: folder.path, JWT_SECRET: SECRET, WORKERS: '1' };
  const { process: container, output } = launch(env, [], { through: asProcess1 });
  await until(() => output.text.includes('listening'));
  const [first = 0] = childrenOf(container.pid ?? 0);
  process.kill(first, signal);
  expect(await exitOf(container)).toEqual({ code: 0, signal: null });
  for (const name of ['worker 1', 'ledger'])
    expect(output.text).toMatch(new RegExp(`"process":"${name}".*"msg":"stopped"`));
  await folder.remove();
});

it('the unit runs node itself, signals it alone, and gives it the time to drain', () => {
  const unit = new Map(
    [...sample('parley.service').matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );
  const [program, main = ''] = unit.get('ExecStart')?.split(' ') ?? [];
  expect(program).toMatch(/\/node$/);
  expect(MAIN.endsWith(main.replace(/^\/srv\/parley/, ''))).toBe(true);
  expect([unit.get('KillMode'), unit.get('KillSignal')]).toEqual(['mixed', 'SIGTERM']);
  expect(Number(unit.get('TimeoutStopSec'))).toBeGreaterThan(DRAIN_SECONDS);
  expect(unit.get('StartLimitIntervalSec')).toBe('0'); // A disk may be full for long.
});
