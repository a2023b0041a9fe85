import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DuplicateFrame } from '../../src/api/frames.js';
import { historyOf, live, numbered, saysAll, textOf } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame, TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
});
afterAll(() => server.stop());

/** A chat in which the first message was sent with a client id. */
async function said(text: string, clientId: string) {
  const path = `/group/${await alice.groupWith(bob)}`;
  const [hers, his] = [await live(alice, path), await live(bob, path)];
  hers.says(text, clientId);
  const first = await hers.hears(text);
  await his.hears(text);
  return { path, hers, his, first };
}

const duplicateOf = (first: Frame) => ({ ...first, duplicate: true });

/** Shows that nothing is on its way to the socket: the marker comes first. */
async function nothingBefore(marker: string, speaker: TestSocket, ...listeners: TestSocket[]): Promise<void> {
  speaker.says(marker);
  for (const listener of listeners) await listener.hears(marker);
}

describe('client_id', () => {
  it('is shown wherever the message is', async () => {
    const path = `/chat/${await alice.chatWith(bob)}`;
    const [hers, his, main] = [await live(alice, path), await live(bob, path), await bob.connect('/main')];
    hers.says('hello', 'mine-1');
    expect((await hers.hears('hello')).client_id).toBe('mine-1');
    expect((await his.hears('hello')).client_id).toBe('mine-1');
    expect((await main.nextOf('last_message')).client_id).toBe('mine-1');
    expect((await historyOf(bob, path)).at(-1).client_id).toBe('mine-1');
    expect((await bob.get(`${path}/info`)).body.last_message.client_id).toBe('mine-1');
  });

  it('may be anything of 1 to 64 characters', async () => {
    const path = `/chat/${await alice.chatWith(bob)}`;
    const socket = await live(alice, path);
    for (const clientId of ['x', '7', 'a'.repeat(64), '😀'.repeat(64), ' ', '"\\\u0001\n', '__proto__']) {
      socket.says('named', clientId);
      expect((await socket.hears('named')).client_id).toBe(clientId);
      socket.says('named', clientId);
      expect(await socket.next()).toMatchObject({ client_id: clientId, duplicate: true });
    }
  });

  it('of another kind is refused, and the message is not stored', async () => {
    const { path, hers } = await said('first', 'ok');
    for (const client_id of ['', 'a'.repeat(65), '😀'.repeat(65), 7, null, {}, '\ud800']) {
      hers.send({ type: 'message', text: 'refused', client_id });
      expect(await hers.next()).toMatchObject({ type: 'error', code: 'invalid_field' });
    }
    expect((await historyOf(bob, path)).map(textOf)).toEqual(['first']);
  });
});

describe('the same client_id again', () => {
  it('gets the first message back, on that socket only, and nothing is stored', async () => {
    const { path, hers, his, first } = await said('once', 'again-1');
    const hersToo = await live(alice, path);
    hers.says('once', 'again-1');
    const answer = await hers.next();
    expect(answer).toEqual(duplicateOf(first));
    DuplicateFrame.parse(answer);
    await nothingBefore('marker', his, hers, his, hersToo);
    expect((await historyOf(bob, path)).map(textOf)).toEqual(['once', 'marker']);
  });

  it('gets the first text back when it comes with another', async () => {
    const { path, hers, his, first } = await said('the first text', 'again-2');
    hers.says('another text', 'again-2');
    expect(await hers.next()).toEqual(duplicateOf(first));
    await nothingBefore('marker', his, hers, his);
    expect((await historyOf(bob, path)).map(textOf)).toEqual(['the first text', 'marker']);
  });

  it('is recognised on another socket, and on another worker', async () => {
    const { path, hers, his, first } = await said('once', 'again-3');
    const both = await alice.connectOnBoth(path);
    for (const socket of both) {
      await socket.nextOf('history');
      socket.says('once', 'again-3');
      expect(await socket.next()).toEqual(duplicateOf(first));
    }
    await nothingBefore('marker', his, hers, his, ...both);
  });

  it('is answered each time', async () => {
    const { hers, his, first } = await said('once', 'again-4');
    for (let n = 0; n < 5; n++) hers.says('once', 'again-4');
    for (let n = 0; n < 5; n++) expect(await hers.next()).toEqual(duplicateOf(first));
    await nothingBefore('marker', his, hers, his);
  });

  it('at the same moment from both workers is stored once: one delivery for all, one answer for the other', async () => {
    const path = `/group/${await alice.groupWith(bob)}`;
    const sockets = await alice.connectOnBoth(path);
    const his = await live(bob, path);
    for (const socket of sockets) await socket.nextOf('history');
    const delivered: Frame[] = [];
    for (const name of numbered('race', 30)) {
      for (const socket of sockets) socket.says(name, name);
      delivered.push(await his.hears(name));
    }
    delivered.push(...(await saysAll(his, ['marker'])));
    const answers = () => sockets.flatMap(({ frames }) => frames.filter(({ duplicate }) => duplicate));
    const deliveriesTo = ({ frames }: TestSocket) => frames.slice(1).filter(({ duplicate }) => !duplicate);
    await until(() => answers().length >= 30 && sockets.every((socket) => deliveriesTo(socket).length >= 31));
    for (const socket of sockets) expect(deliveriesTo(socket)).toEqual(delivered);
    expect(answers().sort((a, b) => a.id - b.id)).toEqual(delivered.slice(0, 30).map(duplicateOf));
    expect((await historyOf(bob, path)).map(textOf)).toEqual([...numbered('race', 30), 'marker']);
  });

  it('is recognised among the author’s newest 64 messages, whoever else speaks in between', async () => {
    const { hers, his, first } = await said('the first of 64', 'again-5');
    for (const text of numbered('mine', 63)) {
      hers.says(text, text);
      await hers.hears(text);
      await his.hears(text);
    }
    await saysAll(his, numbered('his', 100));
    for (const text of numbered('his', 100)) await hers.hears(text);
    hers.says('again', 'again-5');
    expect(await hers.next()).toEqual(duplicateOf(first));
  });

  it('is another’s own: two authors, and two chats, do not meet', async () => {
    const { hers, his } = await said('hers', 'shared');
    his.says('his', 'shared');
    expect(await his.next()).toMatchObject({ text: 'his', author: { id: bob.id } });
    expect(await hers.next()).not.toHaveProperty('duplicate');
    const other = await said('in another chat', 'shared');
    expect(other.first).not.toHaveProperty('duplicate');
  });

  it('is not a repeat when the first was refused', async () => {
    const { hers } = await said('first', 'ok');
    hers.says('   ', 'again-6');
    await hers.nextOf('error');
    hers.says('now with text', 'again-6');
    expect(await hers.hears('now with text')).not.toHaveProperty('duplicate');
  });
});
