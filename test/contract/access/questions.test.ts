import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RateLimiter } from '../../../src/chat/rate-limiter.js';
import { Hub } from '../../../src/server/hub/hub.js';
import type { ReadView } from '../../../src/store/read-store.js';
import { openReader } from '../../../src/store/sqlite/database.js';
import { readView } from '../../../src/store/sqlite/read/read-store.js';
import { appender } from '../../../src/store/sqlite/write/append.js';
import { ChatWriteCache } from '../../../src/store/sqlite/write/chat-write-cache.js';
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
  hub = new Hub(store.read, new FakeTopics(), new MemoryHub().join(), (error) => {
    throw error;
  });
});
afterAll(async () => {
  hub.close();
  store.close();
  await folder.remove();
});

/** What is asked of a view while somebody is refused, with `it` for the id that they ask for. */
function questions(view: ReadView, id: number, refused: (view: ReadView) => void): string[] {
  const asked: string[] = [];
  const recorder = new Proxy(view, {
    get: (target, name: keyof ReadView) => {
      const question = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        asked.push(`${name} ${args.map((arg) => (arg === id ? 'it' : arg)).join(' ')}`);
        return question(...args);
      };
    },
  });
  expect(() => refused(recorder)).toThrow(/^There is no such (chat|group)\.$/);
  return asked;
}

const strangers = [
  ['a stranger, of a private chat', STRANGER, 'chat'],
  ['a stranger, of a group', STRANGER, 'group'],
  ['a stranger, of a deleted group', STRANGER, 'gone'],
  ['a removed member, of the group', REMOVED, 'group'],
] as const;

describe.each(['private', 'group'] as const)('whoever asks a worker for a %s chat', (type) => {
  it.each(strangers)('costs one question: %s', (_who, user, what) => {
    const of = (id: number) =>
      store.see((view) => questions(view, id, (recorder) => hub.chatFor(recorder, user, id, type)));
    store.see((view) => hub.caches.chat(view, ids[what])); // Somebody else has asked before.
    expect(of(NOTHING)).toEqual([`isMember it ${user}`]);
    expect(of(ids[what])).toEqual(of(NOTHING));
  });
});

describe.each([
  'delete_group',
  'add_members',
  'remove_members',
] as const)('whoever asks the ledger for %s', (kind) => {
  it.each(strangers)('costs two questions: %s', (_who, user, what) => {
    const db = openReader(folder.path);
    const of = (id: number) =>
      questions(readView(db), id, (view) => {
        const writers = groupWriters({
          db,
          view,
          append: appender(db),
          writeCache: new ChatWriteCache(db),
          nextId: () => NOTHING,
          overloaded: () => false,
          rate: new RateLimiter({ max: 0, inMs: 1000 }),
          groupMembersMax: 0,
        });
        writers[kind]({ actor: user, groupId: id, users: [STRANGER] }, 0);
      });
    expect(of(NOTHING)).toEqual([`user ${user}`, `isMember it ${user}`]);
    expect(of(ids[what])).toEqual(of(NOTHING));
    db.close();
  });
});
