import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watch } from './leaks.js';
import { exitOf } from './server.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PM2 = join(ROOT, 'node_modules', '.bin', 'pm2');
/** Ends the daemon, which is in no process group of the tests, when the process of the tests is gone. */
const GUARD = `
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => undefined);
  process.stdin.resume().on('end', () => require('node:child_process').spawnSync(process.argv[1], ['kill']));
`;

/** One process as pm2 lists it. */
export interface Listed {
  readonly name: string;
  readonly pid: number;
  readonly status: string;
  readonly restarts: number;
}

/** A pm2 of the test's own: its daemon lives in a folder of its own, and ends with `kill`. */
export class Pm2 {
  readonly #home: string;
  readonly #env: Readonly<Record<string, string>>;
  #guard: ChildProcess | undefined;

  constructor(home: string, env: Readonly<Record<string, string>>) {
    this.#home = home;
    this.#env = env;
  }

  /** Runs a command as at a terminal, in the project's folder. Resolves to its output; rejects when it fails. */
  async run(...args: string[]): Promise<string> {
    const env = { PATH: process.env['PATH'] ?? '', HOME: this.#home, PM2_HOME: this.#home, ...this.#env };
    this.#guard ??= spawn(process.execPath, ['-e', GUARD, PM2], { env, stdio: ['pipe', 'ignore', 'ignore'] });
    const child = spawn(PM2, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const { code } = await exitOf(child);
    if (code !== 0) throw new Error(`pm2 ${args.join(' ')}: ${output}`);
    return output;
  }

  /** The processes of these apps, or of all. */
  async list(name?: string): Promise<Listed[]> {
    const output = await this.run('jlist');
    const listed = JSON.parse(output.slice(output.indexOf('['))) as {
      name: string;
      pid: number;
      pm2_env: { status: string; restart_time: number };
    }[];
    return listed
      .map(({ name, pid, pm2_env: { status, restart_time: restarts } }) => ({ name, pid, status, restarts }))
      .filter((process) => name === undefined || process.name === name);
  }

  async pids(name?: string): Promise<number[]> {
    return (await this.list(name)).map(({ pid }) => pid);
  }

  /** What the apps wrote. */
  async logs(): Promise<string> {
    const folder = join(this.#home, 'logs');
    const texts = (await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8'));
    return (await Promise.all(texts)).join('');
  }

  get daemonPid(): number {
    return Number(readFileSync(join(this.#home, 'pm2.pid'), 'utf8'));
  }

  /** Ends everything, the daemon too. */
  async kill(): Promise<void> {
    await this.run('kill');
    this.#guard?.kill('SIGKILL');
    watch({ text: await this.logs() }, [this.#env['JWT_SECRET'] ?? '']);
  }
}
