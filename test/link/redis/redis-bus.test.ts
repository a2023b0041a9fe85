import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Typing } from '../../../src/link/bus.js';
import type { RedisBus } from '../../../src/link/redis/redis-bus.js';
import { TestRedis } from '../../support/redis.js';
import { openBus, openHints, Said } from '../../support/redis-bus.js';
import { until } from '../../support/wait.js';
import { busContract } from '../bus-contract.js';

let redis: TestRedis;
beforeAll(async () => {
  redis = await TestRedis.start();
});
afterAll(() => redis.stop());

busContract('Redis Pub/Sub', async () => {
  const members = await Promise.all([openBus(redis.url), openBus(redis.url), openBus(redis.url)]);
  const ledger = await openHints(redis.url);
  const log = ['PUBSUB', 'NUMSUB', 'parley:a-database:log'] as const;
  await until(async () => ((await redis.command(...log)) as [string, number])[1] === members.length);
  return {
    members: members as [RedisBus, RedisBus, RedisBus],
    hint: (newest) => ledger.hint(newest),
    close: async () => {
      for (const part of [...members, ledger]) part.close();
    },
  };
});

type Options = Parameters<typeof openBus>[1];

/** Opens a worker's and a ledger's side until the test is over, and collects what the worker hears. */
async function link(url: string, options?: Options) {
  const bus = await openBus(url, options);
  const ledger = await openHints(url, options);
  const newest: number[] = [];
  const typing: Typing[] = [];
  bus.onNewest((id) => newest.push(id));
  bus.onTyping((signal) => typing.push(signal));
  onTestFinished(() => {
    bus.close();
    ledger.close();
  });
  return { bus, ledger, newest, typing };
}

const typing = (chatId: number, sequence = 1): Typing => {
  return { chatId, userId: 7, on: true, worker: 'someone', sequence, position: 3 };
};

/** Sends hints until one is heard, because the first may come before the subscription. */
async function expectLinked({ bus, ledger, newest }: Awaited<ReturnType<typeof link>>): Promise<void> {
  let id = 1000;
  await until(() => {
    if (newest.length === 0) ledger.hint(++id);
    return newest.at(-1) === id;
  });
  expect(bus.pending).toBeLessThan(3);
}

describe('the channels', () => {
  it('are those that somebody needs, and no others', async () => {
    const own = await TestRedis.start();
    onTestFinished(() => own.stop());
    const { bus } = await link(own.url, { prefix: 'p:', databaseId: 'd' });
    await until(async () => (await own.channels()).length === 1);
    expect(await own.channels()).toEqual(['p:d:log']);
    for (const id of [3, 4, 5]) bus.subscribe(id);
    bus.unsubscribe(4);
    await until(async () => (await own.channels()).length === 3);
    expect(await own.channels()).toEqual(['p:d:chat:3', 'p:d:chat:5', 'p:d:log']);
    bus.unsubscribe(3);
    bus.unsubscribe(5);
    await until(async () => (await own.channels()).length === 1);
    bus.close();
    await until(async () => (await own.channels()).length === 0);
  });

  it('are subscribed to by the thousand, in pieces, and all again after the connection broke', async () => {
    const own = await TestRedis.start();
    onTestFinished(() => own.stop());
    const { bus } = await link(own.url);
    const count = 20_000;
    for (let id = 1; id <= count; id++) bus.subscribe(id);
    const subscribed = async (channels: number) => (await own.channels()).length === channels;
    await until(() => subscribed(count + 1));
    for (let id = 1; id <= count; id += 2) bus.unsubscribe(id);
    await own.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    for (let id = count + 1; id <= count + 10; id++) bus.subscribe(id);
    await until(() => subscribed(count / 2 + 11));
  });

  it.each<[string, Options]>([
    ['another prefix', { prefix: 'other:' }],
    ['another database', { databaseId: 'another-database' }],
  ])('of %s are not heard', async (_what, options) => {
    const ours = await link(redis.url);
    const theirs = await link(redis.url, options);
    await Promise.all([expectLinked(ours), expectLinked(theirs)]);
    ours.newest.length = 0;
    for (const { bus } of [ours, theirs]) bus.subscribe(5);
    await until(() => {
      theirs.ledger.hint(2000 + theirs.newest.length);
      theirs.bus.publish(typing(5));
      return theirs.newest.length > 5 && theirs.typing.length > 5;
    });
    ours.bus.publish(typing(5, 2));
    await until(() => ours.typing.length > 0);
    expect(ours.typing).toEqual([typing(5, 2)]);
    expect(ours.newest).toEqual([]);
  });
});

describe('a hint', () => {
  it('is the newest id and nothing else', async () => {
    const linked = await link(redis.url, { databaseId: 'one-id' });
    await expectLinked(linked);
    const seen: [string, string][] = [];
    const { Redis } = await import('ioredis');
    const listener = new Redis(redis.url);
    onTestFinished(() => listener.disconnect());
    listener.on('message', (channel, payload) => seen.push([channel, payload]));
    await listener.subscribe('parley:one-id:log');
    linked.ledger.hint(123_456);
    await until(() => seen.length > 0);
    expect(seen).toEqual([['parley:one-id:log', '123456']]);
  });

  it('takes no more than one command at a time: of many, the first and the newest leave', async () => {
    const linked = await link(redis.url);
    await expectLinked(linked);
    linked.newest.length = 0;
    for (let id = 10_001; id <= 20_000; id++) linked.ledger.hint(id);
    expect(linked.ledger.pending).toBe(1);
    await until(() => linked.newest.at(-1) === 20_000);
    expect(linked.newest).toEqual([10_001, 20_000]);
  });
});

describe('what is not ours', () => {
  const publish = (channel: string, payload: string) => redis.command('PUBLISH', channel, payload);

  it('is dropped, and said once', async () => {
    const said = new Said();
    const databaseId = 'with-strangers';
    const { bus, newest, typing: heard } = await link(redis.url, { databaseId, logger: said });
    bus.subscribe(5);
    await until(async () => (await redis.channels()).includes(`parley:${databaseId}:chat:5`));
    const log = `parley:${databaseId}:log`;
    for (const hint of [
      '',
      '-1',
      '1.5',
      '1e3',
      '0x10',
      ' 7',
      '9007199254740992',
      'NaN',
      '7\n',
      '7'.repeat(600),
    ]) {
      await publish(log, hint);
    }
    const signal = typing(5);
    const strange: unknown[] = [
      'no JSON',
      { ...signal, chatId: 6 },
      { ...signal, chatId: '5' },
      { ...signal, userId: 0 },
      { ...signal, on: 1 },
      { ...signal, worker: '' },
      { ...signal, worker: 'x'.repeat(65) },
      { ...signal, sequence: -1 },
      { ...signal, position: 1.5 },
      { ...signal, text: 'more' },
      [signal],
      null,
      5,
    ];
    for (const payload of strange) {
      await publish(
        `parley:${databaseId}:chat:5`,
        typeof payload === 'string' ? payload : JSON.stringify(payload),
      );
    }
    await publish(log, '0');
    await publish(log, '42');
    await publish(`parley:${databaseId}:chat:5`, JSON.stringify(signal));
    await until(() => heard.length > 0);
    expect(heard).toEqual([signal]);
    expect(newest).toEqual([0, 42]);
    const warnings = said.lines.filter((line) => line.startsWith('warn'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/another program publishes to parley:with-strangers:log/);
  });
});

describe('a Redis that wants to know who it is', () => {
  it('may refuse one half and grant the other, which the log says once', async () => {
    const acl = 'listener on >pass resetchannels &parley:* -@all +subscribe +unsubscribe'.split(' ');
    const own = await TestRedis.start({ args: ['--user', ...acl] });
    onTestFinished(() => own.stop());
    const said = new Said();
    const bus = await openBus(`redis://listener:pass@127.0.0.1:${own.port}`, { logger: said });
    onTestFinished(() => bus.close());
    const newest: number[] = [];
    bus.onNewest((id) => newest.push(id));
    await until(() => {
      bus.publish(typing(5));
      return said.lines.length > 0;
    });
    await until(async () => {
      await own.command('PUBLISH', 'parley:a-database:log', '7');
      return newest.length > 0;
    });
    expect(said.lines).toEqual([expect.stringMatching(/^warn .*cannot be used \(NOPERM .*publish/)]);
  });

  const ACL = 'chat on >pa@ss resetchannels &parley:* -@all +subscribe +unsubscribe +publish'.split(' ');

  it.each<[string, { args: string[]; login: string }]>([
    ['a password', { args: ['--requirepass', 'pa@ss'], login: ':pa%40ss@' }],
    ['a user who may only do what is needed', { args: ['--user', ...ACL], login: 'chat:pa%40ss@' }],
  ])('is told %s', async (_what, settings) => {
    const own = await TestRedis.start(settings);
    onTestFinished(() => own.stop());
    const linked = await link(own.url);
    await expectLinked(linked);
    linked.bus.subscribe(5);
    await until(() => {
      linked.bus.publish(typing(5));
      return linked.typing.length > 0;
    });
  });

  it.each([
    ['the password is wrong', ':hunter2@', /WRONGPASS/],
    ['there is none', '', /NOAUTH/],
  ])('refuses when %s, which the log says once, without the password', async (_what, login, why) => {
    const own = await TestRedis.start({ args: ['--requirepass', 'pa@ss'], login: ':pa%40ss@' });
    onTestFinished(() => own.stop());
    const said = new Said();
    const bus = await openBus(`redis://${login}127.0.0.1:${own.port}`, { logger: said });
    onTestFinished(() => bus.close());
    const attempts = async () => {
      const stats = String(await own.command('INFO', 'stats'));
      return Number(/total_connections_received:(\d+)/.exec(stats)?.[1]);
    };
    const before = await attempts();
    let looks = 0;
    await until(async () => (await attempts()) > before + ++looks + 10);
    expect(said.lines).toHaveLength(1);
    expect(said.lines[0]).toMatch(/^warn Redis at redis:\/\/127\.0\.0\.1:\d+ cannot be used/);
    expect(said.lines[0]).toMatch(why);
    expect(said.lines[0]).not.toContain('hunter2');
    expect(bus.pending).toBeLessThan(3);
  });
});
