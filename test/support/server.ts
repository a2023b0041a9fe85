import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import { inject } from 'vitest';
import { LIMITS_OFF } from '../../src/chat/limits.js';
import { watch } from './leaks.js';
import { childrenByRole } from './processes.js';
import { TestUser } from './user.js';
import { until } from './wait.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
export const SECRET = 'a secret for tests that is long enough for HS256';

export interface ServerOptions {
  readonly workers?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Kept after the stop when given; otherwise a temporary folder. */
  readonly dataDir?: string;
  /** A command that runs the program, such as one that gives it a disk of its own. */
  readonly through?: readonly string[];
  /** Another build than dist/. */
  readonly main?: string;
  /** A file for all that the process tree writes, which others may read too. */
  readonly log?: string;
}

/** What a process tree wrote so far. */
interface Output {
  readonly text: string;
}

/**
 * Users of a file that shares a server have ids from a range of their own: over any that a test takes for unknown, and
 * under 10^12, from where on subjects are mapped to ids.
 */
const SHARED_IDS_MIN = 1_000_000_000;
const IDS_PER_FILE = 1_000_000;

interface Parts {
  /** Undefined where the process tree is not this file's. */
  readonly process: ChildProcess | undefined;
  readonly pid: number;
  readonly output: Output;
  readonly port: number;
  readonly dataDir: string;
  readonly ownDir: boolean;
}

/** The real process tree, on a free port and a folder of its own. */
export class TestServer {
  readonly port: number;
  readonly dataDir: string;
  readonly pid: number;
  readonly #process: ChildProcess | undefined;
  readonly #output: Output;
  readonly #ownDir: boolean;
  static #nextUser = 1;

  /** Users are counted anew: another file begins, which may have the same process. */
  static forgetUsers(): void {
    TestServer.#nextUser = 1;
  }

  private constructor({ process, pid, output, port, dataDir, ownDir }: Parts) {
    this.#process = process;
    this.pid = pid;
    this.#output = output;
    this.port = port;
    this.dataDir = dataDir;
    this.#ownDir = ownDir;
  }

  static async start(options: ServerOptions = {}): Promise<TestServer> {
    const { workers = 2, env = {}, dataDir } = options;
    const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'parley-test-')));
    const settings = { WORKERS: String(workers), DATA_DIR: folder, JWT_SECRET: SECRET, ...env };
    const { process, output } = launch(settings, [], options);
    const port = await until(() => {
      if (process.exitCode !== null) throw new Error(`the server ended: ${output.text}`);
      return /listening on http:\/\/\S+:(\d+)/.exec(output.text)?.[1];
    });
    const ownDir = dataDir === undefined;
    return new TestServer({
      process,
      pid: process.pid ?? 0,
      output,
      port: Number(port),
      dataDir: folder,
      ownDir,
    });
  }

  /**
   * The server that all files share which need only default settings and two workers. Others talk to it at the same
   * time: a file makes its own users and chats, assumes no ids, and leaves the processes alone. `output` is what was
   * written since this was called, by anybody's doing; `stop` does nothing.
   */
  static async shared(): Promise<TestServer> {
    const { port, pid, dataDir, log, draws } = inject('sharedTree');
    TestServer.#nextUser = SHARED_IDS_MIN + drawFrom(draws) * IDS_PER_FILE;
    const output = outputIn(log, statSync(log).size);
    watch(output, [SECRET]);
    return new TestServer({ process: undefined, pid, output, port, dataDir, ownDir: false });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Everything that the process tree wrote so far. */
  get output(): string {
    return this.#output.text;
  }

  /** From here on nobody reads what the process tree writes. */
  closeOutput(): void {
    this.#ownProcess().stdout?.destroy();
    this.#ownProcess().stderr?.destroy();
  }

  /** The log's entries of one process: `primary`, `ledger`, `worker 1`, … */
  logOf(process: string): Record<string, unknown>[] {
    return this.output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((entry) => entry['process'] === process);
  }

  /** The processes that stopped when all that was under way was done. One that is killed at a deadline is not among them. */
  stoppedInOrder(): string[] {
    const said = this.output.matchAll(/"process":"(ledger|worker \d+)".*"msg":"stopped"/g);
    return [...said].map(([, name = '']) => name).sort();
  }

  /** The ids of the tree's processes by role, read from the system. */
  async pids(): Promise<{ ledger: number; workers: number[] }> {
    return childrenByRole(this.pid);
  }

  /** Kills a process of the tree that is there, or will be in a moment. Resolves to its id. */
  async kill(role: 'ledger' | 'worker'): Promise<number> {
    this.#ownProcess(); // No other may be harmed.
    // 0 is nobody's id: it would be this whole process group.
    const pid = await until(async () => {
      const { ledger, workers } = await this.pids();
      return (role === 'ledger' ? ledger : workers[0]) || undefined;
    });
    process.kill(pid, 'SIGKILL');
    return pid;
  }

  /** A signed token with these claims. */
  token(sub: string | number, claims: Record<string, unknown> = {}, secret = SECRET): Promise<string> {
    return new SignJWT({ sub, ...claims } as Record<string, unknown>)
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuedAt()
      .sign(Buffer.from(secret));
  }

  /** A new user with a profile, of an id that no other user of this file has. */
  async user(name: string): Promise<TestUser> {
    const user = await this.stranger(name);
    await user.createProfile();
    return user;
  }

  /** A valid token without a profile. */
  async stranger(name: string): Promise<TestUser> {
    const id = TestServer.#nextUser++;
    return new TestUser(this.url, await this.token(id), id, name);
  }

  /** Sends a signal to the primary and resolves to how it ended. */
  async end(
    signal: NodeJS.Signals = 'SIGTERM',
  ): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const process = this.#ownProcess();
    const ended = exitOf(process);
    if (process.exitCode === null && process.signalCode === null) process.kill(signal);
    return ended;
  }

  /** Stops the server and removes its folder. */
  async stop(): Promise<void> {
    if (this.#process === undefined) return;
    await this.end();
    if (this.#ownDir) await rm(this.dataDir, { recursive: true, force: true });
  }

  /** Errors: the process tree is shared. */
  #ownProcess(): ChildProcess {
    if (this.#process === undefined) throw new Error('other test files talk to this server too');
    return this.#process;
  }
}

/** A number that nobody else has drawn here. */
function drawFrom(folder: string): number {
  for (let number = 1; ; number++) {
    try {
      mkdirSync(join(folder, String(number)));
      return number;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** What stands in a file from this byte on. */
function outputIn(file: string, start = 0): Output {
  return {
    get text() {
      return readFileSync(file).toString('utf8', start);
    },
  };
}

/** Runs the built program with these settings and no others; sockets end at once when it drains, and no limit is on. */
export function launch(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  { through = [], main = MAIN, log }: Pick<ServerOptions, 'through' | 'main' | 'log'> = {},
): { process: ChildProcess; output: Output } {
  const [command = process.execPath, ...rest] = [...through, process.execPath, main, ...args];
  const to = log === undefined ? 'pipe' : openSync(log, 'a');
  const child = spawn(command, rest, {
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: '0',
      HOST: '127.0.0.1',
      DRAIN_SPREAD_MS: '0',
      ...LIMITS_OFF,
      ...env,
    },
    stdio: ['ignore', to, to],
  });
  if (typeof to === 'number') closeSync(to);
  const output = log === undefined ? outputOf(child) : outputIn(log);
  // A command of the command line is there to show a token.
  if (args.length === 0 || args[0] === 'ledger' || args[0] === 'worker') watch(output, secretsOf(child, env));
  return { process: child, output };
}

function outputOf({ stdout, stderr }: ChildProcess): Output {
  const output = { text: '' };
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output.text += text;
    });
  }
  return output;
}

/** What must stay secret of these settings; when the process ends, also the secret that it may have made. */
function secretsOf(child: ChildProcess, env: Readonly<Record<string, string>>): readonly string[] {
  const { JWT_SECRET = '', REDIS_URL, DATA_DIR = '' } = env;
  const secrets = [JWT_SECRET, REDIS_URL === undefined ? '' : new URL(REDIS_URL).password];
  child.once('exit', () => {
    const file = join(DATA_DIR, 'jwt.secret');
    if (existsSync(file)) secrets.push(readFileSync(file, 'utf8').trim());
  });
  return secrets;
}

/** Resolves when the process has ended and its output is read. */
export function exitOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve({ code: child.exitCode, signal: child.signalCode });
    } else {
      child.once('close', (code, signal) => resolve({ code, signal }));
    }
  });
}
