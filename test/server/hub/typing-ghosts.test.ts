import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CatchUp } from '../../../src/server/hub/catch-up/catch-up.js';
import { Hub } from '../../../src/server/hub/hub.js';
import { ChatSocket } from '../../../src/server/hub/sockets.js';
import { TypingIndicators } from '../../../src/server/hub/typing.js';
import { temporaryFolder } from '../../support/ledger.js';
import { MemoryHub } from '../../support/memory-bus.js';
import { openSqlite } from '../../support/sqlite.js';
import { TestStore } from '../../support/store.js';
import { FakeTopics, FakeWire } from '../../support/wire.js';

/** When a worker dies, the others take back who was typing there. */
const TAKEN_BACK_MS = 8000;
/** How often a worker looks. */
const LOOKS_MS = 500;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: TestStore;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'performance'] });
  folder = await temporaryFolder();
  store = await TestStore.open(openSqlite, folder.path);
});
afterEach(async () => {
  store.close();
  vi.useRealTimers();
  await folder.remove();
});

it('who was typing on a worker that died is taken back after 8 s, and not before', async () => {
  const group = await store.group(2);
  const fail = (error: unknown) => {
    throw error;
  };
  const buses = new MemoryHub();
  const [dying, living] = [buses.join(), buses.join()];
  const topics = new FakeTopics();
  const hub = await Hub.open(store.read, topics, living, fail);
  const attachments = new CatchUp(hub, fail);
  const typing = new TypingIndicators(hub, living, 100, () => performance.now());
  const wire: FakeWire = new FakeWire(topics, () => attachments.detach(socket));
  const socket = new ChatSocket(wire, 1, group, { limit: 0, offset: 0 });
  hub.add(socket);
  attachments.attach(socket);

  dying.publish({ chatId: group, userId: 2, on: true, worker: 'dead', sequence: 1, position: 0 });
  dying.leave();
  await vi.advanceTimersByTimeAsync(TAKEN_BACK_MS - LOOKS_MS);
  const types = () => wire.frames.map(({ type }) => type);
  expect(types()).toEqual(['history', 'typing']);
  await vi.advanceTimersByTimeAsync(2 * LOOKS_MS);
  expect(types()).toEqual(['history', 'typing', 'stop_typing']);
  expect(wire.frames.at(-1)).toEqual({
    type: 'stop_typing',
    chat_id: group,
    author: { id: 2, name: 'User 2' },
  });
  typing.close();
  hub.close();
});
