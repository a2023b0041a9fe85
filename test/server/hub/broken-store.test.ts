import { afterEach, beforeEach, expect, it } from 'vitest';
import { CatchUp } from '../../../src/server/hub/catch-up.js';
import { Hub } from '../../../src/server/hub/hub.js';
import { ChatSocket } from '../../../src/server/hub/sockets.js';
import type { ReadStore, ReadView } from '../../../src/store/read-store.js';
import { temporaryFolder } from '../../support/ledger.js';
import { MemoryHub } from '../../support/memory-bus.js';
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
  const messagesBefore = () => {
    throw new Error('disk I/O error');
  };
  const view = (good: ReadView): ReadView => ({ ...good, messagesBefore });
  return {
    databaseId: read.databaseId,
    snapshot: (use) => read.snapshot((good) => use(view(good))),
    hasIncarnation: (incarnation) => read.hasIncarnation(incarnation),
    close: () => read.close(),
  };
}

it('a socket whose history cannot be read is closed with 1011, and is not told why', async () => {
  const group = await store.group(2);
  const failures: unknown[] = [];
  const topics = new FakeTopics();
  const hub = new Hub(broken(store.read), topics, new MemoryHub().join(), (error) => failures.push(error));
  const attachments = new CatchUp(hub, (error) => failures.push(error));
  const wire: FakeWire = new FakeWire(topics, () => attachments.detach(socket));
  const socket = new ChatSocket(wire, 1, group, { limit: 100, offset: 0 });
  hub.add(socket);
  attachments.attach(socket);
  expect(wire.ended).toEqual({ code: 1011, reason: 'internal' });
  expect(wire.frames).toEqual([]);
  expect(failures).toEqual([new Error('disk I/O error')]);
  hub.close();
});
