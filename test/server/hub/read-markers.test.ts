import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Submit } from '../../../src/chat/commands.js';
import { ChatError } from '../../../src/chat/errors.js';
import { ReadMarkers } from '../../../src/server/hub/read-markers.js';
import { ChatSocket } from '../../../src/server/hub/sockets.js';
import { TestHub } from '../../support/hub.js';
import { say } from '../../support/store.js';
import { turns } from '../../support/wait.js';

/** As often as the marker of a user in a chat is written. */
const WRITE_EVERY_MS = 250;
/** As often as the members of a chat are told who has read. */
const SHOW_EVERY_MS = 500;

let own: TestHub;
let markers: ReadMarkers;
let group: number;
/** What was written: by whom, where, up to which id. */
let written: [actor: number, chatId: number, id: number][];
/** What the ledger says to the next writes. */
let refusals: ChatError[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  own = await TestHub.open({
    prepare: async (store) => {
      group = await store.group(3);
      await store.run(...['a', 'b', 'c'].map((text) => say(group, 1, text)));
    },
  });
  written = [];
  refusals = [];
  const submit = (async (
    _kind: string,
    { actor, chatId, id }: { actor: number; chatId: number; id: number },
  ) => {
    written.push([actor, chatId, id]);
    const refusal = refusals.shift();
    if (refusal !== undefined) throw refusal;
    return { readId: id };
  }) as unknown as Submit;
  markers = new ReadMarkers(own.hub, submit);
});
afterEach(async () => {
  markers.close();
  vi.useRealTimers();
  await own.close();
});

const ignored = () => undefined;
const attach = (user: number, view: 'plain' | 'full') => {
  const { wire, socket } = own.attach(
    (wire) => new ChatSocket(wire, user, group, { limit: 0, offset: 0 }, view),
  );
  return { wire, socket, frames: () => wire.frames.filter(({ type }) => type === 'read' || type === 'seen') };
};
/** The marker of a user moves in the store, and the log tells this worker. */
const read = async (actor: number, id: number) => own.run({ kind: 'mark_read', actor, chatId: group, id });

/** A call, so that TypeScript knows that the answer changes. */
const isLive = ({ state }: ChatSocket) => state === 'live';

it('a marker is written at once, and then the highest of those that came meanwhile', () => {
  for (const id of [2, 5, 3]) markers.read(1, group, id, ignored);
  expect(written).toEqual([[1, group, 2]]);
  vi.advanceTimersByTime(WRITE_EVERY_MS - 1);
  expect(written).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(written).toEqual([
    [1, group, 2],
    [1, group, 5],
  ]);
  markers.read(1, group, 6, ignored);
  expect(written).toHaveLength(2);
  vi.advanceTimersByTime(WRITE_EVERY_MS);
  expect(written.at(-1)).toEqual([1, group, 6]);
  vi.advanceTimersByTime(10 * WRITE_EVERY_MS);
  expect(written).toHaveLength(3);
  markers.read(1, group, 7, ignored);
  expect(written).toHaveLength(4);
});

it('one user and chat does not wait for another', () => {
  markers.read(1, group, 1, ignored);
  markers.read(2, group, 2, ignored);
  markers.read(1, group + 1, 3, ignored);
  expect(written).toEqual([
    [1, group, 1],
    [2, group, 2],
    [1, group + 1, 3],
  ]);
});

it('a refusal is told to who said it last', async () => {
  const told: string[] = [];
  const tell = (who: string) => (error: unknown) => told.push(`${who}: ${(error as ChatError).code}`);
  refusals = [new ChatError('message_not_found'), new ChatError('overloaded')];
  markers.read(1, group, 100, tell('first'));
  markers.read(1, group, 101, tell('second'));
  markers.read(1, group, 102, tell('third'));
  await turns();
  expect(told).toEqual(['first: message_not_found']);
  vi.advanceTimersByTime(WRITE_EVERY_MS);
  await turns();
  expect(told).toEqual(['first: message_not_found', 'third: overloaded']);
});

it("a user's own sockets of the chat that ask for it are told, each marker once, and never back", async () => {
  const [asking, plain, other] = [attach(2, 'full'), attach(2, 'plain'), attach(3, 'full')];
  const newest = own.hub.follower.position;
  expect(asking.wire.frames[0]).toMatchObject({ type: 'history', read_id: 0 });
  await read(2, newest - 1);
  await read(2, newest - 2);
  await read(2, newest - 1);
  await read(2, newest);
  const frame = { type: 'read', chat_id: group };
  expect(asking.frames()).toEqual([
    { ...frame, read_id: newest - 1 },
    { ...frame, read_id: newest },
  ]);
  expect([...plain.frames(), ...other.frames()]).toEqual([]);
});

it('a socket that was behind is told of the marker when it goes on', async () => {
  const { wire, socket, frames } = attach(2, 'full');
  const newest = own.hub.follower.position;
  wire.stalled = true;
  // More than a socket may have to take; what follows it gets in pages of its own.
  while (isLive(socket)) {
    await own.run(say(group, 1, 'x'.repeat(8000)));
    await turns();
  }
  await read(2, newest);
  await read(2, newest + 1);
  expect(frames()).toEqual([]);
  wire.stalled = false;
  own.drain({ socket, wire, messages: () => [], texts: () => [] });
  while (!isLive(socket)) await turns();
  expect(frames()).toEqual([{ type: 'read', chat_id: group, read_id: newest + 1 }]);
});

it('the sockets of a chat are told together who has read how far', async () => {
  const [mine, plain] = [attach(1, 'full'), attach(1, 'plain')];
  const newest = own.hub.follower.position;
  await read(2, newest - 1);
  vi.advanceTimersByTime(SHOW_EVERY_MS - 1);
  await read(3, newest - 2);
  await read(2, newest);
  expect(mine.frames()).toEqual([]);
  vi.advanceTimersByTime(1);
  const seen = (...users: [id: number, readId: number][]) => ({
    ...{ type: 'seen', chat_id: group },
    users: users.map(([id, readId]) => ({ id, read_id: readId })),
  });
  expect(mine.frames()).toEqual([seen([2, newest], [3, newest - 2])]);
  vi.advanceTimersByTime(10 * SHOW_EVERY_MS);
  expect(mine.frames()).toHaveLength(1);
  await read(3, newest);
  vi.advanceTimersByTime(SHOW_EVERY_MS);
  expect(mine.frames().at(-1)).toEqual(seen([3, newest]));
  expect(plain.frames()).toEqual([]);
});

it('nobody is told of one who does not want it', async () => {
  const mine = attach(1, 'full');
  await own.run({ kind: 'update_user', actor: 2, readReceipts: false });
  const newest = own.hub.follower.position;
  await read(2, newest);
  vi.advanceTimersByTime(10 * SHOW_EVERY_MS);
  expect(mine.frames()).toEqual([]);
  const theirs = attach(2, 'full');
  await own.run(say(group, 1, 'd'));
  await read(2, own.hub.follower.position);
  expect(theirs.frames()).toMatchObject([{ type: 'read' }]);
});

it('nothing is written or told after the end', async () => {
  const mine = attach(1, 'full');
  markers.read(1, group, 1, ignored);
  markers.read(1, group, 2, ignored);
  await read(2, own.hub.follower.position);
  markers.close();
  vi.advanceTimersByTime(10 * SHOW_EVERY_MS);
  expect(written).toHaveLength(1);
  expect(mine.frames()).toEqual([]);
});
