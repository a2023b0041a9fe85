import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bus, Typing } from '../../../src/link/bus.js';
import type { LinkClient } from '../../../src/link/client.js';
import { connectLink, TestLedger, temporaryFolder } from '../../support/ledger.js';
import { SECRET } from '../../support/server.js';
import type { TestSocket } from '../../support/socket.js';
import { TestUser } from '../../support/user.js';
import { until } from '../../support/wait.js';
import { startWorker, type TestWorker } from '../../support/worker.js';

const MESSAGES = 300;
/** Without any hint, a worker looks at the log this often: here when the test says that the time has passed. */
const LOOK_EVERY_MS = 250;

/** What happens to one hint: the listener is called as often, and with whatever, the test wants. */
type Mischief = (id: number, tell: (id: number) => void) => void;

/** The link, with hints that the test has its way with. */
class MischievousBus implements Bus {
  readonly #link: LinkClient;
  readonly #mischief: Mischief;

  constructor(link: LinkClient, mischief: Mischief) {
    this.#link = link;
    this.#mischief = mischief;
  }

  subscribe(chatId: number): void {
    this.#link.subscribe(chatId);
  }

  unsubscribe(chatId: number): void {
    this.#link.unsubscribe(chatId);
  }

  publish(typing: Typing): void {
    this.#link.publish(typing);
  }

  onTyping(listener: (typing: Typing) => void): void {
    this.#link.onTyping(listener);
  }

  onNewest(listener: (id: number) => void): void {
    this.#link.onNewest((id) => this.#mischief(id, listener));
  }
}

const held: number[] = [];
const mischiefs: Readonly<Record<string, Mischief>> = {
  lost: () => undefined,
  repeated: (id, tell) => {
    for (let n = 0; n < 5; n++) tell(id);
  },
  reordered: (id, tell) => {
    held.push(id);
    if (held.length >= 4) for (const late of held.splice(0).reverse()) setTimeout(() => tell(late), late % 7);
  },
  invented: (id, tell) => {
    tell(id + 1_000_000);
    tell(Number.MAX_SAFE_INTEGER);
    tell(-1);
    tell(Number.NaN);
    tell('nonsense' as never);
  },
};

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ledger: TestLedger;
let link: LinkClient;
let worker: TestWorker | undefined;
/** Whether the worker is told what the ledger answers, as the one that asked is in life. */
let isTold = false;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  folder = await temporaryFolder();
  ledger = await TestLedger.start(folder.path);
  link = await connectLink(folder.path, undefined, undefined, (entries) => {
    if (isTold) worker?.hub.follower.prefetch(entries);
  });
});
afterEach(async () => {
  worker?.close();
  link.close();
  await ledger.stop();
  await folder.remove();
  vi.useRealTimers();
});

async function person(url: string, id: number, name: string): Promise<TestUser> {
  const token = await new SignJWT({ sub: String(id) })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(SECRET));
  const user = new TestUser(url, token, id, name);
  await user.createProfile();
  return user;
}

function texts(socket: TestSocket): string[] {
  return socket.frames
    .flatMap((frame) => (frame.type === 'history' ? frame.messages : [frame]))
    .map(({ text }) => text);
}

const ways = Object.entries(mischiefs).flatMap(([name, mischief]) => [
  { name, mischief, tells: false, end: '' },
  { name, mischief, tells: true, end: ', and answers tell entries' },
]);

describe.each(ways)('when hints are $name$end', ({ mischief, tells }) => {
  beforeEach(() => {
    isTold = tells;
  });

  it('every message arrives once, in order, and with the next look at the latest', async () => {
    worker = await startWorker(folder.path, new MischievousBus(link, mischief), link);
    const alice = await person(worker.url, 1, 'Alice');
    const bob = await person(worker.url, 2, 'Bob');
    const chatId = await alice.chatWith(bob);
    const sockets = [await alice.connect(`/chat/${chatId}`), await bob.connect(`/chat/${chatId}`)];

    const expected = Array.from({ length: MESSAGES }, (_, n) => `message ${n}`);
    for (const [n, text] of expected.entries()) {
      const sent = link.submit('post_message', { chatId, authorId: 1, text });
      if (n % 10 === 0) await sent;
    }
    const { id: last } = await link.submit('post_message', { chatId, authorId: 1, text: 'the last' });
    vi.advanceTimersByTime(LOOK_EVERY_MS);
    expect(worker.position()).toBe(last);
    for (const socket of sockets) {
      await until(() => texts(socket).length > MESSAGES);
      expect(texts(socket)).toEqual([...expected, 'the last']);
    }
  });

  it('reads that follow a change show it, and a socket attaches exactly, over a backlog of many pages', async () => {
    worker = await startWorker(folder.path, new MischievousBus(link, mischief), link);
    const alice = await person(worker.url, 1, 'Alice');
    const bob = await person(worker.url, 2, 'Bob');
    const chatId = await alice.chatWith(bob);
    const last = 3000;
    const posts = Array.from({ length: last }, (_, n) =>
      link.submit('post_message', { chatId, authorId: 1, text: `message ${n + 1}` }),
    );
    await Promise.all(posts);

    const [{ body }, socket] = await Promise.all([bob.get('/chats'), bob.connect(`/chat/${chatId}?limit=5`)]);
    expect(body.rooms[0].last_message.text).toBe(`message ${last}`);
    await link.submit('post_message', { chatId, authorId: 1, text: 'live' });
    vi.advanceTimersByTime(LOOK_EVERY_MS);
    const history = await socket.nextOf('history');
    const shown = history.messages.map(({ text }: { text: string }) => text);
    expect(shown).toEqual(Array.from({ length: 5 }, (_, n) => `message ${last - 4 + n}`));
    await socket.hears('live');
  });
});
