import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  argumentsOf,
  childrenInRole,
  childrenOf,
  statFieldsOf,
  treeOf,
} from '../../src/prove/faults/processes.js';
import { isRunning } from '../support/processes.js';

/** Starts a process of each role, which stands last in its arguments; the ledger starts a process as well. */
const PRIMARY = `
  const { spawn } = require('node:child_process');
  const grandchild = "require('node:child_process').spawn('sleep', ['60'], { stdio: 'ignore' })";
  const wait = "; process.stdin.resume()";
  const run = (code, role) => spawn(process.execPath, ['-e', code + wait, 'x', role], { stdio: ['pipe', 'ignore', 'ignore'] });
  run('0', 'worker');
  run(grandchild, 'ledger');
  process.stdout.write('started');
  process.title = 'a) name (of its own';
  setInterval(() => 0, 1000);
`;

let primary: ChildProcess;
beforeEach(async () => {
  primary = spawn(process.execPath, ['-e', PRIMARY], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(primary.stdout ?? primary, 'data');
});
afterEach(() => {
  for (const pid of treeOf(primary.pid ?? 0).reverse()) process.kill(pid, 'SIGKILL');
});

it('a tree of processes is listed from the system', async () => {
  const pid = primary.pid ?? 0;
  // A process that was just started has the arguments of the one that starts it, for a moment.
  const commands = () => treeOf(pid).map((each) => argumentsOf(each)[0]);
  await expect.poll(commands, { timeout: 10_000 }).toContain('sleep');
  expect(treeOf(pid)).toHaveLength(4);
  const [ledger = 0] = childrenInRole(pid, 'ledger');
  const [worker = 0] = childrenInRole(pid, 'worker');
  expect(childrenOf(pid).sort()).toEqual([ledger, worker].sort());
  const [sleeper = 0] = childrenOf(ledger);
  expect(argumentsOf(sleeper)).toEqual(['sleep', '60']);
  expect(treeOf(pid)).toEqual(expect.arrayContaining([pid, ledger, worker, sleeper]));
});

it('the fields of a process are read behind its name, whatever that is', () => {
  const [state = '', parent] = statFieldsOf(primary.pid ?? 0);
  expect(state).toMatch(/^[RSD]$/);
  expect(Number(parent)).toBe(process.pid);
});

it('a process that has ended has no fields, no arguments and no children', async () => {
  const child = spawn('true', { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  await once(child, 'exit');
  expect([statFieldsOf(pid), argumentsOf(pid), childrenOf(pid)]).toEqual([[], [], []]);
  expect(isRunning(pid)).toBe(false);
  expect(isRunning(primary.pid ?? 0)).toBe(true);
});
