import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { wsUrl } from '../support/chat.js';
import { type Main, next, openMain, pages, refusal } from '../support/main.js';
import { TestServer } from '../support/server.js';
import { type Frame, TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let group: number;
beforeAll(async () => {
  server = await TestServer.shared();
});
afterAll(() => server.stop());
beforeEach(async () => {
  [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
  group = await alice.groupWith(bob);
});

/** Says it on a main socket, and gives the echo. */
async function says({ socket }: Main, text: string, more: object = {}): Promise<Frame> {
  socket.send({ type: 'message', chat_id: group, text, ...more });
  return next(socket, 'message');
}

describe('a main socket that asks for changes', () => {
  it('begins with an empty page, and with what is unread', async () => {
    const hers = await openMain(alice);
    await says(hers, 'one');
    const { changes, cursor, unread } = await openMain(bob);
    expect(changes).toEqual([]);
    expect(cursor).toMatch(/^c1-/);
    expect(unread).toMatchObject({ total_unread: 1, chats: [{ chat_id: group, unread: 1, mentions: 0 }] });
  });

  it('carries messages, edits, reactions and deletions both ways, with client_id, on both workers', async () => {
    const hers = await openMain(alice);
    const his = await bob.connectOnBoth('/main?features=1');
    for (const socket of his) await pages(socket);
    const onAll = async (type: string, frame: Frame) => {
      for (const socket of his) expect(await next(socket, type)).toEqual(frame);
    };
    const message = await says(hers, 'a', { client_id: 'm', mentions: [bob.id] });
    expect(message).toMatchObject({ chat_id: group, text: 'a', client_id: 'm', mentions: [bob.id] });
    await onAll('message', message);
    const about = { chat_id: group, message_id: message.id };

    hers.socket.send({ type: 'edit', ...about, text: 'b', client_id: 'e' });
    const edited = await next(hers.socket, 'edited');
    expect(edited).toMatchObject({ ...about, text: 'b', version: 2, client_id: 'e' });
    await onAll('edited', edited);

    const [first] = his as [TestSocket, TestSocket];
    first.send({ type: 'react', ...about, emoji: '👍', on: true, client_id: 'r' });
    const reaction = await next(hers.socket, 'reaction');
    expect(reaction).toMatchObject({ ...about, emoji: '👍', count: 1, on: true, author: { id: bob.id } });
    await onAll('reaction', reaction);

    hers.socket.send({ type: 'delete', ...about, client_id: 'd' });
    const deleted = await next(hers.socket, 'deleted');
    expect(deleted).toMatchObject({ ...about, client_id: 'd' });
    await onAll('deleted', deleted);
  });

  it('carries answers with a quote', async () => {
    const hers = await openMain(alice);
    const { id } = await says(hers, 'what?');
    expect(await says(hers, 'that', { reply_to: id })).toMatchObject({
      reply_to: id,
      quote: { text: 'what?', author: { id: alice.id } },
    });
  });

  it('answers repeats on itself alone', async () => {
    const [hers, other] = [await openMain(alice), await openMain(alice)];
    const message = await says(hers, 'once', { client_id: 'same' });
    expect(await says(hers, 'twice', { client_id: 'same' })).toEqual({ ...message, duplicate: true });
    const about = { chat_id: group, message_id: message.id };
    hers.socket.send({ type: 'edit', ...about, text: 'once', client_id: 'nothing' });
    expect(await next(hers.socket, 'edited')).toMatchObject({
      ...about,
      duplicate: true,
      client_id: 'nothing',
    });
    const last = await says(hers, 'last');
    expect(await next(other.socket, 'message')).toEqual(message);
    expect(await next(other.socket, 'message')).toEqual(last);
  });

  it('gives pages of history before, after and around a message, with the question’s client_id', async () => {
    const hers = await openMain(alice);
    const ids: number[] = [];
    for (let n = 0; n < 7; n++) ids.push((await says(hers, `${n}`)).id);
    const ask = async (place: object) => {
      hers.socket.send({ type: 'history', chat_id: group, limit: 3, client_id: 'h', ...place });
      const page = await next(hers.socket, 'history');
      expect(page).toMatchObject({ chat_id: group, client_id: 'h' });
      return [page.messages.map(({ id }: Frame) => ids.indexOf(id)), page.more_before, page.more_after];
    };
    expect(await ask({})).toEqual([[4, 5, 6], true, false]);
    expect(await ask({ before: ids[3] })).toEqual([[0, 1, 2], false, true]);
    expect(await ask({ after: ids[1] })).toEqual([[2, 3, 4], true, true]);
    expect(await ask({ after: 0 })).toEqual([[0, 1, 2], false, true]);
    expect(await ask({ around: ids[3] })).toEqual([[2, 3, 4], true, true]);
    expect(await ask({ limit: 0 })).toEqual([[], true, false]);
  });

  it('tells of what its user reads on another device', async () => {
    const [hers, his, other] = [await openMain(alice), await openMain(bob), await openMain(bob)];
    await says(hers, 'one');
    const { id } = await says(hers, 'two');
    his.socket.send({ type: 'read', chat_id: group, id });
    for (const { socket } of [his, other]) {
      for (const text of ['one', 'two']) expect(await next(socket, 'message')).toMatchObject({ text });
      expect(await next(socket, 'unread')).toEqual({
        type: 'unread',
        chats: [{ chat_id: group, unread: 0, mentions: 0, read_id: id }],
      });
    }
  });

  it('is told that the user is in a new chat, with its newest messages', async () => {
    const his = await openMain(bob);
    const chat = await alice.chatWith(bob);
    const opened = await pages(his.socket);
    expect(opened.changes).toMatchObject([
      {
        type: 'added',
        initial: true,
        chat: { id: chat, type: 'private', name: 'Alice' },
        messages: [],
        more: false,
      },
    ]);
    const carol = await server.user('Carol');
    const old = await carol.groupWith();
    for (const text of ['a', 'b']) await carol.send('POST', `/group/${old}/message`, { text });
    await carol.send('POST', `/group/${old}/add`, { users: [{ id: bob.id }] });
    const { changes, unread } = await pages(his.socket);
    expect(changes).toMatchObject([
      { type: 'added', chat: { id: old, unread: 0 }, messages: [{ text: 'a' }, { text: 'b' }], more: false },
    ]);
    expect(unread.total_unread).toBe(0);
    await carol.send('POST', `/group/${old}/message`, { text: 'c' });
    expect(await next(his.socket, 'message')).toMatchObject({ chat_id: old, text: 'c' });
  });

  it('is told of changes of groups, of its own profile, and of those of the partners of private chats', async () => {
    const chat = await alice.chatWith(bob);
    const his = await openMain(bob);
    await alice.send('PATCH', `/group/${group}`, { name: 'Chess', description: 'all day' });
    expect(await next(his.socket, 'chat')).toMatchObject({
      chat: { id: group, type: 'group', name: 'Chess', description: 'all day', users_count: 2 },
    });
    const carol = await server.user('Carol');
    await alice.send('POST', `/group/${group}/add`, { users: [{ id: carol.id }] });
    expect(await next(his.socket, 'chat')).toMatchObject({ chat: { id: group, users_count: 3 } });
    await carol.send('PATCH', '/user', { name: 'Caroline' }); // A stranger, but for the group.
    await alice.send('PATCH', '/user', { name: 'Alicia' });
    expect(await next(his.socket, 'profile')).toMatchObject({
      chat_id: chat,
      user: { id: alice.id, name: 'Alicia' },
    });
    await bob.send('PATCH', '/user', { name: 'Robert' });
    const own = await next(his.socket, 'profile');
    expect(own).toMatchObject({ user: { id: bob.id, name: 'Robert' } });
    expect(own).not.toHaveProperty('chat_id');
  });

  it('is told when the user is removed or the group deleted, and of nothing after that', async () => {
    const his = await openMain(bob);
    const other = await alice.groupWith(bob);
    await pages(his.socket);
    await alice.send('DELETE', `/group/${group}/delete`, { users: [{ id: bob.id }] });
    expect(await next(his.socket, 'removed')).toMatchObject({ chat_id: group });
    await alice.send('POST', `/group/${group}/message`, { text: 'without bob' });
    await alice.send('DELETE', `/group/${other}`);
    expect(await next(his.socket, 'removed')).toMatchObject({ chat_id: other });
    expect(await refusal(his.socket, { type: 'message', chat_id: group, text: 'let me in' })).toBe(
      'chat_not_found',
    );
  });

  it('is taken for chat.v2 as well, with the token among the subprotocols', async () => {
    const socket = await TestSocket.open(wsUrl(alice, '/main'), {}, ['chat.v2', `bearer.${alice.token}`]);
    expect(socket.protocol).toBe('chat.v2');
    expect((await pages(socket)).changes).toEqual([]);
    await socket.close();
  });

  it('answers pings', async () => {
    const { socket } = await openMain(alice);
    socket.send({ type: 'ping', id: 'p' });
    expect(await next(socket, 'pong')).toEqual({ type: 'pong', id: 'p' });
  });
});

describe('a frame of a main socket is refused', () => {
  const frames: [string, () => object][] = [
    ['message', () => ({ type: 'message', text: 'a' })],
    ['edit', () => ({ type: 'edit', message_id: 1, text: 'a' })],
    ['delete', () => ({ type: 'delete', message_id: 1 })],
    ['react', () => ({ type: 'react', message_id: 1, emoji: '👍', on: true })],
    ['read', () => ({ type: 'read', id: 1 })],
    ['typing', () => ({ type: 'typing' })],
    ['history', () => ({ type: 'history' })],
  ];

  it.each(frames)('without features=1: %s', async (_type, frame) => {
    const socket = await alice.connect('/main');
    expect(await refusal(socket, { ...frame(), chat_id: group })).toBe('unknown_type');
  });

  it.each(frames)('without chat_id, and with one that is no id: %s', async (_type, frame) => {
    const { socket } = await openMain(alice);
    expect(await refusal(socket, frame())).toBe('invalid_field');
    expect(await refusal(socket, { ...frame(), chat_id: String(group) })).toBe('invalid_field');
    expect(await refusal(socket, { ...frame(), chat_id: 0 })).toBe('invalid_field');
  });

  it('in a chat that the user is not in', async () => {
    const theirs = await bob.groupWith();
    const sent = await bob.send('POST', `/group/${theirs}/message`, { text: 'ours' });
    const { socket } = await openMain(alice);
    const { id } = sent.body.message ?? sent.body;
    const about = { chat_id: theirs, message_id: id };
    expect(await refusal(socket, { type: 'message', chat_id: theirs, text: 'a' })).toBe('chat_not_found');
    expect(await refusal(socket, { type: 'history', chat_id: theirs })).toBe('chat_not_found');
    expect(await refusal(socket, { type: 'typing', chat_id: theirs })).toBe('chat_not_found');
    expect(await refusal(socket, { type: 'read', chat_id: theirs, id })).toBe('chat_not_found');
    expect(await refusal(socket, { type: 'edit', ...about, text: 'a' })).toBe('message_not_found');
    expect(await refusal(socket, { type: 'delete', ...about })).toBe('message_not_found');
    const react = { type: 'react', ...about, emoji: '👍', on: true };
    expect(await refusal(socket, react)).toBe('message_not_found');
  });

  it('when the message is in another chat than it says', async () => {
    const hers = await openMain(alice);
    const { id } = await says(hers, 'a');
    const other = await alice.groupWith(bob);
    await pages(hers.socket);
    const about = { chat_id: other, message_id: id };
    expect(await refusal(hers.socket, { type: 'edit', ...about, text: 'b' })).toBe('message_not_found');
    expect(await refusal(hers.socket, { type: 'delete', ...about })).toBe('message_not_found');
    const react = { type: 'react', ...about, emoji: '👍', on: true };
    expect(await refusal(hers.socket, react)).toBe('message_not_found');
    expect(await refusal(hers.socket, { type: 'message', chat_id: other, text: 'b', reply_to: id })).toBe(
      'reply_unknown',
    );
  });

  it('with its client_id, and the socket stays', async () => {
    const { socket } = await openMain(alice);
    socket.send({ type: 'message', chat_id: group, text: '  ', client_id: 'blank' });
    expect(await next(socket, 'error')).toMatchObject({ client_id: 'blank' });
    socket.send({ type: 'history', chat_id: group, before: 1, after: 1, client_id: 'both' });
    expect(await next(socket, 'error')).toMatchObject({ code: 'invalid_field', client_id: 'both' });
    expect(socket.isOpen).toBe(true);
  });

  it('and the tenth within a minute ends the socket with 1008, as one that is too big does with 1009', async () => {
    const { socket } = await openMain(alice);
    for (let n = 0; n < 10; n++) socket.send({ type: 'nothing' });
    expect(await socket.closed()).toMatchObject({ code: 1008 });
    const big = await openMain(alice);
    big.socket.send({ type: 'message', chat_id: group, text: 'x'.repeat(61 * 1024) });
    expect(await big.socket.closed()).toMatchObject({ code: 1009 });
  });
});
