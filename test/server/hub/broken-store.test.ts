import { afterEach, beforeEach, expect, it } from 'vitest';
import { CatchUp } from '../../../src/server/hub/catch-up/catch-up.js';
import { Hub } from '../../../src/server/hub/hub.js';
import { ChatSocket } from '../../../src/server/hub/sockets.js';
import type { ReadStore } from '../../../src/store/read-store.js';
import { temporaryFolder } from '../../support/ledger.js';
import { MemoryHub } from '../../support/memory-bus.js';
import { overStore } from '../../support/over-store.js';
import { openSqlite } from '../../support/sqlite.js';
import { TestStore } from '../../support/store.js';
import { FakeTopics, FakeWire } from '../../support/wire.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: TestStore;
beforeEach(async () => {
  folder = await temporaryFolder();
  store = await TestStore.open(openSqlite, folder.path);
});
afterEach(async () => {
  store.close();
  await folder.remove();
});

/** The same store, whose pages of messages cannot be read. */
function broken(read: ReadStore): ReadStore {
  return overStore(read, {
    newestFor: () => {
      throw new Error('disk I/O error');
    },
  });
}

it('a socket whose history cannot be read is closed with 1011, and is not told why', async () => {
  const group = await store.group(2);
  const failures: unknown[] = [];
  const topics = new FakeTopics();
  const hub = await Hub.open(broken(store.read), topics, new MemoryHub().join(), (error) =>
    failures.push(error),
  );
  const catchUp = new CatchUp(hub, (error) => failures.push(error));
  const wire: FakeWire = new FakeWire(topics, () => catchUp.detach(socket));
  const socket = new ChatSocket(wire, 1, group, { limit: 100, offset: 0 });
  hub.add(socket);
  catchUp.attach(socket);
  expect(wire.ended).toEqual({ code: 1011, reason: 'internal' });
  expect(wire.frames).toEqual([]);
  expect(failures).toEqual([new Error('disk I/O error')]);
  hub.close();
});
