import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../src/process/port.js';
import { historyOf, live, numbered, shownTo, textOf } from '../support/chat.js';
import { elapsedMs, smallestRatio } from '../support/measure.js';
import { TestRedis, TLS_FILES } from '../support/redis.js';
import { LyingProxy } from '../support/redis-proxy.js';
import { TestServer } from '../support/server.js';
import type { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

/** A server that waited for a Redis would take seconds to stop, and takes a tenth of one. */
const TIMES_MAX = 8;
const PROCESSES = ['ledger', 'worker 1', 'worker 2'] as const;

let redis: TestRedis | undefined;
let server: TestServer | undefined;
afterEach(async () => {
  await server?.stop();
  await redis?.stop();
  [server, redis] = [undefined, undefined];
});

async function start(url: string, env: Record<string, string> = {}): Promise<TestServer> {
  server = await TestServer.start({ workers: 2, env: { REDIS_URL: url, ...env } });
  return server;
}

/** What each process has said of Redis, as levels. */
function saidOfRedis(): string[][] {
  return PROCESSES.map((name) =>
    (server?.logOf(name) ?? [])
      .filter(({ msg }) => String(msg).startsWith('Redis at '))
      .map(({ level }) => String(level)),
  );
}

/** Every process has said exactly this. */
async function allSay(...levels: string[]): Promise<void> {
  await until(() => saidOfRedis().every((said) => said.length >= levels.length));
  expect(saidOfRedis()).toEqual(PROCESSES.map(() => levels));
}

interface Conversation {
  readonly alice: TestUser;
  readonly path: string;
  readonly sockets: readonly TestSocket[];
  readonly said: string[];
}

/** Alice, and Bob on both workers, in one group. */
async function converse({ user }: { user: (name: string) => Promise<TestUser> }): Promise<Conversation> {
  const [alice, bob] = [await user('Alice'), await user('Bob')];
  const path = `/group/${await alice.groupWith(bob)}`;
  const his = await bob.connectOnBoth(path);
  for (const socket of his) await socket.nextOf('history');
  const sockets = [await live(alice, path), ...his];
  return { alice, path, sockets, said: [] };
}

/** Alice says something, and everyone hears it. */
async function talk({ sockets, said }: Conversation, name: string, count = 20): Promise<void> {
  const [hers] = sockets as [TestSocket];
  for (const text of numbered(name, count)) {
    hers.says(text, text);
    said.push(text);
    for (const socket of sockets) await until(() => shownTo(socket).map(textOf).at(-1) === text);
  }
}

/** Everyone was shown everything, once, in order; and so is the history. */
async function expectAll({ alice, path, sockets, said }: Conversation): Promise<void> {
  for (const socket of sockets) expect(shownTo(socket).map(textOf)).toEqual(said);
  expect((await historyOf(alice, path)).map(textOf)).toEqual(said);
}
const starting = (from: TestServer) => ({ user: (name: string) => from.user(name) });

describe('a server with REDIS_URL', () => {
  it('starts and serves without a Redis, and uses it when it comes', async () => {
    const port = await freePort();
    const conversation = await converse(starting(await start(`redis://127.0.0.1:${port}`)));
    await talk(conversation, 'without');
    await allSay('warn');
    redis = await TestRedis.start({}, port);
    await allSay('warn', 'info');
    const channels = await redis.channels();
    expect(channels.map((name) => name.replace(/:[0-9a-f]{32}:/, ':<id>:'))).toEqual([
      `parley:<id>:chat:${conversation.path.split('/').at(-1)}`,
      'parley:<id>:log',
    ]);
    await talk(conversation, 'with');
    await expectAll(conversation);
  });

  it('goes on while Redis dies, comes back, freezes and cuts its listeners', async () => {
    redis = await TestRedis.start();
    const conversation = await converse(starting(await start(redis.url)));
    await allSay('info');
    await redis.kill();
    await talk(conversation, 'dead');
    await allSay('info', 'warn');
    await redis.restart();
    await allSay('info', 'warn', 'info');
    redis.freeze();
    let heardBefore = 0;
    await until(async () => {
      await talk(conversation, `frozen ${conversation.said.length}`, 5);
      if (saidOfRedis().every((said) => said.length === 3)) heardBefore += 5;
      return saidOfRedis().every((said) => said.length === 4);
    });
    // Nobody waits for a Redis that nobody knows to be frozen.
    expect(heardBefore).toBeGreaterThan(0);
    redis.thaw();
    await allSay('info', 'warn', 'info', 'warn', 'info');
    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await talk(conversation, 'cut');
    await until(async () => (await redis?.channels())?.length === 2);
    await expectAll(conversation);
  });

  it('goes on while what comes from Redis is lies', async () => {
    redis = await TestRedis.start();
    const proxy = await LyingProxy.start(redis.port);
    onTestFinished(() => proxy.stop());
    const conversation = await converse(starting(await start(proxy.url)));
    await allSay('info');
    let turn = 0;
    proxy.lie = (id) => {
      const lies = [[], [id, id], [String(Number(id) + 1e9)], ['-1', 'nonsense', ''], [id]];
      return lies[turn++ % lies.length] ?? [];
    };
    await talk(conversation, 'amid lies', 60);
    expect(proxy.lies).toBeGreaterThan(60);
    await expectAll(conversation);
    await allSay('info');
  });

  it('drains without waiting for a Redis that is frozen or dead', async () => {
    const stopMs = async (state: 'there' | 'frozen' | 'dead') => {
      redis = await TestRedis.start();
      const running = await start(redis.url);
      const conversation = await converse(starting(running));
      await allSay('info');
      if (state === 'frozen') redis.freeze();
      if (state === 'dead') await redis.kill();
      const [hers] = conversation.sockets as [TestSocket];
      hers.says('the last word');
      await hers.hears('the last word');
      const ms = await elapsedMs(async () => {
        expect(await running.end()).toEqual({ code: 0, signal: null });
      });
      expect(running.stoppedInOrder()).toEqual(PROCESSES);
      if (state === 'there') expect(saidOfRedis()).toEqual(PROCESSES.map(() => ['info']));
      await running.stop();
      await redis.stop();
      return ms;
    };
    const slowest = async () => Math.max(await stopMs('frozen'), await stopMs('dead'));
    const control = () => stopMs('there');
    const ratio = await smallestRatio({ measured: slowest, control, enough: TIMES_MAX, tries: 3 });
    expect(ratio).toBeLessThanOrEqual(TIMES_MAX);
  });

  it('keeps the password out of the log', async () => {
    redis = await TestRedis.start({ args: ['--requirepass', 'pa@ss'], login: ':pa%40ss@' });
    await start(`redis://:hunter2@127.0.0.1:${redis.port}`);
    await allSay('warn');
    expect(server?.output).toContain('WRONGPASS');
    expect(server?.output).not.toContain('hunter2');
  });
});

describe('a server whose Redis is well', () => {
  let redis: TestRedis;
  let server: TestServer;
  let conversation: Conversation;
  /** The channel of the conversation, and its chat. */
  let channel: string;
  let chatId: number;
  beforeAll(async () => {
    redis = await TestRedis.start();
    server = await TestServer.start({ workers: 2, env: { REDIS_URL: redis.url } });
  });
  beforeEach(async () => {
    conversation = await converse(starting(server));
    chatId = Number(conversation.path.split('/').at(-1));
    channel = await until(async () =>
      (await redis.channels()).find((name) => name.endsWith(`:chat:${chatId}`)),
    );
  });
  afterEach(async () => {
    for (const socket of conversation.sockets) await socket.close();
  });
  afterAll(async () => {
    await server.stop();
    await redis.stop();
  });

  it('shows typing once, though it comes by two ways', async () => {
    const [hers, ...his] = conversation.sockets as [TestSocket, ...TestSocket[]];
    const rounds = ['typing', 'stop_typing', 'typing', 'stop_typing'];
    for (const type of rounds) {
      hers.send({ type });
      for (const socket of his) await until(() => socket.frames.at(-1).type === type);
    }
    hers.says('done');
    for (const socket of his) await until(() => socket.frames.at(-1).type === 'message');
    for (const socket of his) expect(socket.frames.slice(1, -1).map(({ type }) => type)).toEqual(rounds);
  });

  it('publishes the newest id and who is typing, and nothing else', async () => {
    const { alice, sockets } = conversation;
    const seen: [string, string][] = [];
    const listener = new Redis(redis.url);
    onTestFinished(() => listener.disconnect());
    listener.on('pmessage', (_pattern, from: string, payload: string) => seen.push([from, payload]));
    await listener.psubscribe('*');
    const [hers] = sockets as [TestSocket];
    hers.says('a secret');
    const { id } = await hers.hears('a secret');
    hers.send({ type: 'typing' });
    await until(() => seen.length > 1);
    expect(seen.map(([from]) => from)).toEqual([channel.replace(/:chat:\d+$/, ':log'), channel]);
    expect(channel).toMatch(/^parley:[0-9a-f]{32}:chat:\d+$/);
    expect(seen[0]?.[1]).toBe(String(id));
    const signal = JSON.parse(seen[1]?.[1] ?? '');
    expect(signal).toMatchObject({ chatId, userId: alice.id, on: true, position: id });
    expect(Object.keys(signal)).toHaveLength(6);
  });

  it('shows typing that comes through Redis only when it is a member’s', async () => {
    const { alice, sockets } = conversation;
    const mallory = await server.user('Mallory');
    const forge = (userId: number) => {
      const signal = { chatId, userId, on: true, worker: 'elsewhere', sequence: 1, position: 0 };
      return redis.command('PUBLISH', channel, JSON.stringify(signal));
    };
    await forge(mallory.id);
    await forge(alice.id);
    for (const socket of sockets.slice(1)) {
      const shown = await socket.nextOf('typing');
      expect(shown.author).toEqual({ id: alice.id, name: 'Alice' });
    }
  });
});

describe('rediss://', () => {
  it('is TLS, to a Redis whose certificate is trusted', async () => {
    redis = await TestRedis.start({ tls: true });
    const conversation = await converse(
      starting(await start(redis.url, { NODE_EXTRA_CA_CERTS: TLS_FILES.cert })),
    );
    await allSay('info');
    await until(async () => (await redis?.channels())?.length === 2);
    await talk(conversation, 'over TLS');
    await expectAll(conversation);
  });

  it('is nothing to one whose certificate is not, and the log says why', async () => {
    redis = await TestRedis.start({ tls: true });
    const conversation = await converse(starting(await start(redis.url)));
    await allSay('warn');
    expect(server?.output).toMatch(/self-signed certificate/);
    await talk(conversation, 'without');
    expect(await redis.channels()).toEqual([]);
  });
});
