import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import type { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ workers: 2 });
});
afterAll(() => server.stop());

/** Sockets of the user on two different workers: the kernel spreads connections, so a few tries find both. */
async function onBothWorkers(user: TestUser, path: string): Promise<[TestSocket, TestSocket]> {
  const first = await user.connect(path);
  for (let tries = 0; tries < 64; tries++) {
    const second = await user.connect(path);
    if (second.worker !== first.worker) return [first, second];
    await second.close();
  }
  throw new Error('all connections went to one worker');
}

describe('a conversation', () => {
  it('reaches every socket of the chat, on every worker, in one order', async () => {
    const alice = await server.user('Alice');
    const bob = await server.user('Bob');
    const chat = await alice.chatWith(bob);
    const [first, second] = await onBothWorkers(bob, `/chat/${chat}`);
    const speaker = await alice.connect(`/chat/${chat}`);
    for (const socket of [first, second, speaker]) {
      expect(await socket.next()).toEqual({ type: 'history', messages: [], error: 'no messages' });
    }
    for (let n = 0; n < 50; n++) speaker.says(`message ${n}`);
    for (const socket of [first, second, speaker]) {
      for (let n = 0; n < 50; n++) await socket.hears(`message ${n}`);
    }
    expect(first.frames).toEqual(second.frames);
    expect(first.frames).toEqual(speaker.frames);
  });
});
