import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CatchUp } from '../../../src/server/hub/catch-up/catch-up.js';
import { Hub } from '../../../src/server/hub/hub.js';
import { ChatSocket } from '../../../src/server/hub/sockets.js';
import type { ReadStore } from '../../../src/store/read-store.js';
import { temporaryFolder } from '../../support/ledger.js';
import { MemoryHub } from '../../support/memory-bus.js';
import { overStore } from '../../support/over-store.js';
import { openSqlite } from '../../support/sqlite.js';
import { say, TestStore } from '../../support/store.js';
import { FakeTopics, FakeWire } from '../../support/wire.js';

const USER = 1;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: TestStore;
let hub: Hub;
let catchUp: CatchUp;
let topics: FakeTopics;
let chat: number;
/** Happens between the worker's look at the log and its next question to the store. */
let meanwhile: () => void;
const failures: unknown[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  store = await TestStore.open(openSqlite, folder.path);
  chat = await store.group(2);
  await store.run(say(chat, USER, 'hello'));
  topics = new FakeTopics();
  meanwhile = () => undefined;
  failures.length = 0;
  const raced = <A extends unknown[], R>(ask: (...args: A) => R) => {
    return (...args: A): R => {
      const happen = meanwhile;
      meanwhile = () => undefined;
      happen();
      return ask(...args);
    };
  };
  const read: ReadStore = overStore(store.read, {
    newestFor: raced((...args: Parameters<ReadStore['newestFor']>) => store.read.newestFor(...args)),
    entriesFor: raced((...args: Parameters<ReadStore['entriesFor']>) => store.read.entriesFor(...args)),
  });
  hub = await Hub.open(read, topics, new MemoryHub().join(), (error) => failures.push(error));
  catchUp = new CatchUp(hub, (error) => failures.push(error));
});
afterEach(async () => {
  hub.close();
  store.close();
  await folder.remove();
});

/** The author's name in the history that a new socket gets. */
function nameIn(start: ConstructorParameters<typeof ChatSocket>[3]): unknown {
  const wire: FakeWire = new FakeWire(topics, () => catchUp.detach(socket));
  const socket = new ChatSocket(wire, 2, chat, start);
  hub.add(socket);
  catchUp.attach(socket);
  const [history] = wire.frames;
  catchUp.detach(socket);
  return history?.type === 'history' && history.messages[0]?.author.name;
}

describe('a name that changes just before a page is read', () => {
  it.each([
    { of: 'the newest messages', start: { limit: 10, offset: 0 } },
    { of: 'what follows an id', start: { after: 0 } },
  ])('is the new one in $of, also when the page is kept', async ({ start }) => {
    hub.follower.read(
      () => hub.loadProfile(USER),
      () => undefined,
    );
    meanwhile = () => void store.run({ kind: 'update_user', actor: USER, name: 'New' });
    nameIn(start);
    expect(nameIn(start)).toBe('New');
    expect(failures).toEqual([]);
  });
});

it('a change whose author nobody has asked about keeps no socket waiting', async () => {
  const group = { actor: 2, name: 'of another', description: '', users: [USER] };
  chat = (await store.ok('create_group', group)).id;
  await store.run({ kind: 'update_group', actor: 2, groupId: chat, name: 'changed' });
  await store.run(say(chat, USER, 'hello'));
  expect(nameIn({ after: 0 })).toBe('User 1');
});
