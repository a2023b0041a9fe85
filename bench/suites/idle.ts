import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Connections } from '../load/connections.js';
import type { DialectName } from '../load/dialects.js';
import type { SocketPlan } from '../load/plan.js';
import type { Metrics } from '../measure/measurement.js';
import { privateBytes } from '../measure/processes.js';
import { startParley, tokenOf, withDataDir } from '../targets/parley.js';
import { startEngine } from '../targets/peers.js';
import { populate } from '../targets/population.js';
import type { Target } from '../targets/target.js';
import { alternate, type Subject, type Suite } from './suite.js';

const SUITE = 'idle';
const CONNECTING_MAX = 50;
const LOOK_EVERY_MS = 500;
const COLLECTING_MS = 1500;
const NODE = [
  '--max-semi-space-size=1',
  '--import',
  fileURLToPath(new URL('../targets/collector.js', import.meta.url)),
];
/** Settled: in the looks of this time nothing changed by more than this. */
const STABLE_MS = 3000;
const STABLE_BYTES = 256 * 1024;

interface Sizes {
  /** Sockets that are open when the first look is taken … */
  readonly first: number;
  /** … and when the last is. */
  readonly all: number;
  readonly settleMsMax: number;
}

interface Kind {
  readonly name: string;
  readonly dialect: DialectName;
  /** Members of each chat, all connected; none for `main` sockets. */
  readonly perChat?: number;
}

const KINDS: readonly Kind[] = [
  { name: 'chat sockets, 2 a chat', dialect: 'parley', perChat: 2 },
  { name: 'chat sockets, 100 a chat', dialect: 'parley', perChat: 100 },
  { name: 'main sockets', dialect: 'parley main' },
];

/**
 * Memory for each open socket that does nothing: what the processes hold for themselves alone (private pages, as the
 * system counts them; buffers of the kernel are not in it) with some sockets, and with many more; the difference is
 * divided by the sockets that came between. So code, caches' fixed parts and what the first sockets made the heap
 * grow by are left out. All processes count, since the ledger keeps the chats that each worker listens to. Every
 * socket is another user's, with a token of its own.
 *
 * `bytes_per_socket` is what is left when all garbage is collected, which the bench demands with a signal.
 * `settled_bytes_per_socket` is what is there before that, when nothing has changed for a while: V8 collects what
 * connecting left behind when it thinks fit, so this one differs from run to run. Its young generation, up to 48 MB
 * a process whoever runs in it, is held at 3 MB: it grows while sockets connect, and does not shrink again for long.
 */
export const idle: Suite = async function* (effort) {
  if (effort.quick) return; // Of few sockets, the heap's own noise is larger than they are.
  const sizes = { first: 2000, all: 10_000, settleMsMax: 15_000 };
  const parameters = { first: sizes.first, sockets: sizes.all };
  const engine: Subject = {
    suite: SUITE,
    name: 'sockets',
    target: 'engine',
    parameters,
    trial: () => engineTrial(sizes),
  };
  const parley = KINDS.map((kind): Subject => {
    const trial = () => parleyTrial(kind, sizes);
    return {
      suite: SUITE,
      name: kind.name,
      target: 'parley',
      parameters: { ...parameters, workers: 1 },
      trial,
    };
  });
  yield* await alternate(effort, [engine, ...parley]);
};

async function engineTrial(sizes: Sizes): Promise<Metrics> {
  const target = await startEngine(NODE);
  const sockets = Array.from({ length: sizes.all }, (_, index) => {
    const chat = Math.floor(index / 2);
    return { path: `/room/${chat}`, chat, sends: false };
  });
  return measure(target, 'plain', sockets, sizes);
}

function parleyTrial({ dialect, perChat }: Kind, sizes: Sizes): Promise<Metrics> {
  return withDataDir(async (dataDir) => {
    const users = Array.from({ length: sizes.all }, (_, index) => index + 1);
    const chats = perChat === undefined ? [] : groupsOf(users, perChat);
    const { groups } = await populate(dataDir, sizes.all, chats);
    const sockets = await Promise.all(
      users.map(async (user, index): Promise<SocketPlan> => {
        const chat = perChat === undefined ? 0 : (groups[Math.floor(index / perChat)]?.id ?? 0);
        const path = perChat === undefined ? '/api/v1/main' : `/api/v1/group/${chat}`;
        return { path, token: await tokenOf(user), chat, sends: false };
      }),
    );
    const target = await startParley({ workers: 1, dataDir, node: NODE });
    return measure(target, dialect, sockets, sizes);
  });
}

async function measure(
  target: Target,
  dialect: DialectName,
  sockets: readonly SocketPlan[],
  { first, all, settleMsMax }: Sizes,
): Promise<Metrics> {
  const connections = new Connections(target);
  try {
    await connections.open(dialect, sockets.slice(0, first), CONNECTING_MAX);
    const before = await look(target, settleMsMax);
    await connections.open(dialect, sockets.slice(first), CONNECTING_MAX);
    const after = await look(target, settleMsMax);
    await connections.close(); // Says whether all were open until here.
    return {
      bytes_per_socket: (after.collected - before.collected) / (all - first),
      settled_bytes_per_socket: (after.settled - before.settled) / (all - first),
    };
  } finally {
    connections.stop();
    await target.stop();
  }
}

async function look(target: Target, msMax: number): Promise<{ settled: number; collected: number }> {
  const settled = await settledBytes(target, msMax);
  for (const pid of target.pids()) process.kill(pid, 'SIGUSR2');
  await sleep(COLLECTING_MS);
  return { settled, collected: privateBytes(target.pids()) };
}

/** What the server holds when that has stopped changing, or when the time is up. */
async function settledBytes(target: Target, msMax: number): Promise<number> {
  const deadline = performance.now() + msMax;
  let stable = { bytes: 0, since: 0 };
  for (;;) {
    const bytes = privateBytes(target.pids());
    const now = performance.now();
    if (Math.abs(bytes - stable.bytes) > STABLE_BYTES) stable = { bytes, since: now };
    if (now >= deadline || now - stable.since >= STABLE_MS) return bytes;
    await sleep(LOOK_EVERY_MS);
  }
}

function groupsOf(users: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(users.length / size) }, (_, index) =>
    users.slice(index * size, (index + 1) * size),
  );
}
