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
const OWN_TAKEN_BACK_MS = 6000;
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

/** A worker with sockets of users 1 and 2 in a group of both, whose frames are those that user 1 is shown. */
async function open() {
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
  const connect = (userId: number) => {
    const wire: FakeWire = new FakeWire(topics, () => attachments.detach(socket));
    const socket = new ChatSocket(wire, userId, group, { limit: 0, offset: 0 });
    hub.add(socket);
    attachments.attach(socket);
    return { wire, socket };
  };
  const { wire } = connect(1);
  const close = () => {
    typing.close();
    hub.close();
  };
  const types = () => wire.frames.map(({ type }) => type);
  return { group, typing, dying, wire, types, writer: connect(2).socket, close };
}

it('who was typing on a worker that died is taken back after 8 s, and not before', async () => {
  const { group, dying, wire, types, close } = await open();
  dying.publish({ chatId: group, userId: 2, on: true, worker: 'dead', sequence: 1, position: 0 });
  dying.leave();
  await vi.advanceTimersByTimeAsync(TAKEN_BACK_MS - LOOKS_MS);
  expect(types()).toEqual(['history', 'typing']);
  await vi.advanceTimersByTimeAsync(2 * LOOKS_MS);
  expect(types()).toEqual(['history', 'typing', 'stop_typing']);
  expect(wire.frames.at(-1)).toEqual({
    type: 'stop_typing',
    chat_id: group,
    author: { id: 2, name: 'User 2' },
  });
  close();
});

it('who does not renew it is taken back by their own worker 6 s after the last time, and not before', async () => {
  const { group, typing, writer, types, close } = await open();
  const type = () => typing.typed(writer, group, true);
  type();
  await vi.advanceTimersByTimeAsync(OWN_TAKEN_BACK_MS - LOOKS_MS);
  type();
  await vi.advanceTimersByTimeAsync(OWN_TAKEN_BACK_MS - LOOKS_MS);
  expect(new Set(types())).toEqual(new Set(['history', 'typing']));
  await vi.advanceTimersByTimeAsync(2 * LOOKS_MS);
  expect(types().at(-1)).toBe('stop_typing');
  close();
});
