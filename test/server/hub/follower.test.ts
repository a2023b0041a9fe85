import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/chat/entries.js';
import { Follower, type FollowerEvents } from '../../../src/server/hub/follower.js';
import { temporaryFolder } from '../../support/ledger.js';
import { overStore } from '../../support/over-store.js';
import { openSqlite } from '../../support/sqlite.js';
import { say, TestStore } from '../../support/store.js';

const PAGE_ENTRIES_MAX = 500;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: TestStore;
let chat: number;
let follower: Follower | undefined;

beforeEach(async () => {
  folder = await temporaryFolder();
  store = await TestStore.open(openSqlite, folder.path);
  chat = await store.group(1);
});
afterEach(async () => {
  follower?.close();
  store.close();
  await folder.remove();
});

/** Adds so many messages without a turn of the event loop, so that nobody follows meanwhile. */
async function grow(count: number): Promise<void> {
  const commands = Array.from({ length: count }, (_, n) => say(chat, 1, `message ${n}`));
  for (let from = 0; from < count; from += 2000) await store.run(...commands.slice(from, from + 2000));
}

const newest = () => store.read.newest() as number;
function fail(error: unknown): never {
  throw error;
}

/** Follows from the log's end on. */
function follow(
  pass: FollowerEvents['pass'],
  { read = store.read, failed = fail as FollowerEvents['failed'] } = {},
): Follower {
  return new Follower(read, newest(), {
    pass,
    failed,
    author: () => false,
    chat: () => false,
    partners: () => false,
  });
}

/** Passes ids on, and publishes nothing. */
const pass = (take: (id: number) => void) => (entry: Entry) => {
  take(entry.id);
  return 0;
};

describe('a follower', () => {
  it('passes no more than a page in a tick, however many ask for the end of the log in it', async () => {
    const passed: number[] = [];
    follower = follow(pass((id) => passed.push(id)));
    const begin = follower.position;
    await grow(10_000);
    expect(passed).toEqual([]);

    const { position } = follower;
    const seen = Array.from({ length: 20 }, () =>
      follower?.whenCaughtUp(() => [newest(), follower?.position, passed.length]),
    );
    expect(passed.length).toBeGreaterThan(0);
    expect(passed.length).toBeLessThanOrEqual(PAGE_ENTRIES_MAX);
    expect(position).toBe(begin);

    // And so in every tick that follows.
    for (let before = passed.length; passed.length < 10_000; before = passed.length) {
      await new Promise((resolve) => setImmediate(resolve));
      expect(passed.length - before).toBeLessThanOrEqual(2 * PAGE_ENTRIES_MAX); // The timer may be due besides.
    }
    expect(await Promise.all(seen)).toEqual(Array(20).fill([newest(), newest(), 10_000]));
    expect(passed).toEqual(Array.from({ length: 10_000 }, (_, n) => begin + 1 + n));
  });

  it('ends a page early when what was published in it is large', async () => {
    const passed: number[] = [];
    follower = follow((entry) => passed.push(entry.id) && 100 * 1024);
    await grow(10);
    const asked = follower.whenCaughtUp(() => passed.length);
    expect(passed).toHaveLength(3); // The third passes 256 KiB.
    expect(await asked).toBe(10);
    expect(passed).toEqual(Array.from({ length: 10 }, (_, n) => newest() - 9 + n));
  });

  it('ends a page early when what was read for it is large, also where nobody hears it', async () => {
    const passed: number[] = [];
    follower = follow(pass((id) => passed.push(id)));
    await store.run(...Array.from({ length: 400 }, () => say(chat, 1, 'x'.repeat(4096))));
    const asked = follower.whenCaughtUp(() => passed.length);
    expect(passed.length).toBeGreaterThan(0);
    expect(passed.length * 4096).toBeLessThanOrEqual(2 * 256 * 1024);
    expect(await asked).toBe(400);
  });

  it('answers at once when no more than a page is new', async () => {
    follower = follow(() => 0);
    await grow(PAGE_ENTRIES_MAX);
    expect(follower.whenCaughtUp(() => follower?.position)).toBe(newest());
  });

  it('tells its owner when an entry cannot be passed on, and repeats none that was', async () => {
    const broken = new Error('this entry cannot be passed on');
    const passed: number[] = [];
    const failures: unknown[] = [];
    const begin = newest();
    follower = follow(
      pass((id) => {
        if (id === begin + 3) throw broken;
        passed.push(id);
      }),
      { failed: (error) => failures.push(error) },
    );
    await grow(5);
    let used = 0;
    const ask = () => follower?.whenCaughtUp(() => (used += 1));
    expect(ask).toThrow(broken);
    expect(failures).toEqual([broken]);
    // In life the process has ended; whatever is called before it has must not repeat what was heard.
    for (let again = 0; again < 3; again++) expect(ask).toThrow(broken);
    expect(passed).toEqual([begin + 1, begin + 2]);
    expect(follower.position).toBe(begin + 2);
    expect(used).toBe(0);
  });

  it('tells its owner when the log cannot be read', async () => {
    const broken = new Error('this log cannot be read');
    const failures: unknown[] = [];
    const read = overStore(store.read, { log: () => fail(broken) });
    follower = follow(() => 0, { read, failed: (error) => failures.push(error) });
    await grow(1);
    expect(() => follower?.whenCaughtUp(() => undefined)).toThrow(broken);
    expect(failures).toEqual([broken]);
  });
});
