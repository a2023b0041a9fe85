import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Overload } from '../../src/ledger/overload.js';
import type { LinkClient } from '../../src/link/client.js';
import { linkPath } from '../../src/link/protocol.js';
import { Follower } from '../../src/server/hub/follower.js';
import type { LogPage, ReadStore } from '../../src/store/read-store.js';
import { openReadStore } from '../../src/store/sqlite/read/read-store.js';
import { connectLink, TestLedger, temporaryFolder } from '../support/ledger.js';
import { overStore } from '../support/over-store.js';
import { until } from '../support/wait.js';

describe('an overload', () => {
  let overload: Overload;
  beforeEach(() => {
    overload = new Overload();
  });

  it('is not when nobody follows, or everybody is at the end', () => {
    overload.committed(1, 0);
    expect(overload.refuses(10_000)).toBe(false);
    overload.report('a', 1, 10_000);
    overload.report('b', 1, 10_000);
    expect(overload.refuses(10_000)).toBe(false);
  });

  it('begins when the slowest worker is over 2 s behind, and ends when it is under 1 s', () => {
    for (let n = 1; n <= 50; n++) overload.committed(n, n * 100); // Entry n at n × 100 ms.
    const behind = (ms: number) => {
      overload.report('fast', 50, 5000);
      overload.report('slow', (5000 - ms) / 100 - 1, 5000);
      return overload.refuses(5000);
    };
    expect([1900, 2000, 2100, 2000, 1500, 1000].map(behind)).toEqual([false, false, true, true, true, true]);
    expect([900, 1500, 2000, 2100].map(behind)).toEqual([false, false, false, true]);
    expect(behind(0)).toBe(false);
  });

  it('counts the age of the oldest entry that was not passed, however long nothing was said', () => {
    overload.committed(1, 0);
    overload.report('a', 1, 100);
    overload.committed(2, 60_000);
    overload.report('a', 1, 60_100);
    expect(overload.refuses(60_100)).toBe(false);
    overload.report('a', 1, 61_101);
    overload.report('a', 1, 62_101);
    expect(overload.refuses(62_101)).toBe(true);
    overload.report('a', 2, 62_200);
    expect(overload.refuses(62_200)).toBe(false);
  });

  it('is not made by a worker that is frozen, or gone', () => {
    overload.committed(1, 0);
    for (const now of [2750, 3000]) {
      for (const worker of ['frozen', 'gone']) overload.report(worker, 0, now);
    }
    expect(overload.refuses(3000)).toBe(true);
    overload.report('other', 1, 3900);
    overload.forget('gone');
    expect(overload.refuses(4000)).toBe(true);
    expect(overload.refuses(4001)).toBe(false);
    overload.report('frozen', 0, 5000); // It goes on, and may catch up …
    expect(overload.refuses(5000)).toBe(false);
    overload.report('frozen', 0, 5250); // … but is behind indeed.
    expect(overload.refuses(5250)).toBe(true);
  });

  it('stays exact to 50 ms over a million commits, and small', () => {
    for (let n = 1; n <= 1_000_000; n++) overload.committed(n, n / 100);
    for (const now of [9750, 10_000]) overload.report('a', 1_000_000 - 195_000, now);
    expect(overload.refuses(10_000)).toBe(false);
    overload.report('a', 1_000_000 - 205_000, 10_000);
    expect(overload.refuses(10_000)).toBe(true);
  });
});

it('a worker that does not follow yet says nothing of how far it is', async () => {
  const folder = await temporaryFolder();
  const ledger = await TestLedger.start(folder.path);
  const reported: [string, number][] = [];
  ledger.overload.report = (worker, position) => reported.push([worker, position]);
  let position: number | undefined;
  const starting = await connectLink(folder.path, linkPath(folder.path), () => position);
  const serving = await connectLink(folder.path);
  try {
    await until(() => reported.length >= 2); // The starting one would have been heard before.
    expect(reported.filter(([worker]) => worker === starting.worker)).toEqual([]);
    position = 7;
    await until(() => reported.some(([worker]) => worker === starting.worker));
    expect(reported.find(([worker]) => worker === starting.worker)).toEqual([starting.worker, 7]);
  } finally {
    for (const link of [starting, serving]) link.close();
    await ledger.stop();
    await folder.remove();
  }
});

/** How often a worker looks at the log, and its link says how far it has come: here when the test says so. */
const LOOK_EVERY_MS = 250;

describe('a ledger with a worker that cannot follow', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let ledger: TestLedger;
  const links: LinkClient[] = [];
  let store: ReadStore;
  let follower: Follower;
  let held: boolean;
  let passed: number;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    folder = await temporaryFolder();
    ledger = await TestLedger.start(folder.path);
    store = openReadStore(folder.path);
    held = false;
    passed = 0;
    // A store that gives nothing for as long as it is held.
    const nothing: LogPage = {
      ...{
        entries: [],
        more: false,
        users: new Map(),
        chats: new Map(),
        partners: new Map(),
        quotes: new Map(),
      },
    };
    const slow = overStore(store, { log: (...page) => (held ? nothing : store.log(...page)) });
    follower = new Follower(slow, 0, {
      pass: () => (passed += 1),
      author: () => false,
      chat: () => false,
      partners: () => false,
      failed: fail,
    });
    links.push(await connectLink(folder.path));
    links.push(await connectLink(folder.path, linkPath(folder.path), () => follower.position));
  });
  afterEach(async () => {
    follower.close();
    for (const link of links.splice(0)) link.close();
    await ledger.stop();
    store.close();
    await folder.remove();
    vi.useRealTimers();
  });

  it('refuses new messages, nothing else, until it has caught up', async () => {
    const [link, following] = links;
    if (link === undefined || following === undefined) throw new Error('no link');
    await link.submit('create_user', { caller: { id: 1 }, username: 'a', name: 'A', description: '' });
    const group = { actor: 1, name: 'g', description: '', users: [] };
    const { id: chatId } = await link.submit('create_group', group);
    let count = 0;
    const say = () => link.submit('post_message', { chatId, authorId: 1, text: `message ${count++}` });
    await say();
    /** Lets the time pass until the next look and report; says something when the report has come to the ledger. */
    const sayLater = async () => {
      vi.advanceTimersByTime(LOOK_EVERY_MS);
      await following.submit('create_group', group);
      return say();
    };
    await sayLater();
    expect(follower.position).toBeGreaterThan(0);

    held = true;
    await say();
    for (let ms = LOOK_EVERY_MS; ms <= 2000; ms += LOOK_EVERY_MS) await sayLater();
    await expect(sayLater()).rejects.toMatchObject({ code: 'overloaded', details: { retry_after_ms: 1000 } });
    await link.submit('create_group', group);

    held = false;
    await sayLater().catch(() => undefined); // The report may have been sent before the look.
    const { id } = await sayLater();
    vi.advanceTimersByTime(LOOK_EVERY_MS);
    await until(() => follower.position === id);
    expect(passed).toBe(store.newest());
  });
});

function fail(error: unknown): never {
  throw error;
}
