import { afterAll, beforeAll, expect, it } from 'vitest';
import { browse, idOf, pagesOf, shownTo } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

const ROUNDS = 8;
const IN_FLIGHT = 20;

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob, carol] = [await server.user('Alice'), await server.user('Bob'), await server.user('Carol')];
});
afterAll(() => server.stop());

/** Keeps messages in flight from these sockets until it is told to stop; each text begins with the topic. */
function keepSpeaking(sockets: readonly TestSocket[], firstTopic: string) {
  let topic = firstTopic;
  let speaking = true;
  const speak = async (socket: TestSocket, who: number) => {
    for (let sent = IN_FLIGHT; speaking; sent += IN_FLIGHT) {
      let text = '';
      for (let n = sent - IN_FLIGHT; n < sent; n++) {
        text = `${topic}: ${who}.${n}`;
        socket.says(text);
      }
      while ((await socket.next()).text !== text);
    }
  };
  const done = Promise.all(sockets.map(speak));
  done.catch(() => undefined); // Heard of by whoever stops it.
  return {
    turnTo: (next: string) => {
      topic = next;
    },
    stop: () => {
      speaking = false;
      return done;
    },
  };
}

/** Connects again and again, and leaves the sockets open, until there is no such group for the user. */
async function keepConnecting(user: TestUser, path: string, sockets: TestSocket[]): Promise<void> {
  for (;;) {
    const socket = await browse(user, sockets.length % 2 === 0 ? path : `${path}?after=0`);
    sockets.push(socket);
    await until(() => socket.frames.length > 0 || !socket.isOpen);
    if (!socket.isOpen && (await socket.closed()).code === 4404) return;
  }
}

const isOneOrderWithoutRepeats = (ids: readonly number[]) =>
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));

it('a member removed while messages flow sees all before the removal and nothing after it, on every socket', async () => {
  const group = await alice.groupWith(bob, carol);
  const path = `/group/${group}`;
  const writers = await carol.connectOnBoth(path);
  const speech = keepSpeaking(writers, 'begin');

  for (let round = 0; round < ROUNDS; round++) {
    const [during, after] = [`during ${round}`, `after ${round}`];
    speech.turnTo(during);
    const chats = await bob.connectOnBoth(path);
    const mains = await bob.connectOnBoth('/main');
    const latecomers: TestSocket[] = [];
    const connecting = keepConnecting(bob, path, latecomers);
    await until(() => latecomers.length > 2 && [...chats, ...mains].every(({ frames }) => frames.length > 1));

    const heardBefore: number = writers[0].frames.at(-1).id;
    expect((await alice.delete(`${path}/delete`, { users: [{ id: bob.id }] })).status).toBe(200);
    speech.turnTo(after);
    for (const socket of chats) expect((await socket.closed()).code).toBe(4403);
    await connecting;
    for (const socket of latecomers) expect([4403, 4404]).toContain((await socket.closed()).code);
    for (const writer of writers) await until(() => writer.frames.at(-1).text.startsWith(after));
    for (const main of mains) await main.close();

    // All live sockets, on both workers, end at one message: the last before the removal.
    const [last] = chats.map((socket) => shownTo(socket).at(-1).id);
    for (const socket of [...chats, ...mains]) expect(shownTo(socket).at(-1).id).toBe(last);
    expect(last).toBeGreaterThanOrEqual(heardBefore);
    for (const socket of latecomers)
      expect(Math.max(0, ...shownTo(socket).map(idOf))).toBeLessThanOrEqual(last);

    // What any of them saw is a stretch of what a member who stays has, without a hole.
    const all = (await pagesOf(await alice.connect(`${path}?after=0`))).flatMap(({ messages }) => messages);
    const ids = all.map(idOf);
    isOneOrderWithoutRepeats(ids);
    for (const socket of [...chats, ...mains, ...latecomers]) {
      const shown = shownTo(socket).map(idOf);
      const from = ids.indexOf(shown[0] as number);
      expect(shown).toEqual(shown.length === 0 ? [] : ids.slice(from, from + shown.length));
    }
    const firstAfter = all.findIndex(({ text }) => text.startsWith(after));
    expect(ids[firstAfter]).toBeGreaterThan(last);
    expect((await alice.post(`${path}/add`, { users: [{ id: bob.id }] })).status).toBe(200);
  }
  await speech.stop();
});
