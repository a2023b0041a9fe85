import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CatchUp } from '../../../src/server/hub/catch-up/catch-up.js';
import { Hub } from '../../../src/server/hub/hub.js';
import { ChatSocket, MainSocket, type Socket } from '../../../src/server/hub/sockets.js';
import type { ReadStore } from '../../../src/store/read-store.js';
import { temporaryFolder } from '../../support/ledger.js';
import { MemoryHub } from '../../support/memory-bus.js';
import { overStore } from '../../support/over-store.js';
import { openSqlite } from '../../support/sqlite.js';
import { say, TestStore } from '../../support/store.js';
import { until } from '../../support/wait.js';
import { FakeTopics, FakeWire } from '../../support/wire.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** As long as the contract lets a message be, nearly. */
const LONG = 'x'.repeat(4000);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: TestStore;
let group: number;
let topics: FakeTopics;
let hub: Hub;
let attachments: CatchUp;
let said: number;
let pagesRead = 0;
let chatsRead = 0;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'performance'] });
  folder = await temporaryFolder();
  store = await TestStore.open(openSqlite, folder.path);
  group = await store.group(3);
  said = 0;
  topics = new FakeTopics();
  const fail = (error: unknown) => {
    throw error;
  };
  hub = await Hub.open(counted(store.read), topics, new MemoryHub().join(), fail);
  attachments = new CatchUp(hub, fail);
});
afterEach(async () => {
  hub.close();
  store.close();
  vi.useRealTimers();
  await folder.remove();
});

/** The same store, counting the pages of messages that are read. */
function counted(read: ReadStore): ReadStore {
  return overStore(read, {
    roomsOf: (...question) => {
      if (question[2] === undefined) chatsRead += 1;
      return read.roomsOf(...question);
    },
    entriesFor: (...question) => {
      if (question[3].max > 0) pagesRead += 1;
      return read.entriesFor(...question);
    },
  });
}

interface Reader {
  readonly socket: Socket;
  readonly wire: FakeWire;
  /** The peer takes everything. */
  drain(): void;
}

function open(make: (wire: FakeWire) => Socket): Reader {
  const wire: FakeWire = new FakeWire(topics, () => attachments.detach(socket));
  const socket = make(wire);
  hub.add(socket);
  attachments.attach(socket);
  const drain = () => {
    wire.buffered = 0;
    attachments.drained(socket);
  };
  return { socket, wire, drain };
}

const reader = (userId = 1, start: ChatSocket['start'] = { limit: 0, offset: 0 }) =>
  open((wire) => new ChatSocket(wire, userId, group, start));
const mainReader = (userId = 1, after?: number) => open((wire) => new MainSocket(wire, userId, after));

/** Says so many long messages; everyone follows, tick by tick. */
async function talk(count: number, text = LONG, chatId = group): Promise<void> {
  for (let left = count; left > 0; left -= 100) {
    const commands = Array.from({ length: Math.min(left, 100) }, () => say(chatId, 2, `${++said} ${text}`));
    await store.run(...commands);
    hub.follower.hint(Number.MAX_SAFE_INTEGER);
    await ticks();
  }
}

/** Lets the worker do all that is due; each turn of the loop takes the clock a millisecond. */
async function ticks(): Promise<void> {
  await vi.advanceTimersByTimeAsync(20);
}

/** The numbers of the messages that a reader was shown, history first. */
const heard = ({ wire }: Reader) =>
  wire.frames
    .flatMap((frame) => (frame.type === 'history' ? frame.messages : [frame]))
    .map(({ text }) => Number.parseInt(text, 10));
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

describe('a live socket that does not take what it is sent', () => {
  it('stays live up to half a megabyte', async () => {
    const slow = reader();
    slow.wire.stalled = true;
    await talk(100);
    expect(slow.socket.state).toBe('live');
    expect(heard(slow)).toEqual(upTo(100));
  });

  it('falls behind, and holds less than a megabyte however much is said', async () => {
    const slow = reader();
    slow.wire.stalled = true;
    await talk(3000);
    expect(slow.socket.state).toBe('behind');
    expect(slow.wire.topics.size).toBe(0);
    expect(slow.wire.buffersMost).toBeGreaterThan(512 * KIB);
    expect(slow.wire.buffersMost).toBeLessThan(MIB);
  });

  it('holds less than a megabyte also when text grows sixfold in JSON', async () => {
    const slow = reader();
    slow.wire.stalled = true;
    await talk(1000, '\u0001'.repeat(4000));
    expect(slow.wire.buffersMost).toBeLessThan(MIB);
    slow.wire.stalled = false;
    slow.drain();
    await ticks();
    expect(heard(slow)).toEqual(upTo(said));
  });

  it('gets what it missed as single messages, once and in order, and is live again', async () => {
    const slow = reader();
    slow.wire.stalled = true;
    await talk(3000);
    slow.wire.stalled = false;
    slow.drain();
    await ticks();
    expect(slow.socket.state).toBe('live');
    await talk(10);
    expect(heard(slow)).toEqual(upTo(3010));
    expect(slow.wire.frames.filter(({ type }) => type === 'history')).toHaveLength(1);
  });

  it('gets a page each time it has drained, never more than it takes', async () => {
    const slow = reader();
    slow.wire.stalled = true;
    await talk(2000);
    while (slow.socket.state === 'behind') {
      const before = heard(slow).length;
      slow.drain();
      await ticks();
      expect(slow.wire.buffered).toBeLessThanOrEqual(256 * KIB);
      expect(heard(slow).length).toBeGreaterThan(before);
      await talk(1);
    }
    expect(heard(slow)).toEqual(upTo(said));
  });

  it('is not live while more than 64 KiB are left to take', async () => {
    const slow = reader();
    slow.wire.stalled = true;
    await talk(500);
    slow.wire.buffered = 65 * KIB;
    attachments.drained(slow.socket);
    await vi.advanceTimersByTimeAsync(5000);
    expect(slow.socket.state).toBe('behind');
    slow.wire.stalled = false;
    slow.wire.buffered = 64 * KIB;
    attachments.drained(slow.socket);
    await ticks();
    expect(slow.socket.state).toBe('live');
  });

  it('costs the others nothing: they are live all the time, and hear everything at once', async () => {
    const slow = Array.from({ length: 20 }, () => reader());
    const quick = Array.from({ length: 20 }, () => reader(3));
    for (const { wire } of slow) wire.stalled = true;
    await talk(1000);
    for (const one of quick) {
      expect(one.socket.state).toBe('live');
      expect(heard(one)).toEqual(upTo(1000));
    }
    expect(slow.map(({ socket }) => socket.state)).toEqual(Array(20).fill('behind'));
  });

  it('that opens is live only when it has taken its history', async () => {
    await talk(60);
    const slow = open((wire) => {
      wire.stalled = true;
      return new ChatSocket(wire, 1, group, { limit: 1000, offset: 0 });
    });
    await talk(10, 'while it drains');
    expect(slow.socket.state).toBe('behind');
    slow.wire.stalled = false;
    slow.drain();
    await ticks();
    expect(slow.socket.state).toBe('live');
    expect(heard(slow)).toEqual(upTo(70));
    expect(slow.wire.frames.map(({ type }) => type)).toEqual(['history', ...Array(10).fill('message')]);
  });

  it('of a removed member is ended where the removal stands, and shows nothing later', async () => {
    const slow = reader(3);
    slow.wire.stalled = true;
    await talk(1000);
    await store.ok('remove_members', { actor: 1, groupId: group, users: [3] });
    await talk(10);
    expect(slow.wire.ended?.code).toBe(4403);
    expect(Math.max(...heard(slow))).toBeLessThanOrEqual(1000);
  });

  it('of a deleted group is ended', async () => {
    const slow = reader(3);
    slow.wire.stalled = true;
    await talk(1000);
    await store.ok('delete_group', { actor: 1, groupId: group });
    hub.follower.hint(Number.MAX_SAFE_INTEGER);
    await ticks();
    expect(slow.wire.ended?.code).toBe(4410);
  });
});

describe('a socket that makes no progress', () => {
  it('is closed with 4503 after 30 seconds, not before', async () => {
    const slow = reader();
    slow.wire.stalled = true;
    await talk(500);
    await vi.advanceTimersByTimeAsync(29_000);
    expect(slow.wire.ended).toBeUndefined();
    await vi.advanceTimersByTimeAsync(3000);
    expect(slow.wire.ended).toEqual({ code: 4503, reason: 'too slow' });
    expect(hub.room(group).size).toBe(0);
  });

  it('is closed too when it never takes its history', async () => {
    await talk(1000);
    const slow = open((wire) => {
      wire.stalled = true;
      return new ChatSocket(wire, 1, group, { after: 0 });
    });
    await vi.advanceTimersByTimeAsync(32_000);
    expect(slow.wire.ended?.code).toBe(4503);
    expect(slow.wire.buffersMost).toBeLessThan(MIB);
  });

  it('stays as long as it takes a little now and then', async () => {
    const slow = reader();
    slow.wire.stalled = true;
    await talk(500);
    for (let minute = 0; minute < 5; minute++) {
      await vi.advanceTimersByTimeAsync(25_000);
      slow.wire.buffered -= 1;
    }
    expect(slow.wire.ended).toBeUndefined();
  });
});

describe('a main socket that does not take what it is sent', () => {
  it('falls behind, and then gets the newest message of each chat, in their order', async () => {
    const { id: chat } = await store.ok('open_chat', { actor: 2, other: 1 });
    const slow = mainReader();
    slow.wire.stalled = true;
    await talk(1000);
    expect(slow.socket.state).toBe('behind');
    expect(slow.wire.topics.size).toBe(0);
    expect(slow.wire.buffersMost).toBeLessThan(MIB);
    await talk(1, 'in the chat', chat);
    await talk(1, 'in the group');

    slow.wire.stalled = false;
    const before = slow.wire.frames.length;
    slow.drain();
    await ticks();
    const caughtUp = slow.wire.frames
      .slice(before)
      .map(({ text, chat_id, chat_type }) => ({ text, chat_id, chat_type }));
    expect(caughtUp).toEqual([
      { text: '1001 in the chat', chat_id: chat, chat_type: 'private' },
      { text: '1002 in the group', chat_id: group, chat_type: 'group' },
    ]);
    expect(slow.socket.state).toBe('live');
    await talk(1, 'live', chat);
    await talk(1, 'live');
    expect(heard(slow).slice(-2)).toEqual([1003, 1004]);
  });

  it('with many chats is read a page at a time, in order, what changes meanwhile once and later', async () => {
    const groups: number[] = [];
    for (let n = 0; n < 400; n++) {
      const { id } = await store.ok('create_group', {
        actor: 2,
        name: 'g',
        description: '',
        users: [1],
      });
      groups.push(id);
    }
    for (const id of groups) await talk(1, LONG, id);
    const [again = 0, left = 0] = groups.slice(-2);
    chatsRead = 0;
    const slow = mainReader(1, 0);
    slow.wire.stalled = true;
    await ticks();
    await talk(1, 'newer', again);
    await store.ok('remove_members', { actor: 2, groupId: left, users: [1] });
    for (let page = 0; page < 10 && slow.socket.state !== 'live'; page++) {
      expect(slow.wire.buffered).toBeLessThan(MIB);
      slow.drain();
      await ticks();
    }
    expect(slow.socket.state).toBe('live');
    expect(heard(slow)).toEqual([...upTo(398), 401]);
    // Once for what there was, and once for what came meanwhile.
    expect(chatsRead).toBe(2);
  });

  it('hears of no group that it was taken out of meanwhile', async () => {
    const slow = mainReader(3);
    slow.wire.stalled = true;
    await talk(1000);
    await store.ok('remove_members', { actor: 1, groupId: group, users: [3] });
    const before = slow.wire.frames.length;
    slow.wire.stalled = false;
    slow.drain();
    await ticks();
    await talk(3);
    expect(slow.socket.state).toBe('live');
    expect(slow.wire.frames.slice(before)).toEqual([]);
  });
});

describe('when the peers of a worker together hold more than 256 MiB', () => {
  it('nobody is sent a page, who opens waits, and all goes on when there is room', async () => {
    await talk(500);
    const crowd = Array.from({ length: 700 }, () => reader(3));
    for (const { wire } of crowd) wire.buffered = 400 * KIB;
    await vi.advanceTimersByTimeAsync(1100);
    expect(hub.backpressure.full).toBe(true);
    // None is live with more than its fair share.
    expect(new Set(crowd.map(({ socket }) => socket.state))).toEqual(new Set(['behind']));

    // It lasts, because they do take a little.
    const newcomer = reader(1, { after: 0 });
    for (let n = 0; n < 3; n++) {
      for (const { wire } of crowd) wire.buffered -= 1;
      await vi.advanceTimersByTimeAsync(20_000);
    }
    expect(newcomer.wire.frames).toEqual([]);
    expect(newcomer.wire.ended).toBeUndefined();

    for (const one of crowd) one.drain();
    await vi.advanceTimersByTimeAsync(1000);
    await ticks();
    expect(hub.backpressure.full).toBe(false);
    expect(heard(newcomer)).toEqual(upTo(500));
    expect(newcomer.socket.state).toBe('live');
    expect(new Set(crowd.map(({ socket }) => socket.state))).toEqual(new Set(['live']));
  });

  it('what ended sockets leave with the engine counts too, until it gives that up', async () => {
    const crowd = Array.from({ length: 700 }, () => reader(3));
    for (const { wire } of crowd) wire.buffered = 400 * KIB;
    await vi.advanceTimersByTimeAsync(1100);
    let gone = 0;
    const left = () => {
      gone += 1;
    };
    for (const { socket } of crowd) {
      hub.backpressure.ended(socket, left);
      attachments.detach(socket);
    }
    await vi.advanceTimersByTimeAsync(15_000);
    expect([hub.backpressure.full, gone]).toEqual([true, 0]);
    await vi.advanceTimersByTimeAsync(7000);
    expect([hub.backpressure.full, gone]).toEqual([false, 700]);
  });

  it('those that took everything leave nothing', async () => {
    const one = reader();
    one.wire.buffered = 400 * KIB;
    await vi.advanceTimersByTimeAsync(1100);
    one.drain();
    let gone = false;
    hub.backpressure.ended(one.socket, () => {
      gone = true;
    });
    expect(gone).toBe(true);
  });
});

describe('a socket that speaks before it has its history', () => {
  it('is heard after it, so that it is shown what it said', async () => {
    const crowd = reader(3);
    crowd.wire.buffered = 300 * MIB; // So whoever opens waits.
    await vi.advanceTimersByTimeAsync(1100);
    const newcomer = reader(1, { limit: 0, offset: 0 });
    const socket = newcomer.socket as ChatSocket;
    let taken = 0;
    for (let n = 0; n < 64; n++) expect(socket.afterHistory(() => (taken += 1))).toBe(true);
    expect(socket.afterHistory(() => (taken += 1000))).toBe(false);
    await talk(10);
    expect(taken).toBe(0);
    expect(newcomer.wire.frames).toEqual([]);

    crowd.drain();
    await vi.advanceTimersByTimeAsync(1000);
    expect(newcomer.wire.frames.map(({ type }) => type)).toEqual(['history']);
    expect(taken).toBe(64);
    await talk(1);
    expect(heard(newcomer)).toEqual([11]);
    expect(socket.afterHistory(() => (taken += 1))).toBe(true);
    expect(taken).toBe(65);
  });

  it('that resumes is heard at once: what it says comes in its turn', () => {
    const crowd = reader(3, { after: 0 });
    let taken = 0;
    crowd.socket.state = 'opening';
    expect((crowd.socket as ChatSocket).afterHistory(() => (taken += 1))).toBe(true);
    expect(taken).toBe(1);
  });
});

describe('sockets that wait for room and give up', () => {
  it('are forgotten at once', async () => {
    const crowd = Array.from({ length: 700 }, () => reader(3));
    for (const { wire } of crowd) wire.buffered = 400 * KIB;
    await vi.advanceTimersByTimeAsync(1100);
    const refs = Array.from({ length: 100 }, () => {
      const { socket, wire } = reader();
      wire.end(1000, 'gave up');
      return new WeakRef(socket);
    });
    vi.useRealTimers();
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    await until(() => {
      collect();
      return refs.every((ref) => ref.deref() === undefined);
    });
    expect(hub.backpressure.full).toBe(true);
  });
});

describe('a crowd of sockets behind in one chat', () => {
  it('reads each page of it from the store once, wherever each of them began', async () => {
    await talk(2500, 'a short one');
    const newest = store.read.newest() as number;
    pagesRead = 0;
    const crowd = Array.from({ length: 100 }, (_, n) => reader(3, { after: newest - 2500 + n }));
    for (let n = 0; n < 20 && crowd.some(({ socket }) => socket.state !== 'live'); n++) await ticks();
    for (const [n, one] of crowd.entries()) expect(heard(one)).toEqual(upTo(2500, n + 1));
    expect(pagesRead).toBeLessThan(10);
  });
});
