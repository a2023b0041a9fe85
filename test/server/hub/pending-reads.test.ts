import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Follower, type FollowerEvents } from '../../../src/server/hub/follower.js';
import type { ReadStore } from '../../../src/store/read-store.js';
import { HeldStore } from '../../support/held-store.js';
import { temporaryFolder } from '../../support/ledger.js';
import { overStore } from '../../support/over-store.js';
import { openSqlite } from '../../support/sqlite.js';
import { say, TestStore } from '../../support/store.js';
import { turns } from '../../support/wait.js';

/** Reads over a store that answers when the test says so, while nobody looks at the log by a timer. */
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: TestStore;
let chat: number;
let follower: Follower;
const passed: number[] = [];
const failures: unknown[] = [];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] });
  folder = await temporaryFolder();
  store = await TestStore.open(openSqlite, folder.path);
  chat = await store.group(2);
  passed.length = 0;
  failures.length = 0;
});
afterEach(async () => {
  follower.close();
  store.close();
  vi.useRealTimers();
  await folder.remove();
});

function follow(read: ReadStore, events: Partial<FollowerEvents> = {}): void {
  follower = new Follower(read, store.read.newest() as number, {
    pass: ({ id }) => passed.push(id) && 0,
    author: () => false,
    chat: () => false,
    partners: () => false,
    failed: (error) => failures.push(error),
    ...events,
  });
}

const post = (text = 'a message') => store.run(say(chat, 1, text));
const rename = (name: string) => store.ok('update_group', { actor: 1, groupId: chat, name });

/** Reads the group's name; what became of it is in `seen`. */
function readName(read: ReadStore) {
  const seen: { name?: string | undefined; position?: number; error?: unknown } = {};
  follower.readSoon(
    () => read.chatFor(chat, 1),
    (found) => Object.assign(seen, { name: found?.name, position: follower.position }),
    (error) => Object.assign(seen, { error }),
  );
  return seen;
}

it('a reader is answered at the position of the answer, after one look at the log', async () => {
  const held = new HeldStore(store.read, ['log', 'chatFor']);
  follow(held.read);
  await rename('new');
  const end = await store.newest();
  const seen = readName(held.read);
  await turns();
  await held.answer('log');
  expect(follower.position).toBe(end);
  await held.answer('chatFor');
  expect(seen).toEqual({ name: 'new', position: end });
  expect(held.asked).toEqual(['log', 'chatFor']);
});

it('an answer that is old when it comes is asked for again', async () => {
  const held = new HeldStore(store.read, ['chatFor']);
  follow(held.read);
  const seen = readName(held.read);
  await turns();
  await rename('at the answer');
  const at = await store.newest();
  // The first answer is old by the time it comes, since the follower has passed the change.
  await follower.whenCaughtUp(() => undefined);
  await held.answer('chatFor');
  expect(seen).toEqual({});
  await held.answer('chatFor');
  expect(seen).toEqual({ name: 'at the answer', position: at });
  expect(held.asked).toEqual(['chatFor', 'chatFor']);
});

it('an answer that is ahead waits until the log is followed to it, and is acted on before the next entry', async () => {
  const held = new HeldStore(store.read, ['log', 'chatFor']);
  follow(held.read);
  const begin = follower.position;
  const first = readName(held.read);
  await turns();
  await rename('one');
  await held.answer('log'); // It was asked for before, and is empty.
  await rename('two'); // The answer is as of `one`.
  await post();
  await held.answer('chatFor');
  expect(first).toEqual({});
  expect(follower.position).toBe(begin);
  await held.answer('log');
  expect(first).toEqual({ name: 'one', position: begin + 1 });
  expect(follower.position).toBe(begin + 3);
});

it('a reader is answered also when the log grows faster than the store answers', async () => {
  const held = new HeldStore(store.read, ['chatFor']);
  follow(held.read);
  const seen = readName(held.read);
  for (let n = 0; n < 20 && seen.name === undefined; n++) {
    await turns();
    await rename(`name ${n}`);
    follower.hint(Number.MAX_SAFE_INTEGER);
    await turns();
    await held.answer('chatFor');
  }
  expect(seen.name).toBeDefined();
  expect(held.asked.length).toBeLessThanOrEqual(3);
  // The log is followed again.
  await turns();
  expect(follower.position).toBe(await store.newest());
});

it('a hint that comes while a page is on its way is looked at', async () => {
  const held = new HeldStore(store.read, ['log']);
  follow(held.read);
  await post();
  follower.hint(Number.MAX_SAFE_INTEGER);
  await turns();
  await post();
  const end = await store.newest();
  follower.hint(end);
  await turns();
  await held.answer('log');
  expect(follower.position).toBe(end - 1);
  await held.answer('log');
  expect(follower.position).toBe(end);
});

it('a message of a chat that is deleted since does not stop the log', async () => {
  const held = new HeldStore(store.read, ['log']);
  follow(held.read, { chat: () => true, partners: () => true });
  await post();
  await store.ok('delete_group', { actor: 1, groupId: chat });
  follower.hint(Number.MAX_SAFE_INTEGER);
  await turns();
  await held.answer('log');
  expect(follower.position).toBe(await store.newest());
});

it('a message whose author is lacking only since the page was asked for is read again with its author', async () => {
  const held = new HeldStore(store.read, ['log']);
  let isLacking = false;
  const brought: boolean[] = [];
  follow(held.read, {
    author: () => isLacking,
    pass: ({ id }, { users }) => {
      passed.push(id);
      brought.push(users.has(1));
      return 0;
    },
  });
  await post();
  await post();
  follower.hint(Number.MAX_SAFE_INTEGER);
  await turns();
  isLacking = true;
  await held.answer('log');
  expect(passed).toEqual([]);
  await held.answer('log');
  expect(brought).toEqual([true, true]);
});

it('whoever waits when the follower is closed is refused, and the owner hears of no failure', async () => {
  const held = new HeldStore(store.read, ['log', 'chatFor']);
  follow(held.read);
  const loading = readName(held.read);
  await turns();
  await held.answer('log');
  await rename('ahead');
  const ahead = readName(held.read);
  await turns();
  await held.answer('log');
  const waiting = readName(held.read);
  const promised = follower.read(
    () => held.read.chatFor(chat, 1),
    () => undefined,
  );
  const outcome = Promise.resolve(promised).catch((error) => error);
  follower.close();
  const later = readName(held.read);
  await turns();
  await held.answer('chatFor');
  await held.answer('log');
  const unavailable = { code: 'unavailable' };
  for (const seen of [loading, ahead, waiting, later]) expect(seen).toMatchObject({ error: unavailable });
  expect(await outcome).toMatchObject(unavailable);
  expect(() => follower.whenCaughtUp(() => undefined)).toThrow(expect.objectContaining(unavailable));
  expect(passed.length).toBeLessThanOrEqual(1);
  expect(failures).toEqual([]);
});

it('whoever waits when the log cannot be read later is refused with that, and the owner hears of it once', async () => {
  const broken = new Error('this log cannot be read');
  let fail: (error: unknown) => void = () => undefined;
  const page = new Promise<never>((_, reject) => {
    fail = reject;
  });
  follow(overStore(store.read, { log: () => page }));
  const seen = readName(store.read);
  await turns();
  fail(broken);
  await turns();
  expect(seen).toEqual({ error: broken });
  expect(failures).toEqual([broken]);
  expect(() => follower.whenCaughtUp(() => undefined)).toThrow(broken);
});
