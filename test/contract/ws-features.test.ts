import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { full, historyOf, live, textOf, wsUrl } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let path: string;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
  path = `/group/${await alice.groupWith(bob)}`;
});
afterAll(() => server.stop());

const offering = (user: TestUser, at: string, ...protocols: string[]) =>
  TestSocket.open(wsUrl(user, at), {}, [...protocols, `bearer.${user.token}`]);

/** Whether a socket is told of changes: that of one who is comes before the next message. */
async function isTold(socket: TestSocket): Promise<boolean> {
  await socket.nextOf('history');
  const writer = await full(alice, path);
  writer.says('before');
  const said = await writer.hears('before');
  writer.reacts(said, '👍');
  await writer.nextOf('reaction');
  writer.says('after');
  await socket.hears('before');
  const next = await socket.next();
  await (next.type === 'reaction' ? socket : writer).hears('after');
  return next.type === 'reaction';
}

describe('a socket asks for changes', () => {
  it('with features=1', async () => {
    expect(await isTold(await bob.connect(`${path}?features=1`))).toBe(true);
  });

  it('with the subprotocol chat.v2, which is answered alone', async () => {
    const socket = await offering(bob, path, 'chat.v2');
    expect(socket.protocol).toBe('chat.v2');
    expect(await isTold(socket)).toBe(true);
  });

  it('with chat.v2 beside chat.v1, in either order', async () => {
    for (const protocols of [
      ['chat.v1', 'chat.v2'],
      ['chat.v2', 'chat.v1'],
    ]) {
      const socket = await offering(bob, path, ...protocols);
      expect(socket.protocol).toBe('chat.v2');
      expect(await isTold(socket)).toBe(true);
    }
  });

  it('with chat.v1 and features=1, as any other client', async () => {
    const socket = await offering(bob, `${path}?features=1`, 'chat.v1');
    expect(socket.protocol).toBe('chat.v1');
    expect(await isTold(socket)).toBe(true);
  });

  it('in no other way: without it, with features=0, and with chat.v1 alone it is told of none', async () => {
    expect(await isTold(await bob.connect(path))).toBe(false);
    expect(await isTold(await bob.connect(`${path}?features=0`))).toBe(false);
    expect(await isTold(await offering(bob, path, 'chat.v1'))).toBe(false);
  });

  it.each(['2', '', 'true', '01', '1&features=1'])('features=%s is refused', async (features) => {
    const query = `${path}?features=${features}`;
    const { status, body } = await bob.refusal(query);
    expect({ status, code: body.code, details: body.details }).toEqual({
      ...{ status: 400, code: 'invalid_query', details: { parameter: 'features' } },
    });
    const socket = await offering(bob, query, 'chat.v1');
    expect(await socket.closed()).toEqual({ code: 4400, reason: 'invalid_query' });
  });

  it('and is refused with a close code, as a client of chat.v1', async () => {
    const socket = await offering(bob, '/group/999999999', 'chat.v2');
    expect(socket.protocol).toBe('chat.v2');
    expect(await socket.closed()).toEqual({ code: 4404, reason: 'group_not_found' });
  });
});

describe('a socket that did not ask', () => {
  it('is told of no change and shown no deleted message, but has the text of today', async () => {
    const chat = `/group/${await alice.groupWith(bob)}`;
    const [writer, plain] = [await full(alice, chat), await live(bob, chat)];
    for (const text of ['one', 'two', 'three']) writer.says(text);
    const [one, two, three] = [
      await writer.hears('one'),
      await writer.hears('two'),
      await writer.hears('three'),
    ];
    writer.edits(one, 'one, edited');
    writer.reacts(one, '👍');
    writer.deletes(two);
    writer.says('four', 'named');
    for (const type of ['edited', 'reaction', 'deleted', 'message']) await writer.nextOf(type);
    for (const text of ['one', 'two', 'three', 'four']) await plain.hears(text);

    const history = await historyOf(bob, chat);
    expect(history.map(textOf)).toEqual(['one, edited', 'three', 'four']);
    expect(history[0]).toMatchObject({ id: one.id, version: 2 });
    for (const message of history) expect(message).not.toHaveProperty('reactions');
    const resumed = await bob.connect(`${chat}?after=${one.id}`);
    expect((await resumed.nextOf('history')).messages.map(textOf)).toEqual(['three', 'four']);
    // Two messages are asked for, and two come: a deleted one does not count.
    const page = await (await bob.connect(`${chat}?limit=2&offset=1`)).nextOf('history');
    expect(page.messages.map(textOf)).toEqual(['one, edited', 'three']);
    expect(page.messages[1]).toEqual(three);
  });

  it('cannot change anything: the frames are unknown to it', async () => {
    const chat = `/group/${await alice.groupWith(bob)}`;
    const [plain, watcher] = [await live(alice, chat), await full(bob, chat)];
    plain.says('said');
    const said = await plain.hears('said');
    plain.edits(said, 'edited', 'name-1');
    plain.deletes(said, 'name-2');
    plain.reacts(said, '👍', true, 'name-3');
    for (const client_id of ['name-1', 'name-2', 'name-3'])
      expect(await plain.nextOf('error')).toMatchObject({ code: 'unknown_type', client_id });
    plain.says('after');
    await watcher.hears('said');
    await watcher.hears('after');
  });

  it('may reply and mention, and is shown what others answered', async () => {
    const chat = `/group/${await alice.groupWith(bob)}`;
    const [hers, his] = [await live(alice, chat), await live(bob, chat)];
    hers.says('question');
    const question = await his.hears('question');
    his.send({ type: 'message', text: 'answer', reply_to: question.id, mentions: [alice.id] });
    await hers.hears('question');
    expect(await hers.hears('answer')).toMatchObject({
      reply_to: question.id,
      quote: { text: 'question', author: { id: alice.id, name: 'Alice' } },
      mentions: [alice.id],
    });
  });
});

describe('a main socket that did not ask', () => {
  it('takes no frames that change messages', async () => {
    const main = await alice.connect('/main');
    main.edits({ id: 1 }, 'edited', 'name-1');
    expect(await main.nextOf('error')).toMatchObject({ code: 'unknown_type', client_id: 'name-1' });
  });
});
