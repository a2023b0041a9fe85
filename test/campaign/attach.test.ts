import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import type { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

const ATTACHES = 1000;
const MESSAGES_PER_SECOND = 1000;
/** Each newcomer stays until it has heard this many live messages. */
const STAYS_FOR = 5;
const AT_ONCE = 20;

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ workers: 2 });
});
afterAll(() => server.stop());

/** Speaks at a steady rate until told to stop; resolves to how much was said. */
function speaker(socket: TestSocket): () => Promise<number> {
  let said = 0;
  const start = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - start) / 1000) * MESSAGES_PER_SECOND;
    for (; said < due; said++) socket.says(`message ${said + 1}`);
  }, 10);
  return async () => {
    clearInterval(timer);
    await until(() => socket.frames.length > said);
    return said;
  };
}

/** The numbers of the messages that a socket was shown, history first. */
function heard(socket: TestSocket): number[] {
  return socket.frames
    .flatMap((frame) => (frame.type === 'history' ? frame.messages : [frame]))
    .map(({ text }: { text: string }) => Number(text.slice('message '.length)));
}

async function attach(user: TestUser, path: string): Promise<number[]> {
  const socket = await user.connect(path);
  await until(() => socket.frames.length > STAYS_FOR);
  await socket.close();
  return heard(socket);
}

describe('attaching to a chat in which a thousand messages a second are said', () => {
  it('shows each of a thousand newcomers history and live messages without a gap or a repeat', async () => {
    const alice = await server.user('Alice');
    const bob = await server.user('Bob');
    const chat = await alice.chatWith(bob);
    const sender = await alice.connect(`/chat/${chat}`);
    const stop = speaker(sender);
    const shown: number[][] = [];
    for (let begun = 0; begun < ATTACHES; begun += AT_ONCE) {
      // Half come as new, half resume after what somebody saw a moment ago.
      const seen = sender.frames.at(-1)?.id ?? 0;
      const paths = Array.from({ length: AT_ONCE }, (_, n) => (n % 2 ? `?after=${seen}` : '?limit=20'));
      shown.push(...(await Promise.all(paths.map((query) => attach(bob, `/chat/${chat}${query}`)))));
    }
    const said = await stop();

    expect(shown).toHaveLength(ATTACHES);
    expect(said).toBeGreaterThan(ATTACHES);
    for (const numbers of shown) {
      const first = numbers[0] ?? 0;
      expect(numbers).toEqual(numbers.map((_, index) => first + index));
    }
    expect(heard(sender)).toEqual(Array.from({ length: said }, (_, n) => n + 1));
  });
});
