import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LastMessageFrame } from '../../src/api/frames.js';
import { live, numbered, saysAll, textOf } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame, TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
beforeAll(async () => {
  server = await TestServer.shared();
});
afterAll(() => server.stop());

/** Users of their own: main hears everything of its user. */
async function threeUsers(): Promise<void> {
  [alice, bob, carol] = [await server.user('Alice'), await server.user('Bob'), await server.user('Carol')];
}

/** Says it in the chat and resolves to the echo. */
async function say(user: TestUser, path: string, text: string): Promise<Frame> {
  const socket = await live(user, path);
  const [echo] = await saysAll(socket, [text]);
  await socket.close();
  return echo;
}

async function nextText(socket: TestSocket): Promise<string> {
  return (await socket.nextOf('last_message')).text;
}

describe('main', () => {
  beforeAll(threeUsers);

  it('hears the last message of every chat of the user, on both workers, with the type of the chat', async () => {
    const [chat, group] = [await alice.chatWith(bob), await carol.groupWith(alice, bob)];
    const mains = await alice.connectOnBoth('/main');
    const inChat = await say(bob, `/chat/${chat}`, 'in the chat');
    const inGroup = await say(carol, `/group/${group}`, 'in the group');
    for (const main of mains) {
      const frames = [await main.next(), await main.next()];
      expect(frames[0]).toEqual({ ...inChat, type: 'last_message', chat_type: 'private' });
      expect(frames[1]).toEqual({ ...inGroup, type: 'last_message', chat_type: 'group' });
      for (const frame of frames) LastMessageFrame.parse(frame);
    }
  });

  it('has no first frame, and hears its user’s own messages too', async () => {
    const chat = await alice.chatWith(bob);
    const [hers, his] = [await alice.connect('/main'), await bob.connect('/main')];
    await say(alice, `/chat/${chat}`, 'my own');
    for (const main of [hers, his]) {
      expect(await main.next()).toMatchObject({
        type: 'last_message',
        text: 'my own',
        author: { id: alice.id },
      });
    }
  });

  it('hears every message, in order', async () => {
    const path = `/group/${await alice.groupWith(bob)}`;
    const mains = await bob.connectOnBoth('/main');
    await saysAll(await live(alice, path), numbered('m', 200));
    for (const main of mains) for (const text of numbered('m', 200)) expect(await nextText(main)).toBe(text);
  });

  it('hears nothing of the chats of others', async () => {
    const [theirs, ours] = [await alice.chatWith(carol), await alice.chatWith(bob)];
    const main = await bob.connect('/main');
    await say(alice, `/chat/${theirs}`, 'between them');
    await say(alice, `/chat/${ours}`, 'between us');
    expect(await nextText(main)).toBe('between us');
  });

  it('hears a repeated client_id once', async () => {
    const path = `/chat/${await alice.chatWith(bob)}`;
    const main = await bob.connect('/main');
    const writer = await live(alice, path);
    for (let n = 0; n < 3; n++) writer.says('once', 'repeat-1');
    writer.says('marker');
    expect([await nextText(main), await nextText(main)]).toEqual(['once', 'marker']);
  });
});

describe('an open main socket', () => {
  beforeAll(threeUsers);

  it('hears of a private chat that is opened later', async () => {
    const [hers, his] = [await carol.connectOnBoth('/main'), await bob.connectOnBoth('/main')];
    const chat = await carol.chatWith(bob);
    await say(carol, `/chat/${chat}`, 'nice to meet you');
    for (const main of [...hers, ...his]) expect(await nextText(main)).toBe('nice to meet you');
  });

  it('hears of a group that the user creates, or is created into', async () => {
    const [owners, members] = [await alice.connectOnBoth('/main'), await bob.connectOnBoth('/main')];
    const group = await alice.groupWith(bob);
    await say(alice, `/group/${group}`, 'welcome');
    for (const main of [...owners, ...members]) expect(await nextText(main)).toBe('welcome');
  });

  it('hears of a group from when the user is added to when the user is removed', async () => {
    const group = await alice.groupWith(carol);
    const marker = await alice.chatWith(bob);
    const mains = await bob.connectOnBoth('/main');
    await say(alice, `/group/${group}`, 'before');
    await alice.post(`/group/${group}/add`, { users: [{ id: bob.id }] });
    await say(alice, `/group/${group}`, 'during');
    await alice.delete(`/group/${group}/delete`, { users: [{ id: bob.id }] });
    await say(alice, `/group/${group}`, 'after');
    await say(alice, `/chat/${marker}`, 'marker');
    for (const main of mains) {
      expect([await nextText(main), await nextText(main)]).toEqual(['during', 'marker']);
      expect(main.isOpen).toBe(true);
    }
  });

  it('stays when a group is deleted, and goes on hearing the others', async () => {
    const [doomed, kept] = [await alice.groupWith(bob), await alice.groupWith(bob)];
    const mains = await bob.connectOnBoth('/main');
    await say(alice, `/group/${doomed}`, 'the end');
    await alice.delete(`/group/${doomed}`);
    await say(alice, `/group/${kept}`, 'we are here');
    for (const main of mains) {
      expect([await nextText(main), await nextText(main)]).toEqual(['the end', 'we are here']);
      expect(main.isOpen).toBe(true);
    }
  });

  it('takes no frames about a chat: each is answered with unknown_type', async () => {
    const main = await alice.connect('/main');
    for (const type of ['message', 'typing', 'stop_typing', 'shout']) {
      main.send({ type, text: 'hello', client_id: 'mine-1' });
      expect(await main.next()).toMatchObject({ type: 'error', code: 'unknown_type', client_id: 'mine-1' });
    }
    main.send('nonsense');
    expect(await main.next()).toMatchObject({ type: 'error', code: 'invalid_frame' });
    expect(main.isOpen).toBe(true);
  });
});

describe('main?after=', () => {
  beforeAll(threeUsers);

  it('gives the last message of each chat that has a newer one, in the order of their ids, then is live', async () => {
    const [chat, group] = [await alice.chatWith(bob), await alice.groupWith(bob)];
    const [quiet, hidden] = [await bob.groupWith(alice), await alice.groupWith(carol)];
    const seen = await say(alice, `/group/${quiet}`, 'seen');
    await say(alice, `/chat/${chat}`, 'older');
    const inGroup = await say(alice, `/group/${group}`, 'newest in the group');
    const inChat = await say(bob, `/chat/${chat}`, 'newest in the chat');
    await say(alice, `/group/${hidden}`, 'not for Bob');

    const main = await bob.connect(`/main?after=${seen.id}`);
    expect(await main.next()).toEqual({ ...inGroup, type: 'last_message', chat_type: 'group' });
    expect(await main.next()).toEqual({ ...inChat, type: 'last_message', chat_type: 'private' });
    await say(alice, `/group/${quiet}`, 'live');
    expect(await nextText(main)).toBe('live');
  });

  it('0 gives the last message of every chat that has one', async () => {
    const texts = numbered('chat', 20);
    const dave = await server.user('Dave');
    for (const text of texts) await say(alice, `/group/${await alice.groupWith(dave)}`, text);
    await alice.groupWith(dave);
    const main = await dave.connect('/main?after=0');
    for (const text of texts) expect(await nextText(main)).toBe(text);
  });

  it('the newest id gives nothing but what is said', async () => {
    const path = `/chat/${await alice.chatWith(bob)}`;
    const { id } = await say(alice, path, 'seen');
    const main = await bob.connect(`/main?after=${id}`);
    await say(alice, path, 'live');
    expect(await nextText(main)).toBe('live');
  });

  it('while others keep speaking loses no chat’s newest message', async () => {
    const paths = await Promise.all(
      numbered('g', 10).map(async () => `/group/${await alice.groupWith(bob)}`),
    );
    const writers = await Promise.all(paths.map((path) => live(alice, path)));
    let speaking = true;
    const speakers = writers.map(async (writer) => {
      while (speaking) await saysAll(writer, numbered('m', 5));
    });
    let after = 0;
    for (let connections = 0; connections < 30; connections++) {
      const main = await bob.connect(`/main?after=${after}`);
      await main.nextOf('last_message');
      main.terminate();
      await main.closed();
      const ids = main.frames.map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
      expect(ids[0]).toBeGreaterThan(after);
      after = ids.at(-1);
    }
    const last = await bob.connect(`/main?after=${after}`);
    await last.nextOf('last_message');
    speaking = false;
    await Promise.all(speakers);
    for (const writer of writers) await saysAll(writer, ['the last one']);
    await until(
      () => last.frames.map(textOf).filter((text) => text === 'the last one').length === writers.length,
    );
    for (const writer of writers) {
      const ids = (from: readonly Frame[]) => from.map(({ id }) => id);
      const [chat, began] = [
        writer.frames[1].chat_id,
        last.frames.find(({ chat_id }) => chat_id === writer.frames[1].chat_id),
      ];
      const heard = ids(last.frames.filter(({ chat_id }) => chat_id === chat));
      expect(heard).toEqual(ids(writer.frames.slice(1)).filter((id) => id >= began.id));
    }
  });
});
