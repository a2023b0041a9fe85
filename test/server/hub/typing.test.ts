import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Typing } from '../../../src/link/bus.js';
import { TypingIndicators } from '../../../src/server/hub/typing.js';
import { HeldStore } from '../../support/held-store.js';
import { TestHub } from '../../support/hub.js';
import { MemoryHub } from '../../support/memory-bus.js';
import { say } from '../../support/store.js';
import { turns } from '../../support/wait.js';

/** A worker with a socket of user 1 in a group of three, which hears the signals of another worker. */
let own: TestHub;
let typing: TypingIndicators;
let held: HeldStore;
let group: number;
let types: () => string[];
let signal: (on: boolean, more?: Partial<Typing>) => Promise<void>;
/** What the other worker heard. */
let heard: boolean[];

beforeEach(async () => {
  const buses = new MemoryHub();
  const bus = buses.join();
  own = await TestHub.open({
    bus,
    prepare: async (store) => {
      group = await store.group(3);
    },
    over: (read) => {
      held = new HeldStore(read, ['memberFor']);
      return held.read;
    },
  });
  typing = new TypingIndicators(own.hub, bus, 100, () => 0);
  const { wire } = own.chat(1, group, { limit: 0, offset: 0 });
  types = () => wire.frames.filter(({ type }) => type !== 'history').map(({ type }) => type);
  let sequence = 0;
  const other = buses.join();
  other.subscribe(group);
  heard = [];
  other.onTyping(({ worker, on }) => worker !== 'other' && heard.push(on));
  signal = async (on, more = {}) => {
    sequence += 1;
    const { position } = own.hub.follower;
    other.publish({ chatId: group, userId: 2, on, worker: 'other', sequence, position, ...more });
    await turns();
  };
});
afterEach(async () => {
  typing.close();
  await own.close();
});

it('whoever begins is shown when the store says that they are a member', async () => {
  await signal(true);
  expect(types()).toEqual([]);
  await held.answer('memberFor');
  expect(types()).toEqual(['typing']);
  await signal(true, { userId: 4 });
  await held.answer('memberFor');
  expect(types()).toEqual(['typing']);
});

it('whoever stopped before the store has answered is not shown', async () => {
  await signal(true);
  await signal(false);
  await held.answer('memberFor');
  expect(types()).toEqual([]);
});

it('whoever was not shown is not taken back', async () => {
  await signal(false);
  expect(types()).toEqual([]);
});

it('a signal that comes twice or late is not shown again', async () => {
  await signal(true, { sequence: 5 });
  await held.answer('memberFor');
  await signal(false, { sequence: 6 });
  expect(types()).toEqual(['typing', 'stop_typing']);
  await signal(true, { sequence: 5 });
  await signal(true, { sequence: 6 });
  await held.answer('memberFor');
  expect(types()).toEqual(['typing', 'stop_typing']);
  await signal(true, { sequence: 7 });
  await held.answer('memberFor');
  expect(types()).toEqual(['typing', 'stop_typing', 'typing']);
});

it('whoever wrote after the signal is not shown, and a message takes back whoever is', async () => {
  const { position } = own.hub.follower;
  await own.run(say(group, 2, 'done'));
  await signal(true, { position });
  await held.answer('memberFor');
  expect(types()).toEqual(['message']);
  await signal(true);
  await held.answer('memberFor');
  await own.run(say(group, 2, 'done again'));
  expect(types()).toEqual(['message', 'typing', 'stop_typing', 'message']);
});

it('a main socket takes back only what is typed in a chat that it looks at', async () => {
  const { socket: stranger } = own.main(4);
  await typing.typed(stranger, group, false);
  await turns();
  expect(heard).toEqual([]);
  const { socket: member } = own.main(2);
  await typing.typed(member, group, true);
  await typing.typed(member, group, false);
  await turns();
  expect(heard).toEqual([true, false]);
});
