import { setTimeout as sleep } from 'node:timers/promises';
import { Connections, type Opened } from '../load/connections.js';
import type { SocketPlan } from '../load/plan.js';
import type { Metrics } from '../measure/measurement.js';
import { startParley, tokenOf, withDataDir } from '../targets/parley.js';
import { startEngine } from '../targets/peers.js';
import { openWriter, type Population, populate, writeMessages } from '../targets/population.js';
import type { Target } from '../targets/target.js';
import { alternate, type Effort, type Subject, type Suite } from './suite.js';

const SUITE = 'connect';
const HISTORY = 100;
const MISSED = 10_000;
const AT_ONCE = 20;
/** Connections that are made at the same time: the server always has some before it. */
const CONNECTING_MAX = 50;
/** The server hears of closed sockets before the clock runs again. */
const CLOSING_MS = 300;

/** The sockets of the groups. Most groups have two members and a page of messages; some have all the missed messages. */
interface Prepared {
  /** The sockets by chat, then by member. */
  readonly sockets: readonly (readonly SocketPlan[])[];
  readonly resuming: readonly (readonly SocketPlan[])[];
}

interface Sizes {
  readonly chats: number;
  /** How many of these chats have members who connect again. */
  readonly seenChats: number;
  /** How many of these chats warm up the processes where everything else is to be cold. */
  readonly warmUpChats: number;
  readonly resumingChats: number;
}

/**
 * Connections a second, each of which is sent the newest 100 messages and then live; the bare engine's, which sends
 * a few bytes instead, are the limit. And sockets that resume where they missed 10,000 messages.
 */
export const connect: Suite = async function* (effort) {
  const sizes = effort.quick
    ? { chats: 1000, seenChats: 500, warmUpChats: 300, resumingChats: 5 }
    : { chats: 3000, seenChats: 1000, warmUpChats: 500, resumingChats: 10 };
  yield* await withDataDir(async (dataDir) => {
    const population = await prepare(dataDir, sizes);
    const parley = (
      name: string,
      parameters: Subject['parameters'],
      run: (connections: Connections) => Promise<Metrics>,
    ): Subject => ({
      suite: SUITE,
      name,
      target: 'parley',
      parameters: { workers: 1, ...parameters },
      trial: () => withConnections(() => startParley({ workers: 1, dataDir }), run),
    });
    const seen = population.sockets.slice(0, sizes.seenChats).flat();
    const rooms = seen.map(({ chat, sends }) => ({ path: `/room/${chat}`, chat, sends }));
    return alternate(effort, [
      {
        suite: SUITE,
        name: 'connect',
        target: 'engine',
        parameters: { sockets: seen.length },
        trial: () =>
          withConnections(startEngine, (connections) => again(connections, 'plain', rooms, 0, effort)),
      },
      parley('connect, token seen, hot chat', { sockets: seen.length, history: HISTORY }, (connections) =>
        again(connections, 'parley', seen, HISTORY, effort),
      ),
      parley(
        'connect, all cold',
        { sockets: sizes.chats - sizes.warmUpChats, history: HISTORY },
        (connections) => cold(connections, population.sockets, sizes),
      ),
      parley('resume, one at a time', { missed: MISSED }, (connections) =>
        resumeAlone(connections, population),
      ),
      parley('resume, at once', { missed: MISSED, sockets: AT_ONCE }, (connections) =>
        resumeAtOnce(connections, population),
      ),
    ]);
  });
};

/** The same sockets are opened, closed and opened again; the first time is the warm-up. */
async function again(
  connections: Connections,
  dialect: 'parley' | 'plain',
  sockets: readonly SocketPlan[],
  history: number,
  { seconds }: Effort,
): Promise<Metrics> {
  let sum = { count: 0, seconds: 0, serverSeconds: 0, processorSeconds: 0 };
  for (let warm = false; sum.seconds < seconds; warm = true) {
    const opened = await connections.open(dialect, sockets, CONNECTING_MAX);
    expectMessages(opened, sockets.length * history);
    await connections.close();
    await sleep(CLOSING_MS);
    if (!warm) continue;
    sum = {
      count: sum.count + sockets.length,
      seconds: sum.seconds + opened.seconds,
      serverSeconds: sum.serverSeconds + opened.serverSeconds,
      processorSeconds: sum.processorSeconds + opened.processorSeconds,
    };
  }
  return perConnect(sum);
}

/**
 * Every token and every chat for the first time in this server's life. The database's pages are in the system's
 * memory, and the code has run before, with other tokens and chats.
 */
async function cold(
  connections: Connections,
  sockets: Prepared['sockets'],
  { warmUpChats }: Sizes,
): Promise<Metrics> {
  const firstOf = ([first]: readonly SocketPlan[]) => first ?? [];
  await connections.open('parley', sockets.slice(0, warmUpChats).flatMap(firstOf), CONNECTING_MAX);
  const measured = sockets.slice(warmUpChats).flatMap(firstOf);
  const opened = await connections.open('parley', measured, CONNECTING_MAX);
  expectMessages(opened, measured.length * HISTORY);
  await connections.close();
  return perConnect({ count: measured.length, ...opened });
}

/** One after the other, each in a chat that nobody has read; the first is the warm-up. */
async function resumeAlone(connections: Connections, { resuming }: Prepared): Promise<Metrics> {
  const [warmUp = [], ...measured] = resuming.map(([first]) => (first === undefined ? [] : [first]));
  await connections.open('parley', warmUp, 1);
  const opened = await connections.open('parley', measured.flat(), 1);
  await connections.close();
  return perMessage(opened, measured.length * MISSED);
}

/** Members of the same chat, at once; those of another chat are the warm-up. */
async function resumeAtOnce(connections: Connections, { resuming }: Prepared): Promise<Metrics> {
  const [warmUp = [], measured = []] = resuming;
  await connections.open('parley', warmUp, AT_ONCE);
  const opened = await connections.open('parley', measured, AT_ONCE);
  await connections.close();
  return perMessage(opened, measured.length * MISSED);
}

function perConnect({
  count,
  seconds,
  serverSeconds,
  processorSeconds,
}: { count: number; serverSeconds: number } & Pick<Opened, 'seconds' | 'processorSeconds'>): Metrics {
  return {
    connects_per_s: count / seconds,
    server_us_per_connect: (serverSeconds / count) * 1e6,
    load_us_per_connect: (processorSeconds / count) * 1e6,
  };
}

function perMessage(opened: Opened & { serverSeconds: number }, messages: number): Metrics {
  expectMessages(opened, messages);
  return {
    messages_per_s: messages / opened.seconds,
    bytes_per_s: opened.bytes / opened.seconds,
    server_us_per_message: (opened.serverSeconds / messages) * 1e6,
  };
}

function expectMessages({ messages }: Opened, expected: number): void {
  if (messages !== expected) throw new Error(`${messages} messages came with history, not ${expected}`);
}

async function withConnections(
  start: () => Promise<Target>,
  run: (connections: Connections) => Promise<Metrics>,
): Promise<Metrics> {
  const target = await start();
  const connections = new Connections(target);
  try {
    return await run(connections);
  } finally {
    connections.stop();
    await target.stop();
  }
}

async function prepare(dataDir: string, { chats, resumingChats }: Sizes): Promise<Prepared> {
  const pairs = Array.from({ length: chats }, (_, index) => [2 * index + 1, 2 * index + 2]);
  const resumers = Array.from({ length: AT_ONCE }, (_, index) => 2 * chats + 1 + index);
  const all = Array.from({ length: resumingChats }, () => resumers);
  const { groups } = await populate(dataDir, 2 * chats + AT_ONCE, [...pairs, ...all], HISTORY);
  const resumed = groups.slice(chats);
  const writer = openWriter(dataDir);
  try {
    await writeMessages(writer, { groups: resumed }, MISSED - HISTORY);
  } finally {
    writer.close();
  }
  return {
    sockets: await Promise.all(groups.slice(0, chats).map((group) => socketsIn(group, ''))),
    resuming: await Promise.all(resumed.map((group) => socketsIn(group, '?after=0'))),
  };
}

/** A socket for each member. */
function socketsIn({ id, members }: Population['groups'][number], query: string): Promise<SocketPlan[]> {
  return Promise.all(
    members.map(async (userId) => ({
      path: `/api/v1/group/${id}${query}`,
      token: await tokenOf(userId),
      chat: id,
      sends: false,
    })),
  );
}
