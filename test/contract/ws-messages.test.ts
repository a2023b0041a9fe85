import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LiveMessageFrame } from '../../src/api/frames.js';
import { historyOf, idOf, live, numbered, saysAll, textOf } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { TestUser } from '../support/user.js';

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob, carol] = [await server.user('Alice'), await server.user('Bob'), await server.user('Carol')];
});
afterAll(() => server.stop());

describe('a message', () => {
  it('is heard by the sender as by everybody, and that is the acknowledgement', async () => {
    const path = `/chat/${await alice.chatWith(bob)}`;
    const [hers, his] = [await live(alice, path), await live(bob, path)];
    hers.says('hi');
    const echo = await hers.hears('hi');
    expect(await his.next()).toEqual(echo);
    expect(LiveMessageFrame.parse(echo)).toEqual(echo);
    expect((await historyOf(bob, path)).at(-1)).toEqual(echo);
  });

  it('has on disk what was acknowledged: the echo is in everybody’s next history', async () => {
    const path = `/group/${await alice.groupWith(bob)}`;
    const writer = await live(alice, path);
    for (const text of numbered('durable', 20)) {
      const [echo] = await saysAll(writer, [text]);
      expect((await (await bob.connect(`${path}?limit=1`)).nextOf('history')).messages).toEqual([echo]);
    }
  });

  it('reaches every socket of every member on both workers, once', async () => {
    const path = `/group/${await alice.groupWith(bob, carol)}`;
    const sockets = [
      ...(await alice.connectOnBoth(path)),
      ...(await bob.connectOnBoth(path)),
      ...(await carol.connectOnBoth(path)),
    ];
    for (const socket of sockets) await socket.nextOf('history');
    for (const [n, socket] of sockets.entries()) {
      socket.says(`from ${n}`);
      const heard = await Promise.all(sockets.map((other) => other.hears(`from ${n}`)));
      for (const frame of heard) expect(frame).toEqual(heard[0]);
    }
    for (const socket of sockets) expect(socket.frames).toHaveLength(1 + sockets.length);
  });

  it('is nobody else’s: another chat of the same people does not hear it', async () => {
    const [one, two] = [await alice.groupWith(bob), await alice.groupWith(bob)];
    const [speaker, other] = [await live(alice, `/group/${one}`), await live(bob, `/group/${two}`)];
    const marker = await live(alice, `/group/${two}`);
    await saysAll(speaker, ['in one']);
    await saysAll(marker, ['in two']);
    expect((await other.hears('in two')).chat_id).toBe(two);
  });

  it('is said by whoever the token says, whatever the frame says', async () => {
    const path = `/chat/${await alice.chatWith(bob)}`;
    const [hers, his] = [await live(alice, path), await live(bob, path)];
    const authors = [{ id: bob.id, name: 'Bob' }, { id: alice.id, name: 'Not Alice' }, { id: 'x' }, 7, null];
    for (const author of authors) hers.send({ type: 'message', text: 'who am I?', author });
    for (const _ of authors) {
      expect((await his.hears('who am I?')).author).toEqual({ id: alice.id, name: 'Alice' });
    }
  });

  it('is not changed by fields that the API does not know', async () => {
    const path = `/chat/${await alice.chatWith(bob)}`;
    const socket = await live(alice, path);
    socket.send({
      type: 'message',
      text: 'plain',
      id: 1,
      chat_id: 999,
      time: '2000-01-01T00:00:00.000Z',
      duplicate: true,
      colour: 'red',
    });
    const echo = LiveMessageFrame.parse(await socket.next());
    expect(echo).toMatchObject({ chat_id: Number(path.split('/')[2]), text: 'plain' });
    expect(Date.parse(echo.time)).toBeGreaterThan(Date.now() - 60_000);
  });

  it('keeps each sender’s own order', async () => {
    const path = `/chat/${await alice.chatWith(bob)}`;
    const [hers, his] = [await live(alice, path), await live(bob, path)];
    for (const text of numbered('quick', 500)) hers.says(text);
    for (const text of numbered('quick', 500)) await his.hears(text);
  });
});

describe('when everybody speaks at once', () => {
  it('everybody on both workers hears one order, which is the order of the ids and of the history', async () => {
    const path = `/group/${await alice.groupWith(bob, carol)}`;
    const speakers = [
      ...(await alice.connectOnBoth(path)),
      ...(await bob.connectOnBoth(path)),
      await carol.connect(path),
    ];
    for (const socket of speakers) await socket.nextOf('history');
    const each = 100;
    for (let n = 0; n < each; n++)
      for (const [who, socket] of speakers.entries()) socket.says(`${who}: ${n}`);

    const heard = [];
    for (const socket of speakers) {
      const frames = [];
      for (let n = 0; n < each * speakers.length; n++) frames.push(await socket.nextOf('message'));
      heard.push(frames);
    }
    const [first] = heard;
    for (const frames of heard) expect(frames).toEqual(first);
    const ids = first?.map(idOf) ?? [];
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    for (const who of speakers.keys()) {
      const own = first?.map(textOf).filter((text) => text.startsWith(`${who}: `));
      expect(own).toEqual(Array.from({ length: each }, (_, n) => `${who}: ${n}`));
    }
    expect(await historyOf(bob, path)).toEqual(first);
  });
});
