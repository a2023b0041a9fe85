import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, full, fullHistoryOf, NO_MESSAGES, numbered, pagesOf } from '../support/chat.js';
import { ChatClient } from '../support/chat-client.js';
import { TestServer } from '../support/server.js';
import type { Frame, TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

let server: TestServer;
let dataDir: string;
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'parley-test-'));
  server = await TestServer.start({ workers: 2, dataDir });
  [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
});
afterAll(async () => {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function restart(): Promise<void> {
  await server.end();
  server = await TestServer.start({ workers: 2, dataDir });
  [alice, bob] = [at(server, alice), at(server, bob)];
}

/** A conversation with every kind of change; resolves to its path and all the frames that Bob's open socket was sent. */
async function conversation(): Promise<{ path: string; frames: readonly Frame[] }> {
  const path = `/group/${await alice.groupWith(bob)}`;
  const [hers, his] = [await full(alice, path), await full(bob, path)];
  const say = async (socket: TestSocket, text: string, replyTo?: Frame) => {
    socket.send({ type: 'message', text, reply_to: replyTo?.id });
    return hers.hears(text);
  };
  const done = (type: string) => hers.nextOf(type);
  const [one, two, three] = [await say(hers, 'one'), await say(his, 'two'), await say(hers, 'three')];
  his.reacts(one, '👍');
  await done('reaction');
  hers.edits(one, 'one, edited');
  await done('edited');
  hers.reacts(one, '👍');
  await done('reaction');
  const reply = await say(his, 'a reply', one);
  const toTwo = await say(hers, 'a reply to two', two);
  his.deletes(two);
  await done('deleted');
  his.reacts(three, '🎉');
  await done('reaction');
  his.edits(reply, 'a reply, edited');
  await done('edited');
  hers.edits(one, 'one, edited twice');
  await done('edited');
  hers.deletes(toTwo);
  await done('deleted');
  his.reacts(three, '🎉', false);
  await done('reaction');
  await say(hers, 'the last');
  await his.nextOf('message');
  while (his.frames.length < hers.frames.length) await his.next();
  return { path, frames: his.frames };
}

/** Whoever was shown the first frames, and resumes after them, is told what is missing, each message once. */
async function expectResumes({ path, frames }: Awaited<ReturnType<typeof conversation>>): Promise<void> {
  const anew = new ChatClient(bob.id, 'full');
  anew.take({ type: 'history', messages: await fullHistoryOf(bob, path) });
  for (const hasTime of [true, false]) {
    for (let count = 1; count <= frames.length; count++) {
      const client = new ChatClient(bob.id, 'full');
      for (const frame of frames.slice(0, count)) client.take(frame);
      const { id, time } = client.cursor;
      client.reconnected();
      const cursor = id > 0 && hasTime ? `${id}@${time}` : id;
      const socket = await bob.connect(`${path}?features=1&after=${cursor}`);
      const pages = await pagesOf(socket);
      await socket.close();
      for (const page of pages) client.take(page);
      expect(client.messages).toEqual(anew.messages);
      const told = pages.flatMap(({ messages }) =>
        messages.map((entry: Frame) => entry.message_id ?? entry.id),
      );
      expect(new Set(told).size).toBe(told.length);
      if (count === frames.length) expect(pages).toMatchObject([NO_MESSAGES]);
    }
  }
}

describe('whoever resumes after any frame', () => {
  it('is told of each message that is new or changed, once, as it is now', async () => {
    await expectResumes(await conversation());
  });

  it('is told the same by a server that was restarted', async () => {
    const talk = await conversation();
    await restart();
    await expectResumes(talk);
  });

  it('goes on with what comes', async () => {
    const { path, frames } = await conversation();
    const hers = await full(alice, path);
    const { id, time } = frames.at(-1);
    const resumed = await bob.connect(`${path}?features=1&after=${id}@${Date.parse(time)}`);
    expect(await resumed.next()).toMatchObject(NO_MESSAGES);
    const one = frames[1];
    hers.edits(one, 'one, edited live');
    const edited = await hers.nextOf('edited');
    expect(await resumed.next()).toEqual(edited);
  });
});

describe('a restart', () => {
  it('forgets no name of a change: sent again it is not made again', async () => {
    const path = `/group/${await alice.groupWith(bob)}`;
    let hers = await full(alice, path);
    hers.says('first', 'm-1');
    const message = await hers.hears('first');
    hers.edits(message, 'second', 'e-1');
    const edited = await hers.nextOf('edited');
    await restart();
    hers = await full(alice, path);
    hers.edits(message, 'third', 'e-1');
    expect(await hers.next()).toEqual({ ...edited, duplicate: true });
    hers.says('first', 'm-1');
    expect(await hers.next()).toMatchObject({ id: message.id, text: 'second', version: 2, duplicate: true });
    hers.deletes(message, 'd-1');
    const deleted = await hers.nextOf('deleted');
    await restart();
    hers = await full(alice, path);
    hers.deletes(message, 'd-1');
    expect(await hers.next()).toEqual({ ...deleted, duplicate: true });
  });

  it('of the ledger loses no change, makes none twice, and closes no socket', async () => {
    const path = `/group/${await alice.groupWith(bob)}`;
    const [hers, his] = [await full(alice, path), await full(bob, path)];
    hers.says('version 1');
    const message = await hers.hears('version 1');
    await his.hears('version 1');
    const texts = numbered('version', 60).slice(2);
    await server.kill('ledger');
    for (const text of texts) hers.edits(message, text, text);
    for (const [n, text] of texts.entries()) {
      const edited = await hers.nextOf('edited');
      expect(edited).toMatchObject({ text, client_id: text, version: n + 2 });
      expect(edited).not.toHaveProperty('duplicate');
      expect(await his.next()).toEqual(edited);
    }
  });
});
