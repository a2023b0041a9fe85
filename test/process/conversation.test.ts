import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.shared();
});
afterAll(() => server.stop());

describe('a conversation', () => {
  it('reaches every socket of the chat, on every worker, in one order', async () => {
    const alice = await server.user('Alice');
    const bob = await server.user('Bob');
    const chat = await alice.chatWith(bob);
    const [first, second] = await bob.connectOnBoth(`/chat/${chat}`);
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
