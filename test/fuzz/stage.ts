import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRunning } from '../support/processes.js';
import { TestServer } from '../support/server.js';
import { forge } from '../support/tokens.js';
import { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';
import { Rows } from './rows.js';

const MONITOR = fileURLToPath(new URL('monitor.mjs', import.meta.url));

/** Where the sessions of one number, modulo the lanes, are played one after the other. */
export interface Lane {
  readonly alice: TestUser;
  readonly bob: TestUser;
  readonly group: number;
  readonly chat: number;
}

/** What a process wrote to this file, which is gone then. */
async function told(file: string): Promise<string> {
  const text = await until(() => readFile(file, 'utf8').catch(() => undefined));
  await rm(file);
  return text;
}

/** The same token in each run: it is a part of the inputs. */
function person(server: TestServer, id: number, name: string): TestUser {
  return new TestUser(server.url, forge({ alg: 'HS256' }, { sub: id }), id, name);
}

/** A turn of the event loop that took too long. */
export interface Late {
  readonly at: number;
  readonly delay: number;
  readonly ran: number;
  readonly waited: number;
  readonly stolen: number;
}

/** What a process says of itself; times in milliseconds, sizes in bytes. */
export interface Watch {
  readonly role: string;
  readonly max: number;
  readonly p99: number;
  readonly late: readonly Late[];
  readonly rss: number;
  readonly heapUsed: number;
  readonly descriptors: number;
}

/** The real server as a user starts it, each of its processes watched from inside, and beside it one that is idle. */
export class FuzzStage {
  readonly server: TestServer;
  readonly lanes: readonly Lane[];
  readonly #watches: string;
  readonly #control: ChildProcess;
  readonly #pids: Awaited<ReturnType<TestServer['pids']>>;

  private constructor(
    server: TestServer,
    lanes: readonly Lane[],
    watches: string,
    control: ChildProcess,
    pids: Awaited<ReturnType<TestServer['pids']>>,
  ) {
    this.server = server;
    this.lanes = lanes;
    this.#watches = watches;
    this.#pids = pids;
    this.#control = control;
  }

  static async open(lanes: number): Promise<FuzzStage> {
    const watches = await mkdtemp(join(tmpdir(), 'parley-fuzz-'));
    const env = { NODE_OPTIONS: `--import=${MONITOR}`, FUZZ_MONITOR: watches };
    const server = await TestServer.start({ env });
    const made: Lane[] = [];
    for (let n = 0; n < lanes; n++) {
      const [alice, bob] = [person(server, 2 * n + 1, 'Alice'), person(server, 2 * n + 2, 'Bob')];
      await alice.createProfile();
      await bob.createProfile();
      made.push({ alice, bob, group: await alice.groupWith(bob), chat: await alice.chatWith(bob) });
    }
    const control = spawn(process.execPath, [MONITOR, 'control'], {
      stdio: 'ignore',
      env: { FUZZ_MONITOR: watches, PATH: process.env['PATH'] },
    });
    await told(join(watches, `${control.pid}.json`));
    return new FuzzStage(server, made, watches, control, await server.pids());
  }

  /** What the lanes themselves have stored. */
  rowsOf(): Rows {
    const rows = new Rows();
    for (const { alice, bob } of this.lanes) {
      for (const { id, username, name } of [alice, bob]) rows.add('user', id, username, name, '', null);
      rows.add('chat', 'group', 'a group', '', alice.id, 2, null, null);
      rows.add('chat', 'private', '', '', alice.id, 2, null, null);
    }
    return rows;
  }

  get dataDir(): string {
    return this.server.dataDir;
  }

  /** A good and a bad token of a lane's first user. */
  tokenOf(lane: Lane, kind: 'good' | 'bad'): string {
    const token = forge({ alg: 'HS256' }, { sub: lane.alice.id, exp: 2 ** 31 });
    return kind === 'good' ? token : `${token.slice(0, -4)}AAAA`;
  }

  /** What each process of the server, and the control, saw since it was asked last. */
  async watch(): Promise<Watch[]> {
    const pids = [...this.#pids.workers, this.#pids.ledger, this.#control.pid ?? 0].filter((pid) => pid > 0);
    const watches: Watch[] = [];
    for (const pid of pids) {
      const file = join(this.#watches, `${pid}.json`);
      if (!isRunning(pid)) continue; // `leftovers` says so.
      process.kill(pid, 'SIGUSR2');
      const text = await told(file);
      const descriptors = (await readdir(`/proc/${pid}/fd`)).length;
      watches.push({ ...JSON.parse(text), descriptors });
    }
    return watches;
  }

  /** What is left behind, each as a sentence; nothing when all is well. */
  async leftovers(): Promise<string[]> {
    const pids = await this.server.pids();
    const temporary = await readdir(join(this.dataDir, 'tmp')).catch(() => []);
    const complaints = this.server.output
      .split('\n')
      .filter((line) => /"level":"(warn|error|fatal)"/.test(line))
      .filter((line) => !line.includes('"msg":"tokens were refused"')); // That much is asked for.
    return [
      ...(JSON.stringify(pids) === JSON.stringify(this.#pids)
        ? []
        : ['a process is not the one that was started']),
      ...temporary.map((file) => `the temporary folder holds ${file}`),
      ...complaints.slice(0, 20).map((line) => `the log says: ${line}`),
    ];
  }

  /** Stops the server. Its data folder is still there. */
  async end(): Promise<void> {
    await this.server.end();
  }

  async remove(): Promise<void> {
    this.#control.kill();
    await this.server.stop();
    await rm(this.#watches, { recursive: true, force: true });
  }
}
