import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import type { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

const MESSAGES = 4000;
/** All in all 16 MB: more than the kernel takes in for a peer that does not read. */
const TEXT = 'x'.repeat(4000);

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ workers: 2 });
});
afterAll(() => server.stop());

function heard(socket: TestSocket): number[] {
  return socket.frames
    .flatMap((frame) => (frame.type === 'history' ? frame.messages : [frame]))
    .map(({ text }) => Number.parseInt(text, 10));
}

const all = Array.from({ length: MESSAGES }, (_, n) => n + 1);

describe('readers that stop for a while in a busy group', () => {
  let alice: TestUser;
  let bob: TestUser;
  let group: number;
  let other: number;
  let slow: TestSocket[];
  let slowMain: TestSocket;

  beforeAll(async () => {
    alice = await server.user('Alice');
    bob = await server.user('Bob');
    group = await alice.groupWith(bob);
    other = await alice.chatWith(bob);
    const path = `/group/${group}`;
    const sender = await alice.connect(path);
    const quick = await Promise.all(Array.from({ length: 10 }, () => bob.connect(path)));
    slow = await Promise.all(Array.from({ length: 5 }, () => bob.connect(path)));
    slowMain = await bob.connect('/main');
    await Promise.all([sender, ...quick, ...slow].map((socket) => socket.nextOf('history')));
    for (const socket of [...slow, slowMain]) socket.pause();
    for (let n = 0; n < MESSAGES; n += 50) {
      for (let said = n; said < n + 50; said++) sender.says(`${said + 1} ${TEXT}`);
      await until(() => heard(sender).length >= n + 50);
    }
    const late = await alice.connect(`/chat/${other}`);
    late.says('in the other chat');
    await late.nextOf('history');
    await late.hears('in the other chat');
    await until(() => quick.every((socket) => heard(socket).length === MESSAGES));
    for (const socket of quick) expect(heard(socket)).toEqual(all);
  });

  it('had been sent only a part of it, and get the rest once and in order when they read on', async () => {
    for (const socket of slow) {
      expect(heard(socket).length).toBeLessThan(MESSAGES);
      socket.resume();
    }
    await until(() => slow.every((socket) => heard(socket).length >= MESSAGES));
    for (const socket of slow) {
      expect(heard(socket)).toEqual(all);
      expect(socket.frames.filter(({ type }) => type === 'history')).toHaveLength(1);
    }
  });

  it('are live again', async () => {
    const sender = await alice.connect(`/group/${group}?after=${slow[0]?.frames.at(-1).id}`);
    await sender.nextOf('history');
    sender.says(`${MESSAGES + 1} again`);
    await until(() => slow.every((socket) => heard(socket).at(-1) === MESSAGES + 1));
  });

  it('get on main the newest of each chat', async () => {
    slowMain.resume();
    const newest = () => new Map(slowMain.frames.map((frame) => [frame.chat_id, frame]));
    await until(
      () =>
        newest().size === 2 &&
        newest()
          .get(group)
          .text.startsWith(`${MESSAGES + 1} `),
      20_000,
    );
    const ids = slowMain.frames.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(newest().get(other).text).toBe('in the other chat');
    expect(ids.length).toBeLessThan(MESSAGES);
  });
});
