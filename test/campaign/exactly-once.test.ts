import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { at, historyOf, idOf, live, numbered, textOf } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame, TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

const ROUNDS = 4;
const MESSAGES = 20;

let dataDir: string;
let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let path: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'parley-test-'));
  server = await TestServer.start({ workers: 2, dataDir });
  [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
});
beforeEach(async () => {
  path = `/group/${await alice.groupWith(bob)}`;
});
afterAll(async () => {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** What a socket was shown under a client id: the message, and answers to repeats. */
const shown = ({ frames }: TestSocket, clientId: string): Frame[] =>
  frames.filter(({ client_id }) => client_id === clientId);

async function bothWorkers(): Promise<[TestSocket, TestSocket]> {
  const sockets = await alice.connectOnBoth(path);
  for (const socket of sockets) await socket.nextOf('history');
  return sockets;
}

/** Every message of the chat is there once, and was shown as it is stored. */
async function expectOnce(clientIds: readonly string[], sockets: readonly TestSocket[]): Promise<Frame[]> {
  const stored = await historyOf(bob, path);
  expect(stored.map(({ client_id }) => client_id).sort()).toEqual([...clientIds].sort());
  expect(stored.map(idOf)).toEqual([...new Set(stored.map(idOf))].sort((a, b) => a - b));
  for (const socket of sockets) {
    for (const message of stored) {
      for (const { duplicate: _, ...frame } of shown(socket, message.client_id))
        expect(frame).toEqual(message);
    }
  }
  return stored;
}

describe('a client_id that comes to both workers in one moment, with two texts', () => {
  it('is stored once while ledgers die: one text stands, and the other sender is shown it', async () => {
    const [one, other] = await bothWorkers();
    const his = await live(bob, path);
    const said: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const names = numbered(`round ${round}`, MESSAGES);
      for (const name of names) {
        one.says(`one: ${name}`, name);
        other.says(`other: ${name}`, name);
      }
      if (round % 2 === 0) await until(() => shown(his, names[round] ?? '').length > 0);
      await server.kill('ledger');
      said.push(...names);
      // The message goes to both, and the answer to the repeat to the one whose text came second.
      await until(() => names.every((name) => shown(one, name).length + shown(other, name).length === 3));
    }
    await until(() => his.frames.length === 1 + said.length);
    await expectOnce(said, [one, other, his]);
    for (const name of said) {
      expect([...shown(one, name), ...shown(other, name)].filter(({ duplicate }) => duplicate)).toHaveLength(
        1,
      );
    }
  });
});

describe('a client_id that is repeated with another text', () => {
  it('on the other worker, as its own was killed, is stored once, and one text stands', async () => {
    const said: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const sockets = await bothWorkers();
      const names = (index: number) => numbered(`round ${round}, socket ${index}`, MESSAGES);
      const all = sockets.flatMap((socket, index) => {
        for (const name of names(index)) socket.says(`first: ${name}`, name);
        return names(index);
      });
      if (round % 2 === 0) await until(() => sockets.some(({ frames }) => frames.length > 1));
      const victim = await server.kill('worker');
      const cut = await until(() => sockets.find(({ isOpen }) => !isOpen));
      const left = sockets.find((socket) => socket !== cut) ?? cut;
      for (const name of all) left.says(`again: ${name}`, name);
      said.push(...all);
      // Each repeat is answered: with its own echo, or with the first text.
      await until(() => all.every((name) => shown(left, name).some(isAnswer)));
      await expectOnce(said, sockets);
      await left.close();
      await until(async () => (await server.pids()).workers.filter((pid) => pid !== victim).length === 2);
      await until(() => bothWorkers().catch(() => undefined));
    }
  });

  it('after everything was killed gets the first text back', async () => {
    const socket = await live(alice, path);
    const names = numbered('before', MESSAGES);
    for (const name of names) socket.says(`first: ${name}`, name);
    for (const name of names) await socket.hears(`first: ${name}`);
    await server.end('SIGKILL');
    server = await TestServer.start({ workers: 2, dataDir });
    [alice, bob] = [at(server, alice), at(server, bob)];
    for (const again of await bothWorkers()) {
      for (const name of names) again.says(`again: ${name}`, name);
      for (const name of names)
        expect(await again.next()).toMatchObject({ text: `first: ${name}`, duplicate: true });
    }
    const stored = await expectOnce(names, []);
    expect(stored.map(textOf)).toEqual(names.map((name) => `first: ${name}`));
  });
});

function isAnswer({ text, duplicate }: Frame): boolean {
  return duplicate === true || text.startsWith('again');
}
