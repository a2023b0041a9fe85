import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/chat/entries.js';
import type { Message } from '../../../src/chat/messages.js';
import { LinkClient } from '../../../src/link/client.js';
import { linkPath } from '../../../src/link/protocol.js';
import { Follower } from '../../../src/server/hub/follower.js';
import type { LogPage, ReadStore } from '../../../src/store/read-store.js';
import { TestLedger, temporaryFolder } from '../../support/ledger.js';
import { overStore } from '../../support/over-store.js';
import { openSqlite } from '../../support/sqlite.js';
import { say, TestStore } from '../../support/store.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

/** The messages in the log after a position. */
function messagesAfter(read: ReadStore, after: number): Message[] {
  const lacks = { author: () => false, chat: () => false, partners: () => false };
  const { entries } = read.log(after, { max: 100, maxBytes: 1e6 }, lacks) as LogPage;
  return entries.filter((entry) => entry.kind === 'message');
}

describe('a follower that is told entries', () => {
  let store: TestStore;
  let follower: Follower;
  let begin: number;
  let log: Message[];
  let passed: Entry[];
  let read: number[];

  beforeEach(async () => {
    store = await TestStore.open(openSqlite, folder.path);
    const chat = await store.group(1);
    begin = store.read.newest() as number;
    passed = [];
    read = [];
    const watched = overStore(store.read, {
      log: (...page) => {
        const found = store.read.log(...page) as LogPage;
        read.push(...found.entries.map(({ id }) => id - begin));
        return found;
      },
    });
    follower = new Follower(watched, begin, {
      pass: (entry) => {
        passed.push(entry);
        return 0;
      },
      author: () => false,
      chat: () => false,
      partners: () => false,
      failed: (error) => {
        throw error;
      },
    });
    await store.run(...Array.from({ length: 20 }, (_, n) => say(chat, 1, `message ${n}`)));
    log = messagesAfter(store.read, begin);
  });
  afterEach(() => {
    follower.close();
    store.close();
  });

  const run = (from: number, to: number) => log.slice(from - 1, to);
  const atEnd = () => follower.whenCaughtUp(() => follower.position - begin);
  const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

  it.each([
    { told: 'all of the log', runs: [[1, 20]], reads: [] },
    { told: 'its beginning', runs: [[1, 7]], reads: numbers(8, 20) },
    { told: 'its end', runs: [[15, 20]], reads: numbers(1, 14) },
    {
      told: 'runs with others between them',
      runs: [
        [2, 5],
        [6, 9],
        [12, 13],
      ],
      reads: [1, 10, 11, ...numbers(14, 20)],
    },
    {
      told: 'something again, and something late',
      runs: [
        [5, 9],
        [5, 9],
        [1, 3],
        [8, 12],
      ],
      reads: [...numbers(1, 4), ...numbers(10, 20)],
    },
  ])('$told: passes each entry once, in order, and reads only the others', ({ runs, reads }) => {
    for (const [from = 0, to = 0] of runs) follower.prefetch(run(from, to));
    expect(atEnd()).toBe(20);
    expect(passed).toEqual(log);
    expect(read).toEqual(reads);
  });

  it('takes none that it has passed already', () => {
    expect(atEnd()).toBe(20);
    follower.prefetch(run(3, 8));
    expect(atEnd()).toBe(20);
    expect(passed).toEqual(log);
  });

  it('goes on in the middle of a run whose beginning it has passed by itself', async () => {
    expect(atEnd()).toBe(20);
    await store.run(...Array.from({ length: 5 }, (_, n) => say(run(1, 1)[0]?.chatId ?? 0, 1, `more ${n}`)));
    log = messagesAfter(store.read, begin);
    follower.prefetch(run(18, 25)); // Begins at what was passed: read instead.
    follower.prefetch(run(22, 25));
    expect(atEnd()).toBe(25);
    expect(passed).toEqual(log);
  });

  it('is not led astray by one that is far ahead', () => {
    follower.prefetch([{ ...(log[0] as Message), id: begin + 1000 }]);
    expect(atEnd()).toBe(20);
    expect(passed).toEqual(log);
  });
});

describe("what the ledger's answer tells a worker", () => {
  const texts = [
    'plain',
    'Grüße 👩‍👩‍👧‍👦 שלום',
    'nul \0 and \u001f',
    '"quoted" \\ back',
    '\u2028\u2029',
    'x'.repeat(8192),
  ];

  it('is each entry just as the store has it', async () => {
    const ledger = await TestLedger.start(folder.path);
    const stored: Message[] = [];
    const link = new LinkClient({
      path: linkPath(folder.path),
      accept: () => undefined,
      fatal: (error) => {
        throw error;
      },
      warn: () => undefined,
      position: () => undefined,
      prefetched: (entries) => stored.push(...entries),
    });
    await link.connect();
    await link.submit('create_user', { caller: { id: 1 }, username: 'a', name: 'A', description: '' });
    const group = { actor: 1, name: 'g', description: '', users: [] };
    const { id: chatId } = await link.submit('create_group', group);
    expect(stored).toEqual([]);

    const post = (text: string, clientId?: string) =>
      link.submit('post_message', { chatId, authorId: 1, text, clientId });
    await Promise.all(texts.flatMap((text, n) => [post(text), post(text, `c${n}`)]));
    const repeated = await Promise.all([post('new'), post('again', 'c0')]); // Not all of it is new.
    expect(repeated[1]).toHaveProperty('duplicate');
    await post('last');

    const { read, close } = await openSqlite(folder.path);
    const expected = messagesAfter(read, 0).filter(({ text }) => text !== 'new');
    close();
    expect(stored).toEqual(expected);
    expect(stored).toHaveLength(2 * texts.length + 1);
    link.close();
    await ledger.stop();
  });
});
