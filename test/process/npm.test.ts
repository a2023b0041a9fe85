import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/process/port.js';
import { treeOf } from '../../src/prove/faults/processes.js';
import { temporaryFolder } from '../support/ledger.js';
import { NPM_VERSIONS, npmOf } from '../support/npm.js';
import { isRunning } from '../support/processes.js';
import { exitOf, SECRET } from '../support/server.js';
import { until } from '../support/wait.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  for (const version of NPM_VERSIONS) npmOf(version);
});
afterAll(() => folder.remove());

interface Run {
  readonly process: ChildProcess;
  readonly output: { text: string };
}

/** Runs a command as somebody does who has set nothing but these variables. */
function start(command: readonly string[], env: Record<string, string> = {}, cwd = ROOT): Run {
  const [program = '', ...args] = command;
  const { PATH = '' } = process.env;
  const child = spawn(program, args, { cwd, env: { PATH, HOME: folder.path, ...env } });
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.text += text;
    });
  }
  return { process: child, output };
}

const npm = (version: (typeof NPM_VERSIONS)[number], ...args: string[]) => [
  process.execPath,
  npmOf(version),
  ...args,
];

/** Waits for what the run must say, and resolves to all of its processes. */
async function processesOf({ process: child, output }: Run, said: string): Promise<number[]> {
  await until(() => {
    if (child.exitCode !== null) throw new Error(`it ended: ${output.text}`);
    return output.text.includes(said);
  });
  return treeOf(child.pid ?? 0);
}

const areGone = (pids: readonly number[]) => until(() => pids.every((pid) => !isRunning(pid)));

let servers = 0;
async function settings(): Promise<{ PORT: string } & Record<string, string>> {
  servers += 1;
  const env = {
    HOST: '127.0.0.1',
    WORKERS: '1',
    JWT_SECRET: SECRET,
    DATA_DIR: join(folder.path, `data-${servers}`),
  };
  return { PORT: String(await freePort()), ...env };
}

/** The server of this run has drained, no process of it is left, and its port is free. */
async function expectStopped({ output }: Run, pids: readonly number[], port: string): Promise<void> {
  await areGone(pids);
  for (const name of ['worker 1', 'ledger'])
    expect(output.text).toMatch(new RegExp(`"process":"${name}".*"msg":"stopped"`));
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ host: '127.0.0.1', port: Number(port), exclusive: true }, resolve);
  });
  server.close();
}

describe.each(NPM_VERSIONS)('npm %i start', (version) => {
  it.concurrent.each([
    ['SIGTERM', { code: 0, signal: null }],
    ['SIGINT', { code: 0, signal: null }],
    ['SIGHUP', { code: null, signal: 'SIGHUP' }],
    ['SIGKILL', { code: null, signal: 'SIGKILL' }],
  ] as const)('that gets %s ends, and its server drains and leaves nothing', async (signal, end) => {
    const env = await settings();
    const run = start(npm(version, 'start'), env);
    const pids = await processesOf(run, 'listening');
    expect(pids).toHaveLength(4); // npm, the primary, the ledger and a worker: no shell in between.
    run.process.kill(signal);
    expect(await exitOf(run.process)).toEqual(end);
    await expectStopped(run, pids, env.PORT);
  });
});

describe('npm start in a terminal', () => {
  it.concurrent.each([
    ['that gets Ctrl-C', (terminal: ChildProcess) => terminal.stdin?.write('\u0003')],
    ['that is closed', (terminal: ChildProcess) => terminal.kill('SIGKILL')],
  ])('%s drains and leaves nothing', async (_what, end) => {
    const env = await settings();
    const log = join(folder.path, `typescript-${env.PORT}`);
    const run = start(['script', '-qefc', npm(11, 'start').join(' '), log], env);
    const pids = await processesOf(run, 'listening');
    end(run.process);
    await exitOf(run.process);
    await areGone(pids);
    // When the terminal is gone, so is what the processes say in the end.
    if (run.process.signalCode === null) await expectStopped(run, pids, env.PORT);
  });
});

describe('a set-up that is told to end', () => {
  const HANGS = `
import { spawn } from 'node:child_process';
spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => setTimeout(process.exit, 100)); console.error("compiling"); setInterval(() => {}, 1000)'], { stdio: 'inherit' });
`;
  beforeAll(() => {
    cpSync(join(ROOT, 'scripts'), join(folder.path, 'scripts'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(folder.path, 'package.json'));
    for (const file of ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'])
      writeFileSync(join(folder.path, file), '{}');
    writeFileSync(join(folder.path, 'npm-cli.js'), HANGS);
  });

  it.concurrent.each([
    'SIGTERM',
    'SIGINT',
    'SIGHUP',
  ] as const)('by %s ends what it installs with, and nothing is started', async (signal) => {
    const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    own.scripts.prestart = `exec env npm_execpath=${join(folder.path, 'npm-cli.js')} ${own.scripts.prestart.replace(/^exec /, '')}`;
    const cwd = join(folder.path, signal);
    cpSync(join(folder.path, 'scripts'), join(cwd, 'scripts'), { recursive: true });
    for (const file of ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'])
      writeFileSync(join(cwd, file), '{}');
    writeFileSync(join(cwd, 'package.json'), JSON.stringify(own));
    const run = start(npm(11, 'start'), {}, cwd);
    const pids = await processesOf(run, 'compiling');
    expect(pids.length).toBeGreaterThan(3);
    run.process.kill(signal);
    expect(await exitOf(run.process)).toEqual({ code: null, signal });
    await areGone(pids);
    expect(run.output.text).not.toContain('main.js');
  });
});

describe('a script that runs long', () => {
  const run = (command: string, env = {}) =>
    start([process.execPath, 'scripts/run.js', 'sh', '-c', command], env);

  it('goes through what leaves nothing behind, as do all that start other processes', () => {
    const long = Object.entries(scripts).filter(([, text]) => /vitest|dist-bench|prove|&&/.test(text));
    expect(long.map(([name]) => name)).toEqual(
      expect.arrayContaining(['test', 'bench', 'soak', 'fuzz', 'prove', 'prove:floods']),
    );
    expect(long.filter(([, text]) => !/^exec (env \S+ )?node scripts\/run\.js /.test(text))).toEqual([]);
    expect(Object.entries(scripts).filter(([, text]) => !text.startsWith('exec '))).toEqual([]);
  });

  it('ends as its command did, and ends what that left behind', async () => {
    const { process: child, output } = run('sleep 1000 & echo $!; exit 3');
    expect(await exitOf(child)).toEqual({ code: 3, signal: null });
    expect(isRunning(Number(output.text))).toBe(false);
    expect(await exitOf(run('kill -KILL $$').process)).toEqual({ code: null, signal: 'SIGKILL' });
    expect(
      await exitOf(start([process.execPath, 'scripts/run.js', 'no-such-command']).process),
    ).toMatchObject({ code: 1 });
  });

  it.each([
    'SIGTERM',
    'SIGINT',
    'SIGHUP',
  ] as const)('that gets %s ends also what it froze, and then by that signal', async (signal) => {
    const frozen = run('sleep 1000 & kill -STOP $!; echo begun; sleep 1000');
    const pids = await processesOf(frozen, 'begun');
    expect(pids.length).toBeGreaterThan(2);
    frozen.process.kill(signal);
    expect(await exitOf(frozen.process)).toEqual({ code: null, signal });
    await areGone(pids);
  });

  it('such as npm run prove takes its server along when npm gets SIGHUP', async () => {
    const proving = start(npm(11, 'run', 'prove', '--', '--seconds', '1000', '--redis', 'no'));
    const pids = await processesOf(proving, ' are connected ');
    expect(pids.length).toBeGreaterThan(5);
    proving.process.kill('SIGHUP');
    expect(await exitOf(proving.process)).toEqual({ code: null, signal: 'SIGHUP' });
    await areGone(pids);
  });
});
