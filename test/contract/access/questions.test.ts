import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RateLimiter } from '../../../src/chat/rate-limiter.js';
import { Hub } from '../../../src/server/hub/hub.js';
import { openReader } from '../../../src/store/sqlite/database.js';
import { type Profiles, profileQueries } from '../../../src/store/sqlite/read/profiles.js';
import { appender, superseder } from '../../../src/store/sqlite/write/append.js';
import { ChatWriteCache } from '../../../src/store/sqlite/write/chat-write-cache.js';
import { chatWriters } from '../../../src/store/sqlite/write/chats.js';
import { groupWriters } from '../../../src/store/sqlite/write/groups.js';
import { temporaryFolder } from '../../support/ledger.js';
import { MemoryHub } from '../../support/memory-bus.js';
import { openSqlite } from '../../support/sqlite.js';
import { TestStore } from '../../support/store.js';
import { FakeTopics } from '../../support/wire.js';

/**
 * What is there costs whoever may not see it the same questions to the store as what is not, so it cannot take another
 * time. (Who is, or was, in a chat of that id knows of it: one more question tells them nothing.)
 */
const [OWNER, MEMBER, REMOVED, STRANGER] = [1, 2, 3, 4];
const NOTHING = Number.MAX_SAFE_INTEGER;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: TestStore;
let hub: Hub;
let ids: Readonly<Record<'chat' | 'group' | 'gone', number>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  store = await TestStore.open(openSqlite, folder.path);
  const group = await store.group(4);
  await store.ok('remove_members', { actor: OWNER, groupId: group, users: [REMOVED, STRANGER] });
  const gone = await store.ok('create_group', {
    actor: OWNER,
    name: 'gone',
    description: '',
    users: [MEMBER],
  });
  await store.ok('delete_group', { actor: OWNER, groupId: gone.id });
  const chat = await store.ok('open_chat', { actor: OWNER, other: MEMBER });
  ids = { chat: chat.id, group, gone: gone.id };
  hub = await Hub.open(watched(store.read), new FakeTopics(), new MemoryHub().join(), (error) => {
    throw error;
  });
});
afterAll(async () => {
  hub.close();
  store.close();
  await folder.remove();
});

let asked: string[] = [];

/** The same, writing down what is asked. */
function watched<T extends object>(of: T): T {
  return new Proxy(of, {
    get(target, name) {
      const question: unknown = Reflect.get(target, name, target);
      if (typeof question !== 'function') return question;
      return (...args: unknown[]) => {
        asked.push(`${String(name)} ${args.join(' ')}`);
        return question.apply(target, args);
      };
    },
  });
}

/** What the store is asked while somebody is refused, with `it` for the id that they ask for. */
function questions(id: number, refused: () => void): string[] {
  asked = [];
  expect(refused).toThrow(/^There is no such (chat|group)\.$/);
  return asked.map((question) => question.replace(` ${id} `, ' it '));
}

const strangers = [
  ['a stranger, of a private chat', STRANGER, 'chat'],
  ['a stranger, of a group', STRANGER, 'group'],
  ['a stranger, of a deleted group', STRANGER, 'gone'],
  ['a removed member, of the group', REMOVED, 'group'],
] as const;

describe.each(['private', 'group'] as const)('whoever asks a worker for a %s chat', (type) => {
  it.each(strangers)('costs one question: %s', (_who, user, what) => {
    const of = (id: number) => questions(id, () => hub.loadChat(user, id, type));
    if (what !== 'gone') hub.loadChat(OWNER, ids[what], what === 'chat' ? 'private' : 'group'); // It is cached.
    expect(of(NOTHING)).toEqual([`chatFor it ${user}`]);
    expect(of(ids[what])).toEqual(of(NOTHING));
  });
});

describe.each([
  'update_group',
  'delete_group',
  'add_members',
  'remove_members',
  'mark_read',
] as const)('whoever asks the ledger for %s', (kind) => {
  it.each(strangers)('costs two questions: %s', (_who, user, what) => {
    const db = openReader(folder.path);
    const of = (id: number) =>
      questions(id, () => {
        const context = {
          db,
          profiles: watched<Profiles>(profileQueries(db)),
          append: appender(db),
          supersede: superseder(db),
          writeCache: new ChatWriteCache(db, profileQueries(db)),
          nextId: () => NOTHING,
          overloaded: () => false,
          rate: new RateLimiter<number>({ max: 0, inMs: 1000 }),
          groupMembersMax: 0,
          editSecondsMax: 0,
          typingMembersMax: 0,
        };
        const group = { actor: user, groupId: id, users: [STRANGER] };
        if (kind === 'mark_read') chatWriters(context)[kind]({ actor: user, chatId: id, id: 1 }, 0);
        else groupWriters(context)[kind](group, 0);
      });
    expect(of(NOTHING)).toEqual([`user ${user}`, `chatFor it ${user}`]);
    expect(of(ids[what])).toEqual(of(NOTHING));
    db.close();
  });
});
