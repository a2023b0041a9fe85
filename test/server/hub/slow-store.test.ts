import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import { Random } from '../../../src/prove/random.js';
import { chatEndpoints } from '../../../src/server/http/endpoints/chats.js';
import type { Services } from '../../../src/server/http/endpoints/endpoint.js';
import { CatchUp } from '../../../src/server/hub/catch-up/catch-up.js';
import { Hub } from '../../../src/server/hub/hub.js';
import { ChatSocket, MainSocket, type Socket } from '../../../src/server/hub/sockets.js';
import type { Loaded } from '../../../src/store/read-store.js';
import { temporaryFolder } from '../../support/ledger.js';
import { MemoryHub } from '../../support/memory-bus.js';
import { slowStore } from '../../support/slow-store.js';
import type { Frame } from '../../support/socket.js';
import { openSqlite } from '../../support/sqlite.js';
import { say, TestStore } from '../../support/store.js';
import { FakeTopics, FakeWire } from '../../support/wire.js';

/**
 * A hub over a store that answers later, as one over a network does: whatever happens between a question and its
 * answer, every socket is shown what one over SQLite is.
 */
const MEMBERS = 4;
const CHATS = 3;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: TestStore;
let hub: Hub;
let catchUp: CatchUp;
let topics: FakeTopics;
let chats: number[];
const failures: unknown[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  store = await TestStore.open(openSqlite, folder.path);
  await store.users(MEMBERS);
  const users = Array.from({ length: MEMBERS }, (_, index) => index + 1);
  chats = [];
  for (let n = 0; n < CHATS; n++) {
    const group = { actor: 1, name: `g${n}`, description: '', users };
    chats.push((await store.ok('create_group', group)).id);
  }
  topics = new FakeTopics();
  failures.length = 0;
});
afterEach(async () => {
  hub.close();
  for (let turn = 0; turn < 20; turn++) await nextTurn(); // Answers that are on their way.
  store.close();
  await folder.remove();
});

async function open(seed: string): Promise<void> {
  hub = await Hub.open(slowStore(store.read, seed), topics, new MemoryHub().join(), (error) =>
    failures.push(error),
  );
  catchUp = new CatchUp(hub, (error) => failures.push(error));
}

/** As the endpoint answers it. */
function listChats(user: number): Loaded<unknown> {
  const services = { hub, admission: { admitRows: () => undefined } } as unknown as Services;
  const absent = { emoji: '', place: undefined, ifNeeded: undefined, body: undefined, photo: undefined };
  const request = { caller: { id: user }, id: 0, limit: 50, offset: 0, ...absent };
  return chatEndpoints.listChats(request, services);
}

interface Reader {
  readonly socket: Socket;
  readonly wire: FakeWire;
  /** The log's end when it was opened. */
  readonly since: number;
}

async function attach(make: (wire: FakeWire) => Socket): Promise<Reader> {
  const wire: FakeWire = new FakeWire(topics, () => catchUp.detach(socket));
  const socket = make(wire);
  const since = await store.newest();
  hub.add(socket);
  catchUp.attach(socket);
  return { socket, wire, since };
}

async function settled(readers: readonly Reader[]): Promise<void> {
  const end = await store.newest();
  const isDone = ({ socket }: Reader) => socket.state === 'live' || socket.state === 'closed';
  for (let turn = 0; turn < 20_000; turn++) {
    hub.follower.hint(end);
    if (hub.follower.position >= end && readers.every(isDone)) return;
    await nextTurn();
  }
  throw new Error(`at ${hub.follower.position} of ${end}: ${readers.map(({ socket }) => socket.state)}`);
}

/** The messages that a socket was shown. */
const shown = ({ wire }: Reader): Frame[] =>
  wire.frames.flatMap((frame) => (frame.type === 'history' ? frame.messages : [frame]));
const idsOf = (reader: Reader) => shown(reader).map(({ id }) => id);

describe('over a store that answers later', () => {
  it.each([
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
  ])('every socket is shown each message once, in order (seed %s)', async (seed) => {
    const random = new Random(seed);
    await open(seed);
    const fresh: (Reader & { readonly chat: number })[] = [];
    const resumed: (Reader & { readonly chat: number; readonly after: number })[] = [];
    const mains: (Reader & { readonly after: number })[] = [];
    for (let step = 0; step < 60; step++) {
      const chat = random.pick(chats);
      const commands: Command[] = Array.from({ length: random.from(0, 12) }, (_, n) =>
        say(random.pick(chats), random.from(1, 3), `${step} ${n}`),
      );
      const member = { actor: 1, groupId: chat, users: [MEMBERS] } as const;
      if (random.chance(0.2)) commands.push({ kind: 'remove_members', ...member });
      if (random.chance(0.2)) commands.push({ kind: 'add_members', ...member });
      if (random.chance(0.3))
        commands.push({ kind: 'update_user', actor: random.from(1, 3), name: `name ${step}` });
      if (random.chance(0.3))
        commands.push({ kind: 'update_group', actor: 1, groupId: chat, name: `${step}` });
      await store.run(...commands);
      hub.follower.hint(Number.MAX_SAFE_INTEGER);
      for (let turn = random.from(0, 4); turn > 0; turn--) await nextTurn();
      const user = random.from(1, 3);
      if (random.chance(0.3)) {
        const start = { limit: 1000, offset: 0 };
        fresh.push({ ...(await attach((wire) => new ChatSocket(wire, user, chat, start))), chat });
      }
      if (random.chance(0.3)) {
        const after = random.from(0, hub.follower.position);
        resumed.push({
          ...(await attach((wire) => new ChatSocket(wire, user, chat, { after }))),
          chat,
          after,
        });
      }
      if (random.chance(0.2)) {
        const after = random.from(0, hub.follower.position);
        mains.push({ ...(await attach((wire) => new MainSocket(wire, user, after))), after });
      }
    }
    await settled([...fresh, ...resumed, ...mains]);
    expect(failures).toEqual([]);
    for (const reader of fresh) {
      const said = await store.messages(reader.chat);
      expect(idsOf(reader)).toEqual(said.map(({ id }) => id));
    }
    for (const reader of resumed) {
      const said = await store.messages(reader.chat);
      expect(idsOf(reader)).toEqual(said.map(({ id }) => id).filter((id) => id > reader.after));
    }
    for (const reader of mains) {
      const ids = idsOf(reader);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
      // Everything since it went live, and of each chat the newest message at least.
      for (const chat of chats) {
        const newest = (await store.messages(chat)).at(-1)?.id ?? 0;
        if (newest > reader.after) expect(ids).toContain(newest);
      }
    }
    // A frame shows the name that its author had then, or has got since.
    const names = new Set([
      'User 1',
      'User 2',
      'User 3',
      ...Array.from({ length: 60 }, (_, n) => `name ${n}`),
    ]);
    for (const reader of [...fresh, ...resumed, ...mains])
      for (const { author } of shown(reader)) expect(names).toContain(author.name);
  });

  it('nothing that changed is remembered as it was before', async () => {
    const random = new Random('memory');
    const [chat = 0] = chats;
    await store.run(say(chat, 2, 'hello'));
    for (let round = 0; round < 100; round++) {
      await open(`round ${round}`); // A new worker, which remembers nothing.
      const reads: Promise<unknown>[] = [];
      const read = <V>(load: () => Loaded<V>) =>
        reads.push(new Promise<void>((done, fail) => hub.follower.readSoon(load, () => done(), fail)));
      const readers: Reader[] = [];
      const name = `round ${round}`;
      const changesAt = random.from(0, 6);
      for (let step = 0; step < 8; step++) {
        if (step === changesAt) {
          await store.run({ kind: 'update_user', actor: 2, name });
          await store.run({ kind: 'update_group', actor: 1, groupId: chat, name });
        }
        if (random.chance(0.4)) hub.follower.hint(Number.MAX_SAFE_INTEGER);
        if (random.chance(0.3)) read(() => hub.loadProfile(2));
        if (random.chance(0.3)) read(() => hub.loadChat(1, chat, 'group'));
        if (random.chance(0.3)) read(() => listChats(1));
        const start = random.chance(0.5) ? { after: 0 } : { limit: 100, offset: 0 };
        if (random.chance(0.3)) readers.push(await attach((wire) => new ChatSocket(wire, 1, chat, start)));
        for (let turn = random.from(0, 2); turn > 0; turn--) await nextTurn();
      }
      await settled(readers);
      await Promise.all(reads);
      expect(failures).toEqual([]);
      expect([name, '']).toContain(JSON.parse(hub.caches.nameJson(2)));
      expect([name, undefined]).toContain(hub.caches.chat(chat)?.name);
      for (const start of [{ after: 0 }, { limit: 100, offset: 0 }]) {
        const reader = await attach((wire) => new ChatSocket(wire, 1, chat, start));
        await settled([reader]);
        expect(shown(reader).map(({ author }) => author.name)).toEqual([name]);
      }
      hub.close();
      for (let turn = 0; turn < 10; turn++) await nextTurn(); // Answers that are on their way.
    }
  });

  it('a removed member is shown nothing that was said after the removal', async () => {
    await open('removal');
    const [chat = 0] = chats;
    for (let round = 0; round < 30; round++) {
      const member = { actor: 1, groupId: chat, users: [MEMBERS] } as const;
      const reader = await attach((wire) => new ChatSocket(wire, MEMBERS, chat, { after: 0 }));
      await store.run(say(chat, 1, `before ${round}`));
      for (let turn = round % 5; turn > 0; turn--) await nextTurn();
      await store.run({ kind: 'remove_members', ...member }, say(chat, 1, `secret ${round}`));
      hub.follower.hint(Number.MAX_SAFE_INTEGER);
      await settled([reader]);
      expect(reader.socket.state).toBe('closed');
      expect([4403, 4404]).toContain(reader.wire.ended?.code);
      expect(shown(reader).filter(({ text }) => text === `secret ${round}`)).toEqual([]);
      await store.run({ kind: 'add_members', ...member });
      await settled([]);
    }
    expect(failures).toEqual([]);
  });

  it('whoever asks is answered as of the log that there was when they asked', async () => {
    await open('reads');
    const [chat = 0] = chats;
    for (let round = 0; round < 30; round++) {
      await store.run({ kind: 'update_group', actor: 1, groupId: chat, name: `round ${round}` });
      const end = await store.newest();
      const seen = await hub.follower.read(
        () => hub.loadChat(1, chat, 'group'),
        (group) => ({ name: group.name, position: hub.follower.position }),
      );
      expect(seen.name).toBe(`round ${round}`);
      expect(seen.position).toBeGreaterThanOrEqual(end);
    }
  });
});
