import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { at, historyOf, idOf, live, NO_MESSAGES, numbered, saysAll, textOf } from '../support/chat.js';
import { elapsedMs, smallestRatio } from '../support/measure.js';
import { isRunning } from '../support/processes.js';
import { TestServer } from '../support/server.js';
import type { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

const TIMES_MAX = 10;
/** A client that may have to send again keeps no more than this many messages without an echo: under 64. */
const IN_FLIGHT = 30;

let server: TestServer;
let dataDir: string;
let alice: TestUser;
let bob: TestUser;
let path: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'parley-test-'));
  await start();
});
beforeEach(async () => {
  if (!isRunning(server.pid)) await start();
  [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
  path = `/group/${await alice.groupWith(bob)}`;
});
afterAll(async () => {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function start(): Promise<void> {
  server = await TestServer.start({ workers: 2, dataDir });
}

/** On the same folder, at another port. */
async function startAgain(): Promise<void> {
  await start();
  [alice, bob] = [at(server, alice), at(server, bob)];
}

async function restart(): Promise<void> {
  expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
  await startAgain();
}

describe('SIGTERM', () => {
  it('closes every socket with 1012 and ends with 0, in order', async () => {
    const sockets = [
      ...(await alice.connectOnBoth(path)),
      ...(await bob.connectOnBoth('/main')),
      await bob.connect(`/chat/${await alice.chatWith(bob)}?after=0`),
    ];
    const ended = server.end('SIGTERM');
    for (const socket of sockets) expect(await socket.closed()).toMatchObject({ code: 1012 });
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(server.stoppedInOrder()).toEqual(['ledger', 'worker 1', 'worker 2']);
  });

  it('does not wait for a peer that reads nothing', async () => {
    const long = numbered('unread', 20).map((text) => text.padEnd(4096, 'x'));
    /** How long the server takes to stop. */
    const stopMs = async (reads: boolean) => {
      const his = await live(bob, path);
      if (!reads) his.pause();
      await saysAll(await live(alice, path), long);
      const ms = await elapsedMs(async () => {
        expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
      });
      expect(server.stoppedInOrder()).toEqual(['ledger', 'worker 1', 'worker 2']);
      await startAgain();
      return ms;
    };
    const [measured, control] = [() => stopMs(false), () => stopMs(true)];
    // To wait until the end of its time would take a worker 7 s, and it takes a tenth of one.
    const ratio = await smallestRatio({ measured, control, enough: TIMES_MAX, tries: 3 });
    expect(ratio).toBeLessThanOrEqual(TIMES_MAX);
  });

  it('while everybody speaks loses nothing that was acknowledged, and what is sent again is there once', async () => {
    const sockets = [await live(alice, path), await live(bob, path)];
    const speakers = sockets.map((socket, who) => keepSpeaking(socket, `speaker ${who}`));
    await until(() => sockets.every(({ frames }) => frames.length > 200));
    expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
    for (const socket of sockets) expect(await socket.closed()).toMatchObject({ code: 1012 });
    const said = await Promise.all(speakers);
    await startAgain();

    const stored = await historyOf(alice, path);
    const heard = sockets.map(({ frames }) => frames.filter(({ type }) => type === 'message'));
    for (const messages of heard) expect(messages).toEqual(stored.slice(0, messages.length));

    const again = [await live(alice, path), await live(bob, path)];
    for (const [who, texts] of said.entries()) {
      const acknowledged = new Set(heard[who]?.map(textOf));
      const missing = texts.filter((text) => !acknowledged.has(text));
      expect(missing.length).toBeLessThanOrEqual(IN_FLIGHT);
      for (const text of missing) again[who]?.says(text, text);
      await until(() => missing.every((text) => again[who]?.frames.some((frame) => frame.text === text)));
    }
    const all = await historyOf(bob, path);
    expect(all.map(textOf).sort()).toEqual(said.flat().sort());
    expect(all.map(idOf)).toEqual([...new Set(all.map(idOf))].sort((a, b) => a - b));
  });
});

describe('after a restart', () => {
  it('the history is what it was, and ids go on growing', async () => {
    const said = await saysAll(await live(alice, path), numbered('before', 150));
    await restart();
    expect(await historyOf(bob, path)).toEqual(said);
    const reader = await bob.connect(`${path}?after=${said.at(-1).id}`);
    expect(await reader.next()).toEqual(NO_MESSAGES);
    const [next] = await saysAll(await live(alice, path), ['after']);
    expect(next.id).toBeGreaterThan(said.at(-1).id);
    expect(await reader.next()).toEqual(next);
  });

  it('a client_id is still recognised, also with another text and on both workers', async () => {
    const writer = await live(alice, path);
    writer.says('once', 'again-1');
    const first = await writer.hears('once');
    await restart();
    const his = await live(bob, path);
    for (const socket of await alice.connectOnBoth(path)) {
      await socket.nextOf('history');
      for (const text of ['once', 'another text']) {
        socket.says(text, 'again-1');
        expect(await socket.next()).toEqual({ ...first, duplicate: true });
      }
    }
    await saysAll(his, ['marker']);
    expect((await historyOf(bob, path)).map(textOf)).toEqual(['once', 'marker']);
  });

  it('it is recognised among the author’s newest 64 messages and the chat’s newest 1000', async () => {
    const [hers, his] = [await live(alice, path), await live(bob, path)];
    hers.says('the oldest that counts', 'again-2');
    const first = await hers.hears('the oldest that counts');
    for (const text of numbered('mine', 63)) hers.says(text, text);
    for (const text of numbered('mine', 63)) await hers.hears(text);
    await his.hears('the oldest that counts');
    for (const text of numbered('mine', 63)) await his.hears(text);
    await saysAll(his, numbered('his', 1000 - 64));
    await restart();
    const again = await live(alice, path);
    again.says('the oldest that counts', 'again-2');
    expect(await again.next()).toEqual({ ...first, duplicate: true });
  });
});

/** Speaks, with so many on their way, until the socket ends; resolves to all that was said. */
async function keepSpeaking(socket: TestSocket, name: string): Promise<string[]> {
  const said: string[] = [];
  while (socket.isOpen) {
    const texts = Array.from({ length: IN_FLIGHT }, (_, n) => `${name}: ${said.length + n}`);
    for (const text of texts) socket.says(text, text);
    said.push(...texts);
    const last = texts.at(-1);
    await until(() => hasHeard(socket, last) || !socket.isOpen);
  }
  return said;
}

function hasHeard(socket: TestSocket, text: string | undefined): boolean {
  return socket.frames.slice(-IN_FLIGHT * 4).some((frame) => frame.text === text);
}
