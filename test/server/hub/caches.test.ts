import { beforeEach, describe, expect, it } from 'vitest';
import type { Chat } from '../../../src/chat/chats.js';
import type { Entry } from '../../../src/chat/entries.js';
import type { Message } from '../../../src/chat/messages.js';
import type { User } from '../../../src/chat/users.js';
import { Caches } from '../../../src/server/hub/caches.js';

const ALICE = 1;
const BOB = 2;
const PAIR = 10;
const GROUP = 11;

const user = (id: number, name = `User ${id}`): User => ({
  id,
  username: `user-${id}`,
  name,
  description: '',
  photo: null,
  readReceipts: true,
});
const chat = (id: number, name = ''): Chat => ({
  id,
  type: id === PAIR ? 'private' : 'group',
  name,
  description: '',
  photo: null,
  ownerId: ALICE,
  pair: id === PAIR ? [ALICE, BOB] : null,
  membersCount: 2,
});
const message = (id: number, chatId = GROUP, text = 'text'): Message => ({
  kind: 'message',
  id,
  chatId,
  authorId: ALICE,
  text,
  time: 0,
  clientId: null,
});
const users = (...all: User[]) => new Map(all.map((one) => [one.id, one]));

let caches: Caches;
/** Everything is remembered as of entry 100. */
beforeEach(() => {
  caches = new Caches();
  caches.passed({ kind: 'user_created', id: 100, time: 0, userId: ALICE }, users());
  caches.add({ users: users(user(ALICE), user(BOB)), chats: [chat(PAIR), chat(GROUP, 'group')] }, 100);
  caches.addSubject('alice', ALICE);
  caches.addNewest(message(90, PAIR));
  caches.addNewest(message(95, GROUP));
});

const remembered = () => ({
  alice: caches.hasUser(ALICE),
  bob: caches.hasUser(BOB),
  subject: caches.userOfSubject('alice') !== undefined,
  pair: caches.chat(PAIR) !== undefined,
  group: caches.chat(GROUP) !== undefined,
  pairNewest: caches.newestMessage(PAIR)?.id,
  groupNewest: caches.newestMessage(GROUP)?.id,
});
const ALL = {
  ...{ alice: true, bob: true, subject: true, pair: true, group: true },
  ...{ pairNewest: 90, groupNewest: 95 },
};

const base = { id: 101, time: 0 };
const inGroup = { ...base, chatId: GROUP, authorId: ALICE };
const effects: { readonly entry: Entry; readonly left: Partial<ReturnType<typeof remembered>> }[] = [
  { entry: message(101), left: { groupNewest: 101 } },
  { entry: { ...base, kind: 'user_created', userId: 3 }, left: {} },
  { entry: { ...base, kind: 'user_changed', userId: BOB }, left: {} },
  { entry: { ...base, kind: 'chat_opened', chatId: 12, authorId: ALICE, users: [ALICE, 3] }, left: {} },
  { entry: { ...base, kind: 'group_created', chatId: 12, authorId: ALICE, users: [ALICE] }, left: {} },
  { entry: { ...inGroup, kind: 'members_added', users: [3] }, left: { group: false } },
  { entry: { ...inGroup, kind: 'members_removed', users: [BOB] }, left: { group: false } },
  { entry: { ...inGroup, kind: 'group_changed' }, left: { group: false } },
  { entry: { ...inGroup, kind: 'group_deleted' }, left: { group: false, groupNewest: undefined } },
  { entry: { ...base, kind: 'tokens_revoked', claim: 'alice', before: 1 }, left: {} },
  {
    entry: { ...base, kind: 'unknown' },
    left: {
      ...{ alice: false, bob: false, subject: false, pair: false, group: false },
      ...{ pairNewest: undefined, groupNewest: undefined },
    },
  },
];

describe('an entry that passes', () => {
  it.each(effects)('of the kind $entry.kind leaves what it does not concern', ({ entry, left }) => {
    expect(remembered()).toEqual(ALL);
    caches.passed(entry, users(user(BOB)));
    expect(remembered()).toEqual({ ...ALL, ...left });
  });

  it('about a user who changed brings the user as they are', () => {
    const changed = { ...user(BOB, 'Bob "B"'), photo: 'b.png' };
    caches.passed({ ...base, kind: 'user_changed', userId: BOB }, users(changed));
    expect(caches.nameJson(BOB)).toBe('"Bob \\"B\\""');
    expect(caches.profile(BOB)?.photo).toBe('b.png');
    expect(JSON.parse(caches.profile(BOB)?.json ?? '')).toMatchObject({ id: BOB, name: 'Bob "B"' });
    expect(caches.nameJson(ALICE)).toBe('"User 1"');
  });

  it('about a user who is not remembered remembers nobody', () => {
    caches.passed({ ...base, kind: 'user_changed', userId: 3 }, users(user(3)));
    expect(caches.hasUser(3)).toBe(false);
    expect(caches.nameJson(3)).toBe('""');
  });

  it('with a message makes it the newest only where the newest is remembered', () => {
    caches.passed(message(101, 12), users());
    expect(caches.newestMessage(12)).toBeUndefined();
    caches.passed(message(102, PAIR), users());
    expect(caches.newestMessage(PAIR)?.id).toBe(102);
    caches.addNewest(message(104, PAIR));
    caches.passed(message(103, PAIR), users());
    expect(caches.newestMessage(PAIR)?.id).toBe(104);
  });
});

describe('an answer of the store', () => {
  it('that is ahead is remembered, and the entries up to it correct it', () => {
    caches.add({ users: users(user(3, 'ahead')), chats: [chat(12, 'ahead')] }, 103);
    expect([caches.nameJson(3), caches.chat(12)?.name]).toEqual(['"ahead"', 'ahead']);
    caches.passed({ ...base, kind: 'user_changed', userId: 3 }, users(user(3, 'then')));
    caches.passed({ ...inGroup, id: 102, chatId: 12, kind: 'group_changed' }, users());
    expect([caches.nameJson(3), caches.chat(12)]).toEqual(['"then"', undefined]);
  });

  it('that is older than an entry that passed is not remembered', () => {
    caches.passed({ ...inGroup, id: 105, kind: 'group_changed' }, users());
    caches.add({ users: users(user(3, 'old'), user(BOB, 'old')), chats: [chat(GROUP, 'old')] }, 104);
    expect(caches.hasUser(3)).toBe(false);
    expect(caches.nameJson(BOB)).toBe('"User 2"');
    expect(caches.chat(GROUP)).toBeUndefined();
    // Whoever asked gets the profile nonetheless.
    expect(caches.addUser(user(3, 'old'), 104).nameJson).toBe('"old"');
    expect(caches.hasUser(3)).toBe(false);
  });
});

it('newest messages with too much text are forgotten: those that nobody asked for', () => {
  const long = 'x'.repeat(4 * 1024 * 1024);
  for (const chatId of [1, 2, 3]) caches.addNewest(message(20, chatId, long));
  expect([1, 2, 3].filter((chatId) => caches.newestMessage(chatId) !== undefined)).toEqual([3]);
});
