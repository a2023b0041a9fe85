import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LinkClient } from '../../../src/link/client.js';
import type { RedisHints } from '../../../src/link/redis/hints.js';
import type { RedisBus } from '../../../src/link/redis/redis-bus.js';
import { numbered, shownTo, textOf } from '../../support/chat.js';
import { connectLink, TestLedger, temporaryFolder } from '../../support/ledger.js';
import { TestRedis } from '../../support/redis.js';
import { openBus, openHints, Said } from '../../support/redis-bus.js';
import { type Lie, LyingProxy } from '../../support/redis-proxy.js';
import type { TestSocket } from '../../support/socket.js';
import { sign } from '../../support/tokens.js';
import { TestUser } from '../../support/user.js';
import { until } from '../../support/wait.js';
import { startWorker, type TestWorker } from '../../support/worker.js';

const MESSAGES = 300;
/** Without any hint, a worker looks at the log this often: here when the test says that the time has passed. */
const LOOK_EVERY_MS = 250;

let redis: TestRedis;
let proxy: LyingProxy;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ledger: TestLedger;
let hints: RedisHints;
let link: LinkClient;
let bus: RedisBus;
let said: Said;
let worker: TestWorker;
let chatId: number;
let sockets: TestSocket[];

/** A worker that hears nothing but what comes through Redis, and Redis through the proxy. */
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  redis = await TestRedis.start();
  proxy = await LyingProxy.start(redis.port);
  folder = await temporaryFolder();
  ledger = await TestLedger.start(folder.path);
  const { databaseId } = ledger.store;
  hints = await openHints(redis.url, { databaseId });
  ledger.onCommitted = (newest) => hints.hint(newest);
  link = await connectLink(folder.path);
  said = new Said();
  bus = await openBus(proxy.url, { databaseId, logger: said });
  worker = await startWorker(folder.path, bus, link);
  const alice = await person(1, 'Alice');
  const bob = await person(2, 'Bob');
  chatId = await alice.chatWith(bob);
  sockets = [await alice.connect(`/chat/${chatId}`), await bob.connect(`/chat/${chatId}`)];
  await until(async () => (await redis.channels()).includes(`parley:${databaseId}:chat:${chatId}`));
});
afterEach(async () => {
  worker.close();
  link.close();
  bus.close();
  hints.close();
  await ledger.stop();
  await folder.remove();
  await proxy.stop();
  await redis.stop();
  vi.useRealTimers();
});

async function person(id: number, name: string): Promise<TestUser> {
  const user = new TestUser(worker.url, await sign({ sub: String(id) }), id, name);
  await user.createProfile();
  return user;
}

const say = (text: string) => link.submit('post_message', { chatId, authorId: 1, text });

/** Says some messages one after the other, each when the one before was seen. No look shows them. */
async function sayHinted(): Promise<void> {
  const [socket] = sockets as [TestSocket];
  for (const text of numbered('hinted', 15)) {
    await say(text);
    await until(() => shownTo(socket).map(textOf).includes(text));
  }
}

describe('hints through Redis', () => {
  it('show a message without the look that needs none', async () => {
    await sayHinted();
    expect(proxy.lies).toBeGreaterThan(10);
  });

  it('are what does it: without them it takes a look', async () => {
    proxy.lie = () => [];
    const { id } = await say('looked for');
    await until(() => proxy.lies > 0);
    expect(worker.position()).toBeLessThan(id);
    vi.advanceTimersByTime(LOOK_EVERY_MS);
    expect(worker.position()).toBe(id);
  });
});

const held: string[] = [];
const random = (max: number) => Math.floor(Math.random() * max);
const noise = () => Buffer.from(Array.from({ length: random(64) }, () => random(256)));
const lies: Readonly<Record<string, Lie>> = {
  dropped: () => [],
  'dropped now and then': (id) => (random(3) === 0 ? [] : [id]),
  repeated: (id) => Array.from({ length: 5 }, () => id),
  reordered: (id) => {
    held.push(id);
    return held.length < 4 ? [] : held.splice(0).reverse();
  },
  delayed: (id) => new Promise((resolve) => setTimeout(() => resolve([id]), random(400))),
  invented: (id) => [String(Number(id) + 1_000_000), String(Number.MAX_SAFE_INTEGER), '0'],
  corrupted: (id) => [noise(), '-1', `${id}e3`, '', '1'.repeat(10_000), '{"id":1}'],
};

describe.each(Object.entries(lies))('when hints in Redis are %s', (_name, lie) => {
  it('every message arrives once, in order, and with the next look at the latest', async () => {
    proxy.lie = lie;
    const expected = numbered('message', MESSAGES);
    for (const [n, text] of expected.entries()) {
      const sent = say(text);
      if (n % 10 === 0) await sent;
    }
    const { id: last } = await say('the last');
    vi.advanceTimersByTime(LOOK_EVERY_MS);
    expect(worker.position()).toBe(last);
    for (const socket of sockets) {
      await until(() => shownTo(socket).length > MESSAGES);
      expect(shownTo(socket).map(textOf)).toEqual([...expected, 'the last']);
    }
    await until(() => proxy.lies > 0);
  });
});

describe('a Redis that speaks nonsense', () => {
  it.each([
    ['what is no protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['answers to nothing', '+OK\r\n:1\r\n$2\r\nhi\r\n'],
    ['messages of channels that nobody asked for', '>3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$1\r\n1\r\n'],
    ['messages without a channel', '>3\r\n$7\r\nmessage\r\n_\r\n_\r\n'],
  ])('is survived: %s', async (_what, bytes) => {
    proxy.say(bytes);
    const { id } = await say('after the nonsense');
    vi.advanceTimersByTime(LOOK_EVERY_MS);
    expect(worker.position()).toBe(id);
    // The bus may have to connect again, and what is said meanwhile has no hint.
    await until(async () => {
      const { id: next } = await say('once more');
      return until(() => worker.position() >= next, 500).catch(() => undefined);
    });
    await sayHinted();
    expect(said.lines.filter((line) => line.startsWith('warn')).length).toBeLessThanOrEqual(1);
  });
});
