import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { View } from '../../../src/chat/messages.js';
import { Random } from '../../../src/prove/random.js';
import type { ReadStore } from '../../../src/store/read-store.js';
import { fc } from '../../properties/property.js';
import { ChatClient } from '../../support/chat-client.js';
import type { Ask, ChatModel, SeenMessage } from '../../support/chat-model.js';
import { ChatWorld, type Connected, type Cut, type Room } from '../../support/chat-world.js';
import { temporaryFolder } from '../../support/ledger.js';
import { slowStore } from '../../support/slow-store.js';
import type { Frame } from '../../support/socket.js';
import { openSqlite } from '../../support/sqlite.js';
import { TestStore, value } from '../../support/store.js';
import { turns } from '../../support/wait.js';
import type { FakeWire } from '../../support/wire.js';

/**
 * Old snapshot + frames = new snapshot: whatever changes, however a client hears of it, and wherever it begins, it has in the
 * end what somebody sees who reads everything anew. `CHANGES=long` runs many more histories.
 */
const RUNS = process.env['CHANGES'] === 'long' ? 1000 : 12;
const OWNER = 1;
const USERS = [OWNER, 2, 3];
const EMOJI = ['👍', '❤️', '👩‍👩‍👧'];
/** Five of them fill a page. */
const LONG = `x${'\u0001'.repeat(8000)}`;

const user = fc.constantFrom(...USERS);
/** Which of the messages, counted back from the newest. */
const target = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(0, 0, 1, 2) },
  { weight: 1, arbitrary: fc.nat(40) },
);
const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c', 'hello "there"') },
  { weight: 1, arbitrary: fc.constantFrom('😀'.repeat(101), 'y'.repeat(100), LONG) },
);
const emoji = fc.constantFrom(...EMOJI);
/** Most of what is asked for changes something. */
const how = fc.constantFrom('on', 'off', 'toggle', 'toggle', 'toggle');
const one = <T extends string>(...values: T[]) => fc.constantFrom(...values);
const ask = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: one('post'), by: user, text }) },
  { weight: 2, arbitrary: fc.record({ kind: one('reply'), by: user, text, target }) },
  { weight: 4, arbitrary: fc.record({ kind: one('edit'), by: user, text, target }) },
  { weight: 2, arbitrary: fc.record({ kind: one('delete'), by: user, target }) },
  { weight: 4, arbitrary: fc.record({ kind: one('react'), by: user, target, emoji, how }) },
);
const begin = one('everything', 'newest', 'after 0', 'after a cut');
const connecting = fc.record({ do: one('connect'), user, isPlain: fc.nat(3), begin, cut: fc.nat(100) });
const step = fc.record({
  room: fc.nat(4).map((n) => (n === 0 ? 1 : 0)),
  /** How many turns of the event loop pass after it. */
  turns: fc.nat(3),
  act: fc.oneof(
    {
      weight: 60,
      arbitrary: fc.record({ do: one('write'), asks: fc.array(ask, { minLength: 1, maxLength: 6 }) }),
    },
    { weight: 25, arbitrary: connecting },
    { weight: 25, arbitrary: fc.record({ do: one('reconnect', 'lag', 'sip', 'drain'), client: fc.nat(10) }) },
    { weight: 10, arbitrary: fc.record({ do: one('remove', 'add', 'rename'), user }) },
    { weight: 5, arbitrary: fc.record({ do: one('purge', 'restart') }) },
    { weight: 1, arbitrary: fc.record({ do: one('delete group') }) },
  ),
});
/** A smaller history that fails is looked for among so many. */
const SHRINKS_MAX = 300;
const history = fc.record({
  steps: fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
  pageMax: fc.constantFrom(1, 2, 3, 1000),
  seed: fc.nat(1_000_000),
});
type Value<A> = A extends fc.Arbitrary<infer T> ? T : never;
type Step = Value<typeof step>;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: TestStore;
beforeAll(async () => {
  folder = await temporaryFolder();
  store = await TestStore.open(openSqlite, folder.path);
  await store.users(USERS.length);
});
afterAll(async () => {
  store.close();
  await folder.remove();
});

async function take(world: ChatWorld, { act, room: index, turns: count }: Step): Promise<void> {
  const room = world.rooms[index] as Room;
  const connected = 'client' in act ? world.clients[act.client % world.clients.length] : undefined;
  switch (act.do) {
    case 'write':
      await world.write(
        room,
        act.asks.map((wanted) => (model) => askOf(model, wanted)),
      );
      break;
    case 'connect':
      connect(world, room, act);
      break;
    case 'reconnect':
      if (connected !== undefined) await reconnect(world, connected);
      break;
    case 'lag':
      if (connected !== undefined) world.lag(connected);
      break;
    case 'sip':
    case 'drain':
      if (connected !== undefined) world.drain(connected, act.do === 'drain');
      break;
    case 'remove':
      await world.remove(room, act.user);
      break;
    case 'add':
      await world.add(room, act.user);
      break;
    case 'rename':
      await world.rename(act.user, `renamed at ${store.now}`);
      break;
    case 'purge':
      await world.purge();
      break;
    case 'restart':
      await world.restart();
      break;
    case 'delete group':
      await world.deleteGroup(room);
  }
  await turns(count);
}

/** What is asked for; undefined when there is no message for it. */
function askOf(model: ChatModel, wanted: Value<typeof ask>): Ask | undefined {
  if (wanted.kind === 'post') return wanted;
  const { ids } = model;
  const found = ids.at(-1 - (wanted.target % ids.length));
  if (found === undefined) return undefined;
  if (wanted.kind === 'reply') return { kind: 'post', by: wanted.by, text: wanted.text, replyTo: found };
  if (wanted.kind !== 'react') return { ...wanted, target: found };
  const isOn =
    wanted.how === 'toggle' ? !model.hasReacted(wanted.by, found, wanted.emoji) : wanted.how === 'on';
  return { ...wanted, target: found, isOn };
}

function connect(
  world: ChatWorld,
  room: Room,
  { user: id, isPlain, begin: where, cut }: Value<typeof connecting>,
) {
  const view = isPlain === 0 ? 'plain' : 'full';
  switch (where) {
    case 'everything':
      return world.connect(new ChatClient(id, view), room, { limit: 100, offset: 0 });
    case 'newest':
      return world.connect(new ChatClient(id, view), room, { limit: 2, offset: 0 });
    case 'after 0':
      return world.connect(new ChatClient(id, view), room, { after: 0 });
    case 'after a cut':
      return resume(world, room, id, view, room.cuts[cut % room.cuts.length] as Cut);
  }
}

/** A client that knows what there was then. */
function resume(
  world: ChatWorld,
  room: Room,
  userId: number,
  view: View,
  { id, time, seen }: Cut,
): Connected {
  const client = new ChatClient(userId, view, seen.get(userId));
  client.beginAfter({ id, time });
  return world.connect(client, room, { after: id });
}

/** The client comes back with the id and the time of what it was shown last, by which the server knows it. */
async function reconnect(world: ChatWorld, connected: Connected): Promise<void> {
  const { id, time } = connected.client.cursor;
  if (id > 0) expect([time, null]).toContain(await value(store.read.timeOf(id)));
  world.reconnect(connected);
}

/** Whoever is still a member has all that there is, and nobody else was shown what is not theirs. */
async function expectAllRight(world: ChatWorld): Promise<void> {
  await world.settled(world.clients);
  for (const { wire, by } of world.doomed) {
    expect(wire.ended).toBeDefined();
    for (const { id } of entriesOf(wire)) expect(id).toBeLessThan(by);
  }
  const members = world.clients.filter(({ client, room }) => room.model.members.has(client.userId));
  for (const connected of members) if (connected.wire.ended !== undefined) await reconnect(world, connected);
  await world.settled(members);
  expect(world.failures).toEqual([]);
  for (const { client, room, wire } of members) {
    expect(wire.ended).toBeUndefined();
    const all = room.model.seenBy(client.userId);
    if (client.view === 'full') expectSameEnd(client.messages, all);
    else expectHasAll(client.messages, all);
  }
}

/** Who began with the newest messages knows those and what follows. */
function expectSameEnd(known: readonly SeenMessage[], all: readonly SeenMessage[]): void {
  const [first] = known;
  expect(known).toEqual(first === undefined ? [] : all.filter(({ id }) => id >= first.id));
  expect(known.length).toBeGreaterThanOrEqual(Math.min(all.length, 2));
}

/** A plain client was shown each message, however it looked then. */
function expectHasAll(known: readonly SeenMessage[], all: readonly SeenMessage[]): void {
  const ids = known.map(({ id }) => id);
  const first = ids[0] ?? 0;
  const expected = all.filter(({ id, content }) => id >= first && content !== undefined).map(({ id }) => id);
  expect(ids).toEqual(expect.arrayContaining(expected));
}

const entriesOf = ({ frames }: FakeWire): Frame[] =>
  frames.flatMap((frame) => (frame.type === 'history' ? frame.messages : [frame]));

/** Whoever resumes after any entry is told of each change once, and then has what there is. */
async function expectAllCuts(world: ChatWorld, room: Room, random: Random): Promise<void> {
  const { model, cuts } = room;
  const users = [...model.members];
  if (users.length === 0) return;
  const opened = cuts
    .toSorted(() => random.from(0, 2) - 1)
    .map((cut) => {
      const view = random.chance(0.2) ? 'plain' : 'full';
      return { cut, view, ...resume(world, room, random.pick(users), view, cut) } as const;
    });
  await world.settled(opened);
  expect(world.failures).toEqual([]);
  for (const { cut, view, client, wire } of opened) {
    const now = model.seenBy(client.userId);
    const entries = entriesOf(wire);
    const pages = wire.frames.map(({ type, more = false, messages }) => ({
      type,
      more,
      isEmpty: messages.length === 0,
    }));
    expect(pages.pop()).toMatchObject({ type: 'history', more: false });
    for (const page of pages) expect(page).toEqual({ type: 'history', more: true, isEmpty: false });
    // Each of them is a cursor.
    for (const { id, time } of entries) expect(Date.parse(time)).toBe(await value(store.read.timeOf(id)));
    const newer = now.filter(({ id }) => id > cut.id);
    if (view === 'plain') {
      const shown = newer.filter(({ content }) => content !== undefined);
      expect(entries.map(({ id }) => id)).toEqual(shown.map(({ id }) => id));
      expect(entries.map(({ text }) => text)).toEqual(shown.map(({ content }) => content?.text));
      continue;
    }
    expect(client.messages).toEqual(now);
    const about = entries.map((entry) => entry.message_id ?? entry.id);
    expect(new Set(about).size).toBe(about.length);
    const messages = entries.filter(({ type }) => type === 'message').map(({ id }) => id);
    expect(messages).toEqual(newer.map(({ id }) => id));
  }
}

/** Whoever reads anew is shown what there is, with the names of today. */
async function expectFresh(world: ChatWorld, room: Room): Promise<void> {
  for (const userId of room.model.members) {
    const all = room.model.seenBy(userId);
    for (const limit of [1, 3, 100]) {
      const one = world.connect(new ChatClient(userId, 'full'), room, { limit, offset: 0 });
      await world.settled([one]);
      // One frame of history has room for three long messages.
      const count = one.wire.frames[0].messages.length;
      if (!one.wire.frames[0].more) expect(count).toBe(Math.min(limit, all.length));
      expect(one.client.messages).toEqual(all.slice(all.length - count));
      for (const { author } of entriesOf(one.wire)) expect(author.name).toBe(world.nameOf(author.id));
    }
  }
}

async function play(world: ChatWorld, { steps, pageMax, seed }: Value<typeof history>): Promise<void> {
  world.pageMax = pageMax;
  await world.open();
  for (const id of USERS) await world.rename(id, `User ${id}`); // All histories have one store.
  for (let n = 0; n < 2; n++) await world.addRoom();
  for (const one of steps) await take(world, one);
  await expectAllRight(world);
  const random = new Random(String(seed));
  for (const room of world.rooms) {
    await expectAllCuts(world, room, random);
    await expectFresh(world, room);
  }
  await world.restart();
  for (const room of world.rooms) await expectAllCuts(world, room, random);
  await world.close();
}

describe('old snapshot + frames = new snapshot', () => {
  it.each<[string, (read: ReadStore) => ReadStore]>([
    ['at once', (read) => read],
    ['later', slowStore],
  ])(
    'over a store that answers %s',
    async (_when, over) => {
      await fc.assert(
        fc.asyncProperty(fc.limitShrink(history, SHRINKS_MAX), (told) =>
          play(new ChatWorld(store, USERS, over), told),
        ),
        { numRuns: RUNS },
      );
    },
    60_000 + 1000 * RUNS,
  );
});
