import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChatError } from '../../../src/chat/errors.js';
import { RateLimiter } from '../../../src/chat/rate-limiter.js';
import type { Request, Services } from '../../../src/server/http/endpoints/endpoint.js';
import { messageEndpoints } from '../../../src/server/http/endpoints/messages.js';
import { Hub } from '../../../src/server/hub/hub.js';
import { type Connection, openReader } from '../../../src/store/sqlite/database.js';
import { profileQueries } from '../../../src/store/sqlite/read/profiles.js';
import { SqliteReadStore } from '../../../src/store/sqlite/read/read-store.js';
import { appender, superseder } from '../../../src/store/sqlite/write/append.js';
import { ChatWriteCache } from '../../../src/store/sqlite/write/chat-write-cache.js';
import { messageChangeWriters } from '../../../src/store/sqlite/write/message-changes.js';
import { temporaryFolder } from '../../support/ledger.js';
import { MemoryHub } from '../../support/memory-bus.js';
import { openSqlite } from '../../support/sqlite.js';
import { TestStore } from '../../support/store.js';
import { FakeTopics } from '../../support/wire.js';

/** What is there of messages costs whoever may not see it the same reads as what is not, on a worker and in the ledger. */
const [OWNER, MEMBER, REMOVED, STRANGER] = [1, 2, 3, 4];
const NOTHING = Number.MAX_SAFE_INTEGER;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: TestStore;
let db: Connection;
let hub: Hub;
let services: Services;
let chats: Readonly<Record<'chat' | 'group' | 'gone', number>>;
let messages: Readonly<Record<'chat' | 'group' | 'gone' | 'deleted' | 'change', number>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  store = await TestStore.open(openSqlite, folder.path);
  const group = await store.group(4);
  const { id: chat } = await store.ok('open_chat', { actor: OWNER, other: MEMBER });
  const { id: gone } = await store.ok('create_group', {
    actor: OWNER,
    name: 'gone',
    description: '',
    users: [STRANGER],
  });
  chats = { chat, group, gone };
  const said = async (chatId: number) => {
    const { id: messageId } = await store.ok('post_message', { chatId, authorId: OWNER, text: 'hello' });
    await store.ok('react', { actor: OWNER, messageId, emoji: '👍', isOn: true });
    return messageId;
  };
  const deleted = await said(group);
  const { changeId: change } = await store.ok('delete_message', { actor: OWNER, messageId: deleted });
  messages = { chat: await said(chat), group: await said(group), gone: await said(gone), deleted, change };
  await store.ok('remove_members', { actor: OWNER, groupId: group, users: [REMOVED, STRANGER] });
  await store.ok('delete_group', { actor: OWNER, groupId: gone });
  db = openReader(folder.path);
  const fail = (error: unknown) => {
    throw error;
  };
  hub = await Hub.open(new SqliteReadStore(noted(db)), new FakeTopics(), new MemoryHub().join(), fail);
  services = { hub, admitRows: () => undefined } as unknown as Services;
});
afterAll(async () => {
  hub.close();
  store.close();
  db.close();
  await folder.remove();
});

let ran: string[] = [];

/** The same, writing down which statements run. */
function noted(connection: Connection): Connection {
  const statement = (sql: string): object => {
    const proxy: object = new Proxy(connection.prepare(sql), {
      get(target, name) {
        const method = Reflect.get(target, name, target) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => {
          if (name === 'get' || name === 'all' || name === 'run') ran.push(sql);
          const result = method.apply(target, args);
          return result === target ? proxy : result;
        };
      },
    });
    return proxy;
  };
  return { prepare: statement, close: () => undefined } as unknown as Connection;
}

/** The statements that run while somebody is refused. */
function statements(refused: () => unknown): string[] {
  ran = [];
  let error: unknown;
  try {
    refused();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ChatError);
  expect((error as ChatError).code).toMatch(/^(chat|group|message)_not_found$/);
  expect(ran.length).toBeGreaterThan(0);
  return ran;
}

type Reading = 'getMessage' | 'getReactors' | 'getChatMessages' | 'getGroupMessages';

/** Asks as the endpoint does. */
function read(name: Reading, user: number, id: number): unknown {
  const request = { caller: { id: user }, id, emoji: '👍' } as Request<Reading>;
  return messageEndpoints[name](request, services);
}

describe.each(['getMessage', 'getReactors'] as const)('whoever asks a worker by %s', (name) => {
  it.each([
    ['a stranger, of a private chat', STRANGER, 'chat'],
    ['a stranger, of a group', STRANGER, 'group'],
    ['a stranger, of a deleted message', STRANGER, 'deleted'],
    ['a stranger, of a change', STRANGER, 'change'],
    ['a member, of a change', MEMBER, 'change'],
    ['the author, of a deleted group', OWNER, 'gone'],
    ['a removed member', REMOVED, 'group'],
  ] as const)('causes the reads of an unknown id: %s', (_who, user, what) => {
    const of = (id: number) => statements(() => read(name, user, id));
    expect(of(messages[what])).toEqual(of(NOTHING));
  });
});

describe.each([
  ['getChatMessages', 'chat'],
  ['getGroupMessages', 'group'],
] as const)('whoever asks a worker by %s', (name, own) => {
  const other = own === 'chat' ? 'group' : 'chat';
  it.each([
    ['a stranger', STRANGER, own],
    ['a stranger, of the other type', STRANGER, other],
    ['a member, of the other type', MEMBER, other],
    ['the owner, of a deleted group', OWNER, 'gone'],
    ['a removed member', REMOVED, 'group'],
  ] as const)('causes the reads of an unknown id: %s', (_who, user, what) => {
    const of = (id: number) => statements(() => read(name, user, id));
    expect(of(chats[what])).toEqual(of(NOTHING));
  });
});

describe.each([
  'edit_message',
  'delete_message',
  'react',
] as const)('whoever asks the ledger to %s', (kind) => {
  it.each([
    ['a stranger, of a private chat', STRANGER, 'chat'],
    ['a stranger, of a group', STRANGER, 'group'],
    ['a stranger, of a deleted message', STRANGER, 'deleted'],
    ['a stranger, of a change', STRANGER, 'change'],
    ['a member, of a change', MEMBER, 'change'],
    ['the author, of a deleted group', OWNER, 'gone'],
    ['a removed member', REMOVED, 'group'],
  ] as const)('causes the reads of an unknown id: %s', (_who, user, what) => {
    const of = (messageId: number) => {
      const connection = noted(db);
      const profiles = profileQueries(connection);
      const writers = messageChangeWriters({
        db: connection,
        profiles,
        append: appender(connection),
        supersede: superseder(connection),
        writeCache: new ChatWriteCache(connection, profiles),
        nextId: () => NOTHING,
        overloaded: () => false,
        rate: new RateLimiter({ max: 0, inMs: 1000 }),
        groupMembersMax: 0,
        editSecondsMax: 0,
        typingMembersMax: 0,
      });
      const command = { actor: user, messageId, text: 'changed', emoji: '👍', isOn: true };
      return statements(() => writers[kind](command, 0));
    };
    expect(of(messages[what])).toEqual(of(NOTHING));
  });
});
