import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Typing } from '../../src/link/bus.js';
import type { RedisHints } from '../../src/link/redis/hints.js';
import type { RedisBus } from '../../src/link/redis/redis-bus.js';
import { freePort } from '../../src/process/port.js';
import { Ticks } from '../support/measure.js';
import { TestRedis } from '../support/redis.js';
import { openBus, openHints, Said } from '../support/redis-bus.js';
import { until } from '../support/wait.js';

const HEARTBEAT_MS = 1000;
/** Three that are missed, the one that was under way, and the one that is due when it is noticed. */
const HEARTBEATS_MAX = 5;
/** A hundred signals and one piece of subscriptions, with the heartbeat. */
const BUS_WAITING_MAX = 104;
const MANY = 50_000;
const CHATS = [5, 6, 7];

let port: number;
let redis: TestRedis | undefined;
let bus: RedisBus;
let ledger: RedisHints;
let worker: Said;
let ledgers: Said;
let newest: number[];
let typing: Typing[];

/** Links a worker and a ledger, whether Redis is there or not. */
async function open(): Promise<void> {
  const url = `redis://127.0.0.1:${port}`;
  [worker, ledgers] = [new Said(), new Said()];
  bus = await openBus(url, { logger: worker });
  ledger = await openHints(url, { logger: ledgers });
  [newest, typing] = [[], []];
  bus.onNewest((id) => newest.push(id));
  bus.onTyping((signal) => typing.push(signal));
  for (const chatId of CHATS) bus.subscribe(chatId);
}

let next = 1;
const signal = (chatId: number): Typing => {
  return { chatId, userId: 7, on: true, worker: 'someone', sequence: next++, position: 3 };
};

/** Resolves when hints, and the typing of every chat, come through. */
async function linked(): Promise<void> {
  const from = next++;
  typing.length = 0;
  await until(() => {
    ledger.hint(next++);
    for (const chatId of CHATS) bus.publish(signal(chatId));
    const heard = new Set(typing.map(({ chatId }) => chatId));
    return (newest.at(-1) ?? 0) > from && CHATS.every((chatId) => heard.has(chatId));
  });
}

const wrong = /^warn Redis at redis:\/\/127\.0\.0\.1:\d+ cannot be used \(.+\)/;
const well = /^info Redis at redis:\/\/127\.0\.0\.1:\d+ links/;

/** Expects both sides to have logged these lines, and nothing else. */
async function bothSay(...lines: RegExp[]): Promise<void> {
  for (const said of [worker, ledgers]) {
    await until(() => said.lines.length >= lines.length).catch(() => undefined);
    expect(said.lines).toEqual(lines.map((line) => expect.stringMatching(line)));
  }
}

beforeEach(async () => {
  port = await freePort();
});
afterEach(async () => {
  bus.close();
  ledger.close();
  await redis?.stop();
  redis = undefined;
});

describe('a Redis', () => {
  it('that is not there at first is said to be missing, once, and used when it comes', async () => {
    await open();
    await bothSay(wrong);
    ledger.hint(1);
    bus.publish(signal(5));
    expect([bus.pending, ledger.pending]).toEqual([0, 0]);
    redis = await TestRedis.start({}, port);
    await linked();
    await bothSay(wrong, well);
  });

  it('that dies is said to be gone, once, and used when it is back', async () => {
    redis = await TestRedis.start({}, port);
    await open();
    await bothSay(well);
    await redis.kill();
    await bothSay(well, wrong);
    for (let n = 0; n < MANY; n++) {
      ledger.hint(next++);
      bus.publish(signal(5));
      bus.subscribe(1000 + n);
      bus.unsubscribe(1000 + n);
    }
    expect([bus.pending, ledger.pending]).toEqual([0, 0]);
    bus.unsubscribe(6);
    await redis.restart();
    bus.subscribe(6);
    await linked();
    expect(await redis.channels()).toHaveLength(CHATS.length + 1);
    await bothSay(well, wrong, well);
  });

  it('that freezes is noticed after three heartbeats, keeps nobody waiting, and is used again when it goes on', async () => {
    redis = await TestRedis.start({}, port);
    await open();
    await linked();
    await bothSay(well);
    redis.freeze();
    const heartbeats = new Ticks(HEARTBEAT_MS);
    // A listener that has nothing to say notices too.
    await until(() => worker.lines.length > 1);
    heartbeats.stop();
    expect(heartbeats.count).toBeLessThanOrEqual(HEARTBEATS_MAX);
    ledger.hint(next++);
    await bothSay(well, wrong);
    redis.thaw();
    await linked();
    await bothSay(well, wrong, well);
  });

  it('that freezes makes nothing grow, however much there is to say', async () => {
    redis = await TestRedis.start({}, port);
    await open();
    await linked();
    await bothSay(well);
    redis.freeze();
    const before = process.memoryUsage();
    let most = 0;
    let said = 0;
    for (let tick = 0; worker.lines.length < 2 || ledgers.lines.length < 2 || said < MANY; tick++) {
      for (let n = 0; n < 100; n++, said++) {
        ledger.hint(next++);
        bus.publish(signal(5));
        if (tick % 2 === 0) bus.subscribe(1000 + tick + n);
        else bus.unsubscribe(999 + tick + n);
      }
      most = Math.max(most, bus.pending);
      expect(ledger.pending).toBeLessThan(2);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(said).toBeGreaterThanOrEqual(MANY);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(BUS_WAITING_MAX);
    const grown = process.memoryUsage().rss - before.rss;
    expect(grown).toBeLessThan(64 * 1024 * 1024);
    redis.thaw();
    await linked();
  });

  it('that is left on purpose is not complained of', async () => {
    redis = await TestRedis.start({}, port);
    await open();
    await linked();
    await bothSay(well);
    redis.freeze();
    bus.publish(signal(5));
    bus.subscribe(8);
    ledger.hint(next++);
    await until(() => bus.pending > 1 && ledger.pending > 0);
    bus.close();
    ledger.close();
    await until(() => bus.pending + ledger.pending === 0);
    await bothSay(well);
  });

  it('that cuts its listeners is listened to again', async () => {
    redis = await TestRedis.start({}, port);
    await open();
    await linked();
    for (let round = 0; round < 5; round++) {
      await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await linked();
    }
  });

  it('that cuts a listener for being slow is listened to again', async () => {
    redis = await TestRedis.start({ args: ['--client-output-buffer-limit', 'pubsub 65536 0 0'] }, port);
    await open();
    await linked();
    await bothSay(well);
    // A script publishes faster than anybody can read: Redis sends nothing until it is over.
    const flood = `for i = 1, 20000 do redis.call('publish', KEYS[1], i) end`;
    await redis.command('EVAL', flood, 1, 'parley:a-database:log');
    await until(() => worker.lines.length > 1);
    expect(worker.lines[1]).toMatch(wrong);
    await linked();
    await until(() => worker.lines.length > 2);
    expect(worker.lines[2]).toMatch(well);
  });

  it('that is only there for moments at a time is not complained of each time', async () => {
    redis = await TestRedis.start({}, port);
    await open();
    await bothSay(well);
    for (let round = 0; round < 4; round++) {
      await redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await until(async () => (await redis?.channels())?.length === CHATS.length + 1);
    }
    await linked();
    await bothSay(well, wrong, well);
  });
});
